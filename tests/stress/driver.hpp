// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Who calls what when: threads that live random lives of resources, and threads that only call Terminate.

#include "engine.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace stress {

class Driver {
public:
    struct Options {
        std::uint64_t seed{1};
        std::size_t resources{24};
        std::size_t callers{6};
        std::size_t terminators{2};
    };
    Driver(const Options& options, Judge& judge, Stalls& stalls);
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    ~Driver();

    /** Until `until`, then every resource is closed and everything is waited for. */
    void run(Steady::time_point until);
    [[nodiscard]] std::uint64_t lives() const noexcept { return lives_.load(); }
    [[nodiscard]] std::uint64_t operations() const noexcept { return operations_.load(); }
    [[nodiscard]] std::uint64_t terminates() const noexcept { return terminates_.load(); }

private:
    void call(std::uint64_t seed, Steady::time_point until);
    void terminate(std::uint64_t seed, Steady::time_point until);
    void step(Place& place, std::uint64_t random, std::uint64_t more);
    void operation(Place& place, bool online, std::uint64_t random);

    const Options options_;
    Judge& judge_;
    std::vector<std::unique_ptr<Table>> tables_;
    std::vector<std::unique_ptr<Place>> places_;
    std::atomic<std::uint64_t> lives_{0};
    std::atomic<std::uint64_t> operations_{0};
    std::atomic<std::uint64_t> terminates_{0};
};

}  // namespace stress
