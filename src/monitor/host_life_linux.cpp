// SPDX-License-Identifier: BSL-1.0
// Hosts under a guard: holdfast-reaper starts the host, ends it when it or the monitor is killed, and says that nothing is left.
#include "monitor/host_life.hpp"

#include "monitor/flight_memory.hpp"
#include "monitor/host_protocol.hpp"
#include "monitor/marked_processes.hpp"

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <new>
#include <system_error>
#include <utility>

extern char** environ;

namespace holdfast::inline v1::monitor {

namespace {

using Error = boost::system::error_code;

/** Longer than a host's farewell may take. */
constexpr int lifelinePatienceMs = 60'000;
constexpr std::size_t longestReport = 2'000;
/** Descriptors for the child are kept out of the way of the numbers they get in it. */
constexpr int aboveStandard = 20;
constexpr int lifelineDescriptor = 5;
constexpr int reportDescriptor = 6;

/** A descriptor that closes itself. */
class Fd {
public:
    explicit Fd(int fd = -1) noexcept : fd_{fd} {}
    Fd(Fd&& other) noexcept : fd_{other.release()} {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_;
};

[[noreturn]] void fail(const char* what) { throw std::system_error{errno, std::generic_category(), what}; }

Fd high(int fd) {
    if (fd < 0) fail("cannot make a descriptor");
    const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, aboveStandard);
    const int error = errno;
    ::close(fd);
    errno = error;
    if (moved < 0) fail("cannot make a descriptor");
    return Fd{moved};
}

struct Ends {
    Fd ours;
    Fd theirs;
};

Ends pipeFromChild() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("cannot make a pipe");
    Fd ours{ends[0]};
    Fd theirs{ends[1]};
    return {high(ours.release()), high(theirs.release())};
}

Ends socketPair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("cannot make a pair of sockets");
    Fd ours{ends[0]};
    Fd theirs{ends[1]};
    return {high(ours.release()), high(theirs.release())};
}

class SpawnActions {
public:
    SpawnActions() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        // A session of its own: the terminal's Ctrl-C is the monitor's, and no signal of ours is inherited blocked.
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        sigset_t none;
        ::sigemptyset(&none);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        sigset_t all;
        ::sigfillset(&all);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
    }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    ~SpawnActions() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    void give(int fd, int as) { ::posix_spawn_file_actions_adddup2(&actions_, fd, as); }
    void open(int as, const char* path) { ::posix_spawn_file_actions_addopen(&actions_, as, path, O_RDONLY, 0); }
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

std::vector<std::string> environmentFor(const HostProcessOrder& order) {
    std::vector<std::string> variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view variable{*entry};
        // Of whatever runs us; but where control groups are made is for people to say.
        if (variable.starts_with("HOLDFAST_") && !variable.starts_with("HOLDFAST_CGROUP=")) continue;
        variables.emplace_back(*entry);
    }
    variables.push_back("HOLDFAST_RUN_DIRECTORY=" + order.runDirectory);
    variables.push_back("HOLDFAST_REAPER=" + order.reaperProgram.string());
    variables.push_back(fmt::format("HOLDFAST_ADOPT_TIMEOUT={}", order.adoptTimeout.count()));
    variables.push_back("HOLDFAST_HOST=" + order.marker);
    return variables;
}

