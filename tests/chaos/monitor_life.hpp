// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "plan.hpp"

#include "process/fd.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace chaos {

/** What a short command came to. */
struct Ran {
    int status{-1};
    std::string output;
};
/** Runs a command to its end, at most for `patience`; its standard output is the output. */
[[nodiscard]] Ran run(const std::vector<std::string>& words, std::chrono::milliseconds patience);

/**
 * All that was said and done, in one file: DIR/chaos.jsonl.
 *
 * @par Thread safety Every member from any thread.
 */
class Journal {
public:
    explicit Journal(const std::filesystem::path& file) : out_{file} {}
    /** A record of the monitor. */
    void take(std::string_view line);
    /** Something that the driver did. */
    void note(std::string_view what, std::string_view detail);
    [[nodiscard]] std::map<std::string, std::uint64_t> counts() const;

    /** Sees every record first, on the reader's thread. */
    std::function<void(std::string_view)> observer;

private:
    mutable std::mutex mutex_;  // guards everything below
    std::ofstream out_;
    std::map<std::string, std::uint64_t> counts_;
};

/** A resource as `holdfast ctl list` shows it. */
struct Listed {
    std::string external;
    std::string reason;
    std::int64_t hostProcess{0};
    bool restartPending{false};
};

/**
 * `holdfast run`, started again and again.
 *
 * @par Thread safety One thread; a thread of its own reads what the monitor says.
 */
class MonitorLife {
public:
    MonitorLife(const Options& options, std::filesystem::path file, Journal& journal);
    MonitorLife(const MonitorLife&) = delete;
    MonitorLife& operator=(const MonitorLife&) = delete;
    ~MonitorLife();

    void start();
    /** The process, 0 if none runs. */
    [[nodiscard]] pid_t process() const noexcept { return process_; }
    /** How it ended, as waitpid says, once; empty while it runs. */
    [[nodiscard]] std::optional<int> ended(std::chrono::milliseconds patience = std::chrono::milliseconds{0});
    [[nodiscard]] unsigned starts() const noexcept { return starts_; }
    /** Empty if the monitor gives no answer. */
    [[nodiscard]] std::map<std::string, Listed> list(std::chrono::milliseconds patience = std::chrono::seconds{
                                                         15}) const;

private:
    const Options& options_;
    const std::filesystem::path file_;
    Journal& journal_;
    pid_t process_{0};
    unsigned starts_{0};
    std::thread reader_;
};

}  // namespace chaos
