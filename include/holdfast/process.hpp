// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Programs that an agent runs: nothing of what they start outlives its resource (D17). On Linux a reaper owns each tree of
/// processes and can keep it for the next host; on Windows a job object does, which ends with its host. On other systems this header
/// is empty and HOLDFAST_HAS_PROCESS is 0. What differs on Windows is said at each member.

#if defined(__linux__) || defined(_WIN32)
#define HOLDFAST_HAS_PROCESS 1
#else
#define HOLDFAST_HAS_PROCESS 0
#endif

#if HOLDFAST_HAS_PROCESS

#include <holdfast/context.hpp>
#include <holdfast/operation.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1 {

namespace process {
#ifdef _WIN32
class Tree;
using Owned = Tree;
#else
class Link;
using Owned = Link;
#endif
}  // namespace process

/** How a program ended. */
class ProcessExit {
public:
    enum class Kind : std::uint8_t {
        status,   ///< by itself
        signal,   ///< killed; on Windows only by this library, since nobody else's kill can be told from a status
        unknown,  ///< its reaper died before it could say
    };
    ProcessExit(Kind kind, int value, bool coreDumped = false, std::string note = {})
        : kind_{kind}, value_{value}, coreDumped_{coreDumped}, note_{std::move(note)} {}

    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    /** The exit status (on Windows all 32 bits of it), or the signal's number. */
    [[nodiscard]] int value() const noexcept { return value_; }
    [[nodiscard]] bool coreDumped() const noexcept { return coreDumped_; }
    [[nodiscard]] bool succeeded() const noexcept { return kind_ == Kind::status && value_ == 0; }
    /** "exited with status 3", "killed by signal 9 (Killed)", "exit status unknown: its reaper was replaced". */
    [[nodiscard]] std::string text() const;

private:
    Kind kind_;
    int value_;
    bool coreDumped_;
    std::string note_;
};

/**
 * What of the system a program may use; what is not set is inherited. In bytes or numbers, soft and hard alike.
 *
 * On Windows `processes` counts those of the tree, `coreSize` means nothing, and `openFiles`, `fileSize` and `lockedMemory` are
 * refused.
 */
struct ProcessLimits {
    std::optional<std::uint64_t> openFiles;
    std::optional<std::uint64_t> processes;
    std::optional<std::uint64_t> addressSpace;
    std::optional<std::uint64_t> coreSize;
    std::optional<std::uint64_t> fileSize;
    std::optional<std::uint64_t> lockedMemory;
};

/** A program and its surroundings. */
struct ProcessSettings {
    std::string program;  ///< a path, or a name to be looked up in the PATH of its environment
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;  ///< added to what it inherits
    bool inheritEnvironment{true};                   ///< else it starts with PATH, and HOME and USER if a user is set
    std::filesystem::path workingDirectory{"/"};     ///< "/" on Windows: the root of the system's drive
    std::string user;   ///< name or number; empty: the host's own. Refused on Windows, as are `group` and `umask`
    std::string group;  ///< name or number; empty: the user's own
    ProcessLimits limits;
    std::optional<std::uint32_t> umask;  ///< 0022
    std::uint32_t outputBurst{200};      ///< lines of output passed on at once …
    std::uint32_t outputRate{20};        ///< … and per second after that; the rest is counted
    bool adoptable{false};               ///< kept for the next host if this one dies; not on Windows
    std::string fingerprint;             ///< what adopt() compares; empty: made of all of the above
};

/** Identifies the settings that a program was started with: equal settings, equal fingerprints. */
[[nodiscard]] std::string fingerprintOf(const ProcessSettings& settings);

/**
 * The tree of processes of one resource: a program and everything that it starts, also in sessions of their own.
 *
 * The tree belongs to a reaper process, found or started by `start` and `find`. When this object is destroyed or its host dies,
 * the reaper keeps an adoptable tree for AdoptTimeout and ends every other at once.
 *
 * On Windows the tree belongs to a job object that the system ends when this object is destroyed or its host dies, adoptable
 * or not.
 *
 * @par Thread safety Every member from any thread; moving and destroying needs the only reference, and waits for running callbacks.
 * @par Errors Members throw `Error`; its text says which step failed and why.
 */