std::vector<char*> pointersTo(std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    pointers.reserve(strings.size() + 1);
    for (auto& text : strings) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

class GuardedLife final : public HostLife, public std::enable_shared_from_this<GuardedLife> {
public:
    GuardedLife(boost::asio::io_context& io, const HostProcessOrder& order, Events events)
        : order_{order}, events_{std::move(events)}, report_{io}, guardDescriptor_{io}, timer_{io} {}
    GuardedLife(const GuardedLife&) = delete;
    GuardedLife& operator=(const GuardedLife&) = delete;
    ~GuardedLife() override {
        if (board_ != nullptr) ::munmap(board_, FlightMemory::size);
        if (lifeline_ >= 0) ::close(lifeline_);
    }

    void start(HostFrames& frames, HostOutput& output) override {
        spawn(frames, output);
        readReports();
        waitForGuard();
    }
    void kill() override {
        signal(SIGTERM);  // it kills the host and proves it
        rouse();          // also if somebody stopped it
    }
    void killHard() override { signal(SIGKILL); }
    void rouse() override { signal(SIGCONT); }  // a stopped one tells nothing
    void goOn(std::int64_t process) override {
        if (!ended_) ::kill(static_cast<pid_t>(process), SIGCONT);
    }
    [[nodiscard]] const CallBoard* board() const noexcept override { return board_; }
    [[nodiscard]] void* flightMemory() const noexcept override { return board_; }

private:
    using Descriptor = boost::asio::posix::stream_descriptor;
    void signal(int number) const {
        if (guard_ > 0) ::kill(static_cast<pid_t>(guard_), number);
    }
    void spawn(HostFrames& frames, HostOutput& output);
    void readReports();
    void takeReport(std::string_view line);
    void waitForGuard();
    void guardEnded();
    void sweep(int round);
    void end(HostEnd end);
    void prove();

    const HostProcessOrder order_;
    Events events_;
    Descriptor report_;
    Descriptor guardDescriptor_;
    boost::asio::steady_timer timer_;
    int lifeline_{-1};  ///< while it is open the guard knows that there is a monitor
    CallBoard* board_{nullptr};
    std::array<char, 512> reports_{};
    std::string pending_;
    bool ended_{false};
    bool proved_{false};
    std::int64_t guard_{-1};
};

void GuardedLife::spawn(HostFrames& framesEnd, HostOutput& outputEnd) {
    Ends frames = socketPair();
    Ends output = pipeFromChild();
    Ends report = pipeFromChild();
    int lifeline[2];
    if (::pipe2(lifeline, O_CLOEXEC) != 0) fail("cannot make a pipe");
    Fd lifelineWrite{lifeline[1]};
    const Fd lifelineRead = high(lifeline[0]);
    const Fd memory = high(::memfd_create("holdfast-calls", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (::ftruncate(memory.get(), static_cast<off_t>(FlightMemory::size)) != 0) fail("cannot make shared memory");
    // An agent that writes to descriptors which are not its own must not take it away under its reader.
    ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    void* const mapped = ::mmap(nullptr, FlightMemory::size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
    if (mapped == MAP_FAILED) fail("cannot map shared memory");
    board_ = new (mapped) CallBoard;

    SpawnActions spawn;
    spawn.open(0, "/dev/null");
    spawn.give(output.theirs.get(), 1);
    spawn.give(output.theirs.get(), 2);
    spawn.give(frames.theirs.get(), protocol::socketDescriptor);
    spawn.give(memory.get(), protocol::boardDescriptor);
    spawn.give(lifelineRead.get(), lifelineDescriptor);
    spawn.give(report.theirs.get(), reportDescriptor);
    std::vector<std::string> arguments{order_.reaperProgram.string(),
                                       "guard",
                                       "--lifeline",
                                       std::to_string(lifelineDescriptor),
                                       "--patience",
                                       std::to_string(lifelinePatienceMs),
                                       "--report",
                                       std::to_string(reportDescriptor),
                                       "--",
                                       order_.hostProgram.string()};
    std::vector<std::string> variables = environmentFor(order_);
    const auto argv = pointersTo(arguments);
    const auto envp = pointersTo(variables);
    pid_t guard = -1;
    const int error = ::posix_spawn(&guard, argv[0], &spawn.actions_, &spawn.attributes_, argv.data(), envp.data());
    if (error != 0) {
        throw std::system_error{error, std::generic_category(), "cannot start " + order_.reaperProgram.string()};
    }
    guard_ = guard;
    const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, guard, 0));
    if (handle < 0) {
        const int why = errno;
        ::kill(guard, SIGKILL);  // the host dies with it
        ::waitpid(guard, nullptr, 0);
        guard_ = -1;
        errno = why;
        fail("cannot watch a process");
    }
    guardDescriptor_.assign(handle);
    framesEnd.assign(boost::asio::local::stream_protocol{}, frames.ours.release());
    outputEnd.assign(output.ours.release());
    report_.assign(report.ours.release());
    lifeline_ = lifelineWrite.release();
}

void GuardedLife::readReports() {
    report_.async_read_some(boost::asio::buffer(reports_), [self = shared_from_this()](const Error& error,
                                                                                       std::size_t count) {
        std::string& pending = self->pending_;
        pending.append(self->reports_.data(), count);
        for (std::size_t at = 0; (at = pending.find('\n')) != std::string::npos || pending.size() > longestReport;) {
            const std::size_t length = std::min(at, longestReport);
            const std::string line = pending.substr(0, length);
            pending.erase(0, length + (at == length ? 1 : 0));
            self->takeReport(line);
        }
        if (!error) self->readReports();
    });
}

void GuardedLife::takeReport(std::string_view line) {
    const auto space = line.find(' ');
    const auto word = line.substr(0, space);
    if (word == "proved") return ended_ ? prove() : static_cast<void>(0);
    HostEnd how;
    if (word == "failed") {  // the guard could not start it
        how.problem = fmt::format("cannot start {}: {}", order_.hostProgram.string(),
                                  space == std::string_view::npos ? "" : line.substr(space + 1));
        return end(std::move(how));
    }
    if (word != "exited" && word != "killed") return;
    how.signalled = word == "killed";
    if (space != std::string_view::npos) {
        const auto digits = line.substr(space + 1);
        std::from_chars(digits.data(), digits.data() + digits.size(), how.number);
    }
    end(std::move(how));
}

void GuardedLife::waitForGuard() {
    guardDescriptor_.async_wait(Descriptor::wait_read, [self = shared_from_this()](const Error& error) {
        if (!error) self->guardEnded();
    });
}

void GuardedLife::guardEnded() {
    int status = 0;
    if (::waitpid(static_cast<pid_t>(guard_), &status, WNOHANG) == 0) return waitForGuard();
    guard_ = -1;
    guardDescriptor_.close();
    // What it wrote last may still be in the pipe.
    std::array<char, 256> rest{};
    Error ignored;
    report_.non_blocking(true, ignored);
    const std::size_t count = report_.read_some(boost::asio::buffer(rest), ignored);
    std::string_view lines{rest.data(), ignored ? 0 : count};
    while (!lines.empty()) {
        const auto end = std::min(lines.find('\n'), lines.size());
        takeReport(lines.substr(0, end));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    if (!ended_) {
        HostEnd how;
        how.signalled = true;
        how.number = WIFSIGNALED(status) ? WTERMSIG(status) : SIGKILL;
        how.problem = "with its guard";
        end(std::move(how));
    }
    if (!proved_) sweep(0);
}

/** The guard was killed, so nobody proves anything: look for what carries the host's marker until nothing does. */
void GuardedLife::sweep(int round) {
    const auto left = markedProcesses(order_.marker, {}, order_.reaperProgram.string());
    if (left && left->empty()) return prove();
    if (left) killMarked(*left, order_.marker);
    if (left && round == 600) events_.unkillable(fmt::format("{} processes of a dead host do not die", left->size()));
    timer_.expires_after(std::chrono::milliseconds{round < 10 ? 5 : 50});
    timer_.async_wait([self = shared_from_this(), round](const Error& error) {
        if (!error) self->sweep(round + 1);
    });
}

void GuardedLife::end(HostEnd end) {
    if (!std::exchange(ended_, true)) events_.ended(std::move(end));
}

void GuardedLife::prove() {
    if (std::exchange(proved_, true)) return;
    timer_.cancel();
    events_.proved();
}

}  // namespace

std::shared_ptr<HostLife> HostLife::make(boost::asio::io_context& io, const HostProcessOrder& order, Events events) {
    return std::make_shared<GuardedLife>(io, order, std::move(events));
}

// --- everybody's processes ----------------------------------------------------------------------------------------------

HostYard::HostYard(const std::filesystem::path& runDirectory, std::filesystem::path reaperProgram)
    : mark_{runDirectory.string() + ':'}, reaperProgram_{std::move(reaperProgram)} {}

HostYard::~HostYard() = default;

std::string HostYard::nextMark() { return fmt::format("{}{}.{}.", mark_, ::getpid(), ++last_); }

std::optional<std::vector<std::int64_t>> HostYard::left() const {
    return markedProcesses(mark_, fmt::format("{}{}.", mark_, ::getpid()), reaperProgram_.string());
}

void HostYard::kill(const std::vector<std::int64_t>& processes) const { killMarked(processes, mark_); }

}  // namespace holdfast::inline v1::monitor
