// SPDX-License-Identifier: BSL-1.0
#pragma once

// `holdfast ctl` and the monitor it asks, each in a folder of its own.

#include "support/program.hpp"

#include <holdfast/os/process.hpp>

#include <boost/json.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::test {

using namespace std::chrono_literals;
using tests::Tell;

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline bool eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (std::chrono::steady_clock::now() < deadline) {
        if (holds()) return true;
        std::this_thread::sleep_for(20ms);
    }
    return false;
}

struct Answer {
    int code;
    std::string text;
};

inline std::string resource(const std::string& name, const std::string& script, const std::string& more = "") {
    return "[[resource]]\nname = \"" + name + "\"\ntype = \"Scripted\"\nagent = '" +
           std::filesystem::absolute(SCRIPTED_AGENT).string() + "'\nIsAlivePollInterval = \"20 ms\"\n" + more +
           "[resource.properties]\nScript = \"" + script + "\"\n";
}

/** A folder with a file, and the socket that a monitor of it listens at. */
struct Room {
    explicit Room(const std::string& text)
        : folder{std::filesystem::temp_directory_path() / ("holdfast-ctl-" + std::to_string(os::processId()))} {
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
        std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
        std::ofstream{file()} << head() << text;
    }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    ~Room() { std::filesystem::remove_all(folder); }
    static std::string head() {
        return "[monitor]\nrunDirectory = \"rt\"\nstate = \"state\"\ncontrol = \"run/control\"\n";
    }
    [[nodiscard]] std::string file() const { return (folder / "test.toml").string(); }
    [[nodiscard]] std::string socket() const { return (folder / "run" / "control").string(); }
    [[nodiscard]] Answer ctl(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {"ctl", "--control", socket()});
        tests::Program program{HOLDFAST_PROGRAM, std::move(arguments), {}};
        const int code = program.ends();
        return {code, program.all};
    }
    std::filesystem::path folder;
};

inline std::vector<boost::json::object> objects(const std::string& text) {
    std::vector<boost::json::object> out;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) out.push_back(boost::json::parse(line).as_object());
    return out;
}

}  // namespace holdfast::test