class Process {
public:
    /**
     * Starts the resource's program; returns when it executes, before it had time to do anything.
     *
     * @par Errors `busy` while anything of an earlier start lives (see `end`), `notInstalled`, `permission`, `configuration`.
     * @par Cancellation Throws `Stopped`; what was started by then ends with the connection.
     */
    [[nodiscard]] static Process start(Context& context, const ProcessSettings& settings, Stoppable& call);

    /**
     * What an earlier host left: a tree that lives, also in part, or the end of one that nobody was there to see. Starts a reaper if
     * none runs, which searches the machine for what a killed one left. On Windows nothing is left: it only makes sure of that.
     */
    [[nodiscard]] static std::optional<Process> find(Context& context);

    /**
     * Kills whatever lives of this resource, also without an object: what terminate() needs.
     *
     * @par Budget Some milliseconds; up to `patience` for a process that the system does not let go.
     * @return true once all of it is proved dead; if not, the log says who lives, and no start succeeds before it is gone.
     */
    static bool end(Context& context, std::chrono::milliseconds patience = std::chrono::seconds{25}) noexcept;

    Process(Process&&) noexcept;
    Process& operator=(Process&&) noexcept;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    /** Of the main process. */
    [[nodiscard]] int pid() const;
    /** Whether the main process runs. */
    [[nodiscard]] bool running() const;
    /** How the main process ended; empty while it runs. */
    [[nodiscard]] std::optional<ProcessExit> exit() const;
    /** Whether it was started with these settings. */
    [[nodiscard]] bool matches(const ProcessSettings& settings) const;
    [[nodiscard]] bool matches(std::string_view fingerprint) const;

    /**
     * `ended` is called once, within milliseconds, when the main process ends and neither stop() nor end() asked for it; at once if
     * that was before. On a thread of the library that serves all processes: it must not block, and may not destroy this object.
     */
    void onExit(std::function<void(const ProcessExit&)> ended);
    /** Takes the program's lines (up to 4096 bytes each) in place of the log. On the same thread. */
    void onOutput(std::function<void(std::string_view line)> take);

    /**
     * Sends a signal to the main process; false if it does not run. Windows has no signals: there SIGTERM, SIGINT and SIGBREAK
     * all set the event that the program finds named in HOLDFAST_STOP_EVENT, close its windows, and send Ctrl+Break if it has its
     * host's console.
     */
    bool signal(int number);
    /**
     * Sends signal `number`, waits until the main process has ended, then ends what is left of the tree.
     *
     * @return false if it had to be killed after `patience`.
     * @par Errors `busy` if the tree could not be proved dead.
     * @par Cancellation Throws `Stopped` and leaves the rest to terminate().
     */
    bool stop(Operation& operation, int number, std::chrono::milliseconds patience);
    /** The same as the static one; afterwards `exit()` says how it ended. */
    bool end(std::chrono::milliseconds patience = std::chrono::seconds{25}) noexcept;

private:
    explicit Process(std::shared_ptr<process::Owned> link);
    std::shared_ptr<process::Owned> link_;
};

/** What became of a short command. */
struct CommandResult {
    ProcessExit exit;
    bool timedOut{false};
    std::string output;  ///< the last 4 KiB of what it wrote, both streams
    [[nodiscard]] bool succeeded() const noexcept { return !timedOut && exit.succeeded(); }
    /** "exited with status 3: last line of output", "did not end in time". */
    [[nodiscard]] std::string text() const;
};

/**
 * Runs a command to its end, such as a health check; then, and also when it takes too long or the call is stopped, everything
 * it started is killed. It ends with the host.
 *
 * @par Errors As for `Process::start`.
 * @par Cancellation Throws `Stopped` when it is gone.
 */
[[nodiscard]] CommandResult runCommand(Context& context, const ProcessSettings& settings,
                                       std::chrono::milliseconds timeout, Stoppable& call);

/**
 * Words of a command line: separated by blanks; quotes and backslashes as in a shell, and nothing else of it. On Windows a backslash
 * is one, except before a quotation mark (").
 */
[[nodiscard]] std::vector<std::string> splitCommandLine(std::string_view line);

}  // namespace holdfast::inline v1

#endif
