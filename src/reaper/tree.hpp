// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cgroup.hpp"
#include "launch.hpp"
#include "leftovers.hpp"
#include "poller.hpp"
#include "process/lines.hpp"
#include "process/names.hpp"
#include "process/wire.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::reaper {

/** Who is told what happens to a tree. */
class TreeListener {
public:
    TreeListener() = default;
    TreeListener(const TreeListener&) = delete;
    TreeListener& operator=(const TreeListener&) = delete;
    virtual ~TreeListener() = default;

    virtual void started(std::int32_t pid, std::uint64_t startTime) = 0;
    virtual void startFailed(process::Step step, int error, const std::string& text) = 0;
    virtual void exited(const process::ExitReport& exit) = 0;
    /** False if nobody took it. */
    virtual bool output(int stream, std::string_view line) = 0;
    virtual void dropped(std::uint32_t lines) = 0;
    virtual void note(const std::string& text) = 0;
    /** All of the tree is proved dead, asked for or by itself. */
    virtual void ended() = 0;
};

/**
 * One program and everything that it starts. This process must be a subreaper: then whatever the tree does, a member of it
 * whose parent died becomes a child of this process, and "no child left" is the proof.
 *
 * @par Thread safety One thread.
 */
class Tree {
public:
    /** `names` may be null: an unnamed tree leaves no marks and no state. */
    Tree(const process::Names* names, Cgroup cgroup, TreeListener& listener);

    /** What an earlier reaper left: it belongs to this tree now. */
    void takeOver();
    /** Answers by started() or startFailed(), now or later. */
    void start(const process::Order& order);
    /** 0, or the errno: ESRCH if the main process does not run. */
    [[nodiscard]] int signal(int number);
    /** Kills all of it until it is proved dead, then calls ended(). */
    void end();

    /** Drops how the last program ended: whoever ended the tree need not be told. */
    void forget();

    [[nodiscard]] const process::Status& status() const noexcept { return status_; }
    [[nodiscard]] bool ending() const noexcept { return ending_; }
    /** Nothing of it lives, which is proved. */
    [[nodiscard]] bool empty() const noexcept { return proved_; }
    /** "pid 17 (name) in state D", for whoever waits for the end. */
    [[nodiscard]] std::string survivor();

    void watch(Poller& poller);
    /** After every round: children that died, timers. */
    void look();

private:
    struct Stream {
        process::Fd fd;
        process::Lines lines;
        int number{1};
    };
    void readStream(Stream& stream);
    void drainStreams();
    void closeStreams();
    void line(int stream, std::string_view text);
    void sayDropped(bool now);
    void launchResult();
    void reap();
    void mainEnded(const process::ExitReport& exit);
    bool killPass();
    void prove();
    void takeOutput(pid_t pid);
    [[nodiscard]] std::vector<std::string> environment(const process::Order& order) const;

    const process::Names* const names_;
    Cgroup cgroup_;
    TreeListener& listener_;
    Leftovers leftovers_;
    process::Status status_;
    process::Fd launching_;
    LaunchFailure launchFailure_;
    process::Fd mainPidfd_;  // of a main process that is not our child
    std::vector<Stream> streams_;
    process::RateLimit limit_;
    bool childless_{true};  // waitid said so
    bool foreign_{false};   // an earlier reaper's tree may live
    bool proved_{true};
    bool ending_{false};
    int cleanLooks_{0};
    std::int64_t endSince_{0};
    std::int64_t nextPass_{0};
};

}  // namespace holdfast::inline v1::reaper
