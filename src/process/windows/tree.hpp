// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "job.hpp"
#include "launch.hpp"

#include "process/lines.hpp"

#include <holdfast/context.hpp>
#include <holdfast/process.hpp>

#include <array>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::inline v1::process {

class Tree;

/** Where the end of a process is told: what its wait carries. */
struct EndPost {
    HANDLE port{nullptr};
    Tree* tree{nullptr};
};

/**
 * One program, what it started, and what this host knows of them.
 *
 * @par Thread safety Each part says whose it is.
 */
class Tree {
public:
    Tree(std::string resource, Context& context, std::shared_ptr<Job> job, Handle stop, Launched launched,
         const ProcessSettings& settings);

    // ---- the watch thread ----
    /** Asks for more output; false if there will be none. */
    bool read() noexcept;
    /** What a read came to: bytes, or none and an error. */
    void received(DWORD bytes, DWORD error);
    /** Whether the process ended; that is said once all that it wrote has been passed on. */
    void look();
    /** Calls the author's callbacks for what came; no lock is held meanwhile. */
    void deliver();
    /** When the number of lines left out is to be said, in the time of nowMs(). */
    [[nodiscard]] std::int64_t due() const noexcept { return limit_.due(); }
    void sayDropped();

    // ---- the watch, under its lock ----
    HANDLE wait{nullptr};  // of RegisterWaitForSingleObject
    EndPost post;

    // ---- its owner, once it is detached ----
    /** Ends what is left of the tree; says so in the log if something stays. */
    void close() noexcept;

    // ---- any thread ----
    [[nodiscard]] const std::string& resource() const noexcept { return resource_; }
    [[nodiscard]] Context& context() const noexcept { return context_; }
    [[nodiscard]] HANDLE process() const noexcept { return launched_.process.get(); }
    [[nodiscard]] HANDLE output() const noexcept { return launched_.output.get(); }
    [[nodiscard]] DWORD pid() const noexcept { return launched_.pid; }
    [[nodiscard]] const std::string& fingerprint() const noexcept { return fingerprint_; }
    [[nodiscard]] std::optional<ProcessExit> exit() const;
    /** Waits, for moments only, until the watch thread has heard what is true already; in vain on that thread. */
    void awaitExit() const;
    void expectEnd();
    void askToEnd() const noexcept;
    /** Kills the tree; true once nobody of it lives. */
    bool end(std::chrono::milliseconds patience) noexcept;
    /** Lets go of the names, so that a successor can have them; false if somebody lives. */
    bool retire();
    void onExit(std::function<void(const ProcessExit&)> ended);
    void onOutput(std::function<void(std::string_view)> take);

private:
    const std::string resource_;
    Context& context_;
    const Launched launched_;
    const std::string fingerprint_;

    // The watch thread's.
    OVERLAPPED reading_{};
    std::array<char, 4096> buffer_{};
    Lines lines_;
    RateLimit limit_;
    bool open_{true};
    bool drained_{false};  // all that the process wrote before it ended is here
    int drains_{0};

    mutable std::mutex mutex_;  // guards all below; held for moments only
    mutable std::condition_variable heard_;
    std::shared_ptr<Job> job_;  // null once a successor has taken over
    Handle stop_;
    std::optional<ProcessExit> exit_;
    bool killed_{false};
    bool expected_{false};
    bool told_{false};
    std::function<void(const ProcessExit&)> ended_;
    std::function<void(std::string_view)> take_;
};

/** What GetExitCodeProcess said. */
[[nodiscard]] ProcessExit toExit(DWORD code, bool killed);

}  // namespace holdfast::inline v1::process
