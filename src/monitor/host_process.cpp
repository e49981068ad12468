// SPDX-License-Identifier: BSL-1.0
#if defined(__linux__)
#include "monitor/host_process.hpp"

#include "monitor/host_protocol.hpp"
#include "monitor/marked_processes.hpp"

#include <holdfast/version.hpp>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

extern char** environ;

namespace holdfast::inline v1::monitor {

namespace {

using Error = boost::system::error_code;

constexpr std::chrono::seconds greetingPatience{20};
/** Longer than a host's farewell may take. */
constexpr int lifelinePatienceMs = 60'000;
constexpr std::chrono::seconds provingPatience{30};
constexpr std::size_t longestLine = 2'000;
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

}  // namespace

HostProcess::HostProcess(boost::asio::io_context& io, HostProcessOrder order, Events events)
    : io_{io},
      order_{std::move(order)},
      events_{std::move(events)},
      socket_{io},
      output_{io},
      report_{io},
      guardDescriptor_{io},
      timer_{io} {}

HostProcess::~HostProcess() {
    if (board_ != nullptr) ::munmap(board_, sizeof(CallBoard));
    if (lifeline_ >= 0) ::close(lifeline_);
}

void HostProcess::start() {
    const auto self = shared_from_this();  // who hears that nothing is left lets go of it
    try {
        spawn();
    } catch (const std::exception& error) {
        // Later, and with us held: whoever hears that it is proved lets go of us, and may start another at once.
        boost::asio::post(io_, [self = shared_from_this(), problem = std::string{error.what()}] {
            HostEnd end;
            end.problem = problem;
            self->die(std::move(end));
            self->prove();
        });
        return;
    }
    send(protocol::write(protocol::Hello{protocol::lowest, protocol::highest, std::string{version()}, ::getpid()}));
    readFrames();
    readLines(output_, std::make_shared<std::string>(), false);
    readLines(report_, std::make_shared<std::string>(), true);
    waitForGuard();
    timer_.expires_after(greetingPatience);
    timer_.async_wait([self = shared_from_this()](const Error& error) {
        if (!error && !self->ready_) self->kill("it did not say hello");
    });
}

void HostProcess::spawn() {
    Ends frames = socketPair();
    Ends output = pipeFromChild();
    Ends report = pipeFromChild();
    int lifeline[2];
    if (::pipe2(lifeline, O_CLOEXEC) != 0) fail("cannot make a pipe");
    Fd lifelineWrite{lifeline[1]};
    const Fd lifelineRead = high(lifeline[0]);
    const Fd memory = high(::memfd_create("holdfast-calls", MFD_CLOEXEC));
    if (::ftruncate(memory.get(), sizeof(CallBoard)) != 0) fail("cannot make shared memory");
    void* const mapped = ::mmap(nullptr, sizeof(CallBoard), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
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
    socket_.assign(boost::asio::local::stream_protocol{}, frames.ours.release());
    output_.assign(output.ours.release());
    report_.assign(report.ours.release());
    lifeline_ = lifelineWrite.release();
}

// --- frames -------------------------------------------------------------------------------------------------------------

void HostProcess::send(std::string frame) {
    if (dead_) return;
    outgoing_.push_back(std::move(frame));
    if (!writing_) writeFrames();
}

void HostProcess::writeFrames() {
    writing_ = !outgoing_.empty() && socket_.is_open();
    if (!writing_) return;
    boost::asio::async_write(socket_, boost::asio::buffer(outgoing_.front()),
                             [self = shared_from_this()](const Error& error, std::size_t) {
                                 self->writing_ = false;
                                 if (error || self->dead_) return self->outgoing_.clear();
                                 self->outgoing_.pop_front();
                                 self->writeFrames();
                             });
}

void HostProcess::readFrames() {
    socket_.async_read_some(
        boost::asio::buffer(buffer_), [self = shared_from_this()](const Error& error, std::size_t count) {
            if (error) {
                // A host that hangs up lives on for a moment at most, or it is not well.
                if (!self->dead_) self->armKill();
                if (self->guard_ > 0) ::kill(static_cast<pid_t>(self->guard_), SIGCONT);  // a stopped one tells nothing
                return;
            }
            self->frames_.add({self->buffer_.data(), count});
            while (const auto frame = self->frames_.next()) {
                if (self->dead_) break;
                FrameReader reader{frame->body};
                if (frame->kind == FrameKind::refuse) {
                    self->kill(reader.text());
                } else if (!self->ready_) {
                    const auto hello = protocol::readHello(reader);
                    if (frame->kind != FrameKind::hello || !reader.good()) {
                        self->kill("its first words were no hello");
                        break;
                    }
                    self->ready_ = true;
                    self->process_ = hello.process;
                    self->timer_.cancel();
                    if (self->left_) self->awaitLeaving();
                    self->events_.ready();
                } else {
                    self->events_.frame(*frame);
                }
            }
            if (self->frames_.broken()) return self->killSpoiled("it sent what is no frame of the host protocol");
            self->readFrames();
        });
}

void HostProcess::readLines(Descriptor& from, const std::shared_ptr<std::string>& pending, bool isReport) {
    const auto buffer = isReport ? boost::asio::buffer(reports_) : boost::asio::buffer(lines_);
    const char* const bytes = isReport ? reports_.data() : lines_.data();
    from.async_read_some(buffer, [this, self = shared_from_this(), &from, pending, isReport, bytes](const Error& error,
                                                                                                    std::size_t count) {
        pending->append(bytes, count);
        for (std::size_t end = 0; (end = pending->find('\n')) != std::string::npos || pending->size() > longestLine;) {
            const std::size_t length = std::min(end, longestLine);
            std::string line = pending->substr(0, length);
            pending->erase(0, length + (end == length ? 1 : 0));
            if (isReport)
                takeReport(line);
            else
                events_.said(std::move(line));
        }
        if (!error) return readLines(from, pending, isReport);
        if (!isReport && !pending->empty()) events_.said(std::exchange(*pending, {}));
    });
}

// --- its end ------------------------------------------------------------------------------------------------------------

void HostProcess::takeReport(std::string_view line) {
    const auto space = line.find(' ');
    const auto word = line.substr(0, space);
    if (word == "proved") return dead_ ? prove() : static_cast<void>(0);
    HostEnd end;
    if (word == "failed") {  // the guard could not start it
        end.problem = fmt::format("cannot start {}: {}", order_.hostProgram.string(),
                                  space == std::string_view::npos ? "" : line.substr(space + 1));
        return die(std::move(end));
    }
    if (word != "exited" && word != "killed") return;
    end.signalled = word == "killed";
    if (space != std::string_view::npos) {
        const auto digits = line.substr(space + 1);
        std::from_chars(digits.data(), digits.data() + digits.size(), end.number);
    }
    die(std::move(end));
}

void HostProcess::kill(std::string why) {
    if (dead_) return;
    if (why_.empty()) why_ = std::move(why);
    killed_ = true;
    if (guard_ > 0) {
        ::kill(static_cast<pid_t>(guard_), SIGTERM);  // it kills the host and proves it
        ::kill(static_cast<pid_t>(guard_), SIGCONT);  // also if somebody stopped it
    }
    armKill();
}

void HostProcess::killSpoiled(std::string why) {
    spoiled_ = spoiled_ || (ready_ && !killed_ && !left_);
    kill(std::move(why));
}

/** What was told to die, or has hung up, gets a moment; then the guard is killed, and the host with it. */
void HostProcess::armKill() {
    timer_.expires_after(killed_ ? order_.killPatience : std::chrono::milliseconds{2'000});
    timer_.async_wait([self = shared_from_this()](const Error& error) {
        if (error || self->dead_) return;
        if (!self->killed_) return self->killSpoiled("it hung up");
        self->events_.unkillable(fmt::format("host {} was killed and does not die{}", self->process_,
                                             self->why_.empty() ? "" : ": " + self->why_));
        if (self->guard_ > 0) ::kill(static_cast<pid_t>(self->guard_), SIGKILL);
    });
}

void HostProcess::leave() {
    FrameWriter frame{FrameKind::leave};
    send(frame.take());
    left_ = true;
    if (ready_ && !killed_ && !dead_) awaitLeaving();
}

/** Who comes next in its place waits for its end; a host that is stopped, say, would never take its leave. */
void HostProcess::awaitLeaving() {
    timer_.expires_after(order_.killPatience);
    timer_.async_wait([self = shared_from_this()](const Error& error) {
        if (!error) self->kill("it was told to leave and did not");
    });
}

void HostProcess::waitForGuard() {
    guardDescriptor_.async_wait(Descriptor::wait_read, [self = shared_from_this()](const Error& error) {
        if (!error) self->guardEnded();
    });
}

void HostProcess::guardEnded() {
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
    if (!dead_) {
        HostEnd end;
        end.signalled = true;
        end.number = WIFSIGNALED(status) ? WTERMSIG(status) : SIGKILL;
        end.problem = "with its guard";
        die(std::move(end));
    }
    if (!proved_) sweep(0);
}

/** The guard was killed, so nobody proves anything: look for what carries the host's marker until nothing does. */
void HostProcess::sweep(int round) {
    const auto left = markedProcesses(order_.marker, {}, order_.reaperProgram.string());
    if (left && left->empty()) return prove();
    if (left) killMarked(*left, order_.marker);
    if (left && round == 600) events_.unkillable(fmt::format("{} processes of a dead host do not die", left->size()));
    timer_.expires_after(std::chrono::milliseconds{round < 10 ? 5 : 50});
    timer_.async_wait([self = shared_from_this(), round](const Error& error) {
        if (!error) self->sweep(round + 1);
    });
}

void HostProcess::die(HostEnd end) {
    if (dead_) return;
    dead_ = true;
    if (!writing_) outgoing_.clear();  // a write under way still holds the first
    timer_.expires_after(provingPatience);
    timer_.async_wait([self = shared_from_this()](const Error& error) {
        if (!error && !self->proved_) self->events_.unkillable("what a dead host left behind does not die");
    });
    Error ignored;
    socket_.close(ignored);
    if (board_ != nullptr) {
        end.noted = board_->ending.load(std::memory_order_acquire);
        end.blamed = board_->lastAtWork();
        end.atWork = board_->atWork();
    }
    if (!why_.empty()) end.problem = why_;
    // Its farewell is for a monitor that is gone; this one is not, so somebody in it closed the connection.
    const bool parted = ready_ && !left_ && end.noted == CallBoard::Ending::farewell;
    if (parted && end.problem.empty()) end.problem = "having lost its connection";
    end.unasked = parted || (spoiled_ && end.signalled && end.number == SIGKILL);  // by us; its own end says more
    events_.died(std::move(end));
}

void HostProcess::prove() {
    if (std::exchange(proved_, true)) return;
    timer_.cancel();
    events_.proved();
}

}  // namespace holdfast::inline v1::monitor
#endif
