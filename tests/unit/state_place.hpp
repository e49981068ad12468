// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/state_store.hpp"

#include <holdfast/os/process.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::test {

using namespace holdfast::monitor;
using namespace std::chrono_literals;

/** A folder for one test, and what a store said. */
struct Place {
    std::filesystem::path path = std::filesystem::temp_directory_path() /
                                 ("holdfast-state-" + std::to_string(os::processId()) + "-" + std::to_string(++count));
    Place() { std::filesystem::create_directories(path); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { std::filesystem::remove_all(path); }

    StateStore::Opened open() {
        return StateStore::open(path, [this](bool warning, const std::string& text) {
            const std::lock_guard lock{mutex};
            said.push_back((warning ? "warning: " : "") + text);
        });
    }
    std::size_t times(const std::string& part) {
        const std::lock_guard lock{mutex};
        std::size_t number = 0;
        for (const auto& line : said) number += line.find(part) != std::string::npos ? 1U : 0U;
        return number;
    }
    bool eventually(const std::string& part) {
        for (int i = 0; i < 3'000 && times(part) == 0; ++i) std::this_thread::sleep_for(10ms);
        return times(part) > 0;
    }
    [[nodiscard]] std::string content() const {
        std::ifstream stream{path / "state.json", std::ios::binary};
        return {std::istreambuf_iterator<char>{stream}, {}};
    }

    static inline int count = 0;
    std::mutex mutex;
    std::vector<std::string> said;
};

}  // namespace holdfast::test
