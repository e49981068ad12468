// SPDX-License-Identifier: BSL-1.0
#include <holdfast/os/child.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <spawn.h>
#include <string.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <thread>

namespace holdfast::inline v1::os {

namespace {

using Clock = std::chrono::steady_clock;

class Descriptor {
public:
    explicit Descriptor(int number = -1) noexcept : number_{number} {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { reset(); }
    [[nodiscard]] int get() const noexcept { return number_; }
    void reset(int number = -1) noexcept {
        if (number_ >= 0) ::close(number_);
        number_ = number;
    }

private:
    int number_;
};

/** This process's environment with the order's variables in place of its own of the same name. */
std::vector<std::string> environmentOf(const ChildOrder& order) {
    std::vector<std::string> out;
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view line{*entry};
        const auto name = line.substr(0, line.find('='));
        const bool replaced = std::any_of(order.environment.begin(), order.environment.end(),
                                          [&](const auto& variable) { return variable.first == name; });
        if (!replaced) out.emplace_back(line);
    }
    for (const auto& [name, value] : order.environment) out.push_back(fmt::format("{}={}", name, value));
    return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (auto& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

/** Starts it; 0, or the system's error. */
int spawn(const ChildOrder& order, int output, ::pid_t& child) {
    std::vector<std::string> arguments{order.program.string()};
    arguments.insert(arguments.end(), order.arguments.begin(), order.arguments.end());
    auto environment = environmentOf(order);
    const auto argumentPointers = pointers(arguments);
    const auto environmentPointers = pointers(environment);

    ::posix_spawn_file_actions_t actions{};
    ::posix_spawnattr_t attributes{};
    if (const int error = ::posix_spawn_file_actions_init(&actions); error != 0) return error;
    if (const int error = ::posix_spawnattr_init(&attributes); error != 0) {
        ::posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    ::sigset_t none;
    ::sigset_t every;
    ::sigemptyset(&none);
    ::sigfillset(&every);
    ::sigdelset(&every, SIGKILL);
    ::sigdelset(&every, SIGSTOP);
    int error = 0;
    const auto step = [&](int code) { error = error != 0 ? error : code; };
    // Our threads block every signal, and some are ignored: the program must find what a shell would give it.
    step(::posix_spawnattr_setflags(&attributes,
                                    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    step(::posix_spawnattr_setpgroup(&attributes, 0));
    step(::posix_spawnattr_setsigmask(&attributes, &none));
    step(::posix_spawnattr_setsigdefault(&attributes, &every));
    step(::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
    step(::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO));
    step(::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO));
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    step(::posix_spawn_file_actions_addclosefrom_np(&actions,
                                                    STDERR_FILENO + 1));  // agents may have forgotten O_CLOEXEC
#endif
    if (error == 0) {
        error = ::posix_spawn(&child, order.program.c_str(), &actions, &attributes, argumentPointers.data(),
                              environmentPointers.data());
    }
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    return error;
}

/** Reads what is there; false at the end of the stream. */
bool drain(int from, const std::function<void(std::string_view)>& output) {
    std::array<char, 4096> buffer{};
    for (int turn = 0; turn < 64; ++turn) {  // one that never stops writing must not keep us from its deadline
        const ::ssize_t count = ::read(from, buffer.data(), buffer.size());
        if (count > 0) {
            output({buffer.data(), static_cast<std::size_t>(count)});
            continue;
        }
        if (count < 0 && errno == EINTR) continue;
        return count < 0 && errno == EAGAIN;
    }
    return true;
}

ChildOutcome outcomeOf(int status) {
    if (WIFEXITED(status)) return {ChildOutcome::Kind::exited, WEXITSTATUS(status)};
    return {ChildOutcome::Kind::signalled, WTERMSIG(status)};
}

/** Its outcome once it has ended. Somebody who ignores SIGCHLD takes the status from us. */
std::optional<ChildOutcome> reap(::pid_t child, bool wait) {
    int status = 0;
    for (;;) {
        const ::pid_t got = ::waitpid(child, &status, wait ? 0 : WNOHANG);
        if (got == child) return outcomeOf(status);
        if (got == 0) return std::nullopt;
        if (errno != EINTR) return ChildOutcome{ChildOutcome::Kind::exited, 0};
    }
}

}  // namespace

bool isExecutable(const std::filesystem::path& program) {
    struct ::stat what {};
    return ::stat(program.c_str(), &what) == 0 && S_ISREG(what.st_mode) && ::access(program.c_str(), X_OK) == 0;
}

std::string ChildOutcome::toString() const {
    switch (kind) {
        case Kind::notStarted: return fmt::format("could not be started: {}", ::strerrordesc_np(code));
        case Kind::exited: return fmt::format("ended with exit status {}", code);
        case Kind::signalled: return fmt::format("was ended by signal {} (SIG{})", code, ::sigabbrev_np(code));
        case Kind::timedOut: return "took too long and was killed";
        case Kind::cancelled: return "was killed because the monitor ends";
    }
    return {};
}

ChildOutcome runChild(const ChildOrder& order, const std::function<void(std::string_view)>& output,
                      const std::function<bool()>& cancelled) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {ChildOutcome::Kind::notStarted, errno};
    Descriptor from{ends[0]};
    Descriptor to{ends[1]};
    ::fcntl(from.get(), F_SETFL, O_NONBLOCK);
    ::pid_t child = 0;
    if (const int error = spawn(order, to.get(), child); error != 0) return {ChildOutcome::Kind::notStarted, error};
    to.reset();
    // Ours until it is reaped, so the number cannot be another's. Without pidfds its end is asked for instead.
    const Descriptor ended{static_cast<int>(::syscall(SYS_pidfd_open, child, 0))};

    const auto deadline = Clock::now() + order.timeout;
    for (;;) {
        std::array<::pollfd, 2> waits{{{from.get(), POLLIN, 0}, {ended.get(), POLLIN, 0}}};
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        const auto pause = std::clamp<std::int64_t>(left, 0, 50);
        ::poll(waits.data(), waits.size(), static_cast<int>(pause));
        if (from.get() >= 0 && !drain(from.get(), output)) from.reset();
        bool gone = !order.endsGroup;
        if (!gone) {
            // Before it is reaped: until then nobody else's group can have its number.
            ::siginfo_t info{};
            const int asked = ::waitid(P_PID, static_cast<::id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
            if (asked == 0 && info.si_pid == child) {
                ::kill(-child, SIGKILL);
                gone = true;
            } else if (asked != 0 && errno != EINTR) {  // SIGCHLD is ignored: nobody is left to ask about
                gone = true;
            }
        }
        if (const auto outcome = gone ? reap(child, false) : std::nullopt) {
            if (from.get() >= 0) drain(from.get(), output);
            return *outcome;
        }
        const bool stop = cancelled && cancelled();
        if (!stop && Clock::now() < deadline) continue;
        ::kill(-child, SIGKILL);
        // One that waits for a dead disk may die much later; then init has it, when this process ends.
        for (int turn = 0; turn < 100 && !reap(child, false); ++turn)
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
        if (from.get() >= 0) drain(from.get(), output);
        return {stop ? ChildOutcome::Kind::cancelled : ChildOutcome::Kind::timedOut, 0};
    }
}

}  // namespace holdfast::inline v1::os
