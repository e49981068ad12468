// SPDX-License-Identifier: BSL-1.0
#pragma once

/// OCF agents and a database server in a folder of their own; what still runs at the end is ended.

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace ocf_stage {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Variables = std::vector<std::pair<std::string, std::string>>;

inline constexpr const char* victim = "/bin/sleep 86390";

[[nodiscard]] inline double microseconds(Clock::duration span) {
    return std::chrono::duration<double, std::micro>(span).count();
}

/** What a command and all that it waited for took, in microseconds. */
struct Spent {
    int status{0};
    double wall{0};
    double processor{0};
};

/** Starts a command without input and output; its pid. Throws std::runtime_error. */
[[nodiscard]] int begin(const std::vector<std::string>& words, const Variables& environment);
/** Waits for it, at most for a minute; then it is killed. */
Spent finish(int pid, Clock::time_point since);
Spent execute(const std::vector<std::string>& words, const Variables& environment);
/** What the process has used so far, in microseconds. */
[[nodiscard]] double processorOf(int pid);

/** A temporary folder, the run directory in it, and nothing that runs in it afterwards. */
class Folder {
public:
    Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder();
    [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
    fs::path path_;
};

/** One resource of one agent. */
class Agent {
public:
    Agent(const Folder& folder, std::string instance, std::string program, const Variables& parameters);
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;
    ~Agent();
    [[nodiscard]] bool installed() const { return !program_.empty() && fs::exists(program_); }
    void start();
    void stop();
    /** One action, as the executor runs it every second. */
    Spent run(const std::string& action) const { return execute({program_, action}, environment_); }
    [[nodiscard]] int begin(const std::string& action) const {
        return ocf_stage::begin({program_, action}, environment_);
    }
    /** The process that stays; 0: there is none. */
    [[nodiscard]] int hostPid() const;
    /** The program that is the resource (`victim`); 0: it does not run. */
    [[nodiscard]] int processPid() const;

private:
    const std::string instance_;
    const std::string program_;
    const std::string runDirectory_;
    Variables environment_;
    bool started_{false};
};

/** A database cluster, made but not started. */
class Database {
public:
    explicit Database(const Folder& folder);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();
    /** Why there is none. */
    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] const std::string& data() const { return data_; }
    [[nodiscard]] Variables heartbeatParameters() const;
    /** 0: it does not run. */
    [[nodiscard]] int postmaster() const;
    /** After a kill: until nothing of the server lives. */
    void clear() const;

private:
    std::string data_, sockets_, binaries_, problem_;
};

}  // namespace ocf_stage
