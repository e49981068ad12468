// SPDX-License-Identifier: BSL-1.0
#include "service/processes_linux.hpp"

#include "service/bus_linux.hpp"

#include <holdfast/error.hpp>

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace holdfast::inline v1::service {
namespace {

using std::chrono::milliseconds;

// A bus that does not answer must not keep who ends the watch waiting for long.
constexpr milliseconds watchTimeout{2'000};

class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int value) noexcept : value_{value} {}
    Descriptor(Descriptor&& other) noexcept : value_{std::exchange(other.value_, -1)} {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    ~Descriptor() {
        if (value_ >= 0) ::close(value_);
    }
    [[nodiscard]] int get() const noexcept { return value_; }

private:
    int value_{-1};
};

bool isReadable(int descriptor, int timeout = 0) noexcept {
    pollfd entry{descriptor, POLLIN, 0};
    int result = 0;
    do {
        result = ::poll(&entry, 1, timeout);
    } while (result < 0 && errno == EINTR);
    return result > 0;
}

/** What the thread that watches needs; it may outlive nothing else. */
struct Watcher {
    Descriptor process;  // pidfd of the main process; none for a unit without one
    Descriptor stop{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    std::function<void(std::string)> ended;
    std::thread thread;
};

class UnitProcesses final : public Processes {
public:
    explicit UnitProcesses(std::string unit) : unit_{std::move(unit)} {}
    UnitProcesses(const UnitProcesses&) = delete;
    UnitProcesses& operator=(const UnitProcesses&) = delete;
    ~UnitProcesses() override { unwatch(); }

    void attach(std::int64_t process) override {
        const std::lock_guard lock{mutex_};
        if (process == process_ && (process == 0 || !isReadable(handle_.get()))) return;
        process_ = process;
        handle_ = Descriptor{};
        if (process == 0) return;
        const auto opened = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(process), 0));
        if (opened < 0 && errno != ESRCH)
            throw Error::make(ErrorCode::failed, "cannot watch process {}: error {}", process, errno);
        handle_ = Descriptor{opened};
    }

    void watch(std::function<void(std::string)> ended) override {
        unwatch();
        auto watcher = std::make_unique<Watcher>();
        {
            const std::lock_guard lock{mutex_};
            if (handle_.get() >= 0) watcher->process = Descriptor{::fcntl(handle_.get(), F_DUPFD_CLOEXEC, 0)};
        }
        watcher->ended = std::move(ended);
        watcher->thread = std::thread{[unit = unit_, self = watcher.get()] { waitForEnd(unit, *self); }};
        const std::lock_guard lock{mutex_};
        watcher_ = std::move(watcher);
    }

    void unwatch() noexcept override {
        std::unique_ptr<Watcher> watcher;
        {
            const std::lock_guard lock{mutex_};
            watcher = std::move(watcher_);
        }
        if (!watcher) return;
        const std::uint64_t one = 1;
        static_cast<void>(::write(watcher->stop.get(), &one, sizeof one));
        watcher->thread.join();
    }

    std::int64_t attached() const noexcept override {
        const std::lock_guard lock{mutex_};
        return process_;
    }

    bool alive() const noexcept override {
        const std::lock_guard lock{mutex_};
        return process_ != 0 && handle_.get() >= 0 && !isReadable(handle_.get());
    }

    bool killAll(milliseconds patience) noexcept override {
        {
            // The main process without a word to the bus, which may hang (W-701).
            const std::lock_guard lock{mutex_};
            if (handle_.get() >= 0)
                static_cast<void>(::syscall(SYS_pidfd_send_signal, handle_.get(), SIGKILL, nullptr, 0));
        }
        try {
            const auto deadline = std::chrono::steady_clock::now() + patience;
            Bus bus;
            const std::string path = bus.unitPath(unit_);
            for (milliseconds pause{1};; pause = std::min(pause * 2, milliseconds{100})) {
                const std::string active = bus.text(path, unitInterface, "ActiveState");
                // Its control group is empty then: systemd waits for that before it says so.
                if ((active == "inactive" || active == "failed") && bus.job(path) == 0) return true;
                // The stop first: it cancels a start that still goes on, and asks for no second one.
                try {
                    bus.stopUnit(unit_);
                    bus.killUnit(unit_, SIGKILL);
                } catch (const Error&) {  // the last process may just have ended
                }
                if (std::chrono::steady_clock::now() >= deadline) return false;
                std::this_thread::sleep_for(pause);
            }
        } catch (const std::exception&) {
            return false;
        }
    }

private:
    /** Until the main process or the unit ends, or the watch does. */
    static void waitForEnd(const std::string& unit, Watcher& self) {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
        try {
            Bus bus{watchTimeout};
            const std::string path = bus.unitPath(unit);
            // Without a main process (a unit that forks, or remains after its exit) only the unit's state tells.
            const std::string rule = fmt::format(
                "type='signal',sender='org.freedesktop.systemd1',interface='org.freedesktop.DBus.Properties',"
                "member='PropertiesChanged',path='{}'",
                path);
            sd_bus_add_match(bus.get(), nullptr, rule.c_str(), nullptr, nullptr);
            // systemd signals changes only to who subscribed.
            sd_bus_call_method(bus.get(), "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                               "org.freedesktop.systemd1.Manager", "Subscribe", nullptr, nullptr, nullptr);
            for (;;) {
                const std::string active = bus.text(path, unitInterface, "ActiveState");
                if (active == "inactive" || active == "failed")
                    return tell(self, fmt::format("the unit is {}", active));
                // A signal that came with that answer waits in the connection, where poll() does not see it.
                bool news = false;
                while (sd_bus_process(bus.get(), nullptr) > 0) news = true;
                if (news) continue;
                pollfd entries[3] = {{self.stop.get(), POLLIN, 0},
                                     {self.process.get(), POLLIN, 0},
                                     {sd_bus_get_fd(bus.get()), POLLIN, 0}};
                if (::poll(entries, 3, 60'000) < 0 && errno != EINTR) return;
                if (entries[0].revents != 0) return;
                if (entries[1].revents != 0) return tell(self, "");
                if ((entries[2].revents & (POLLHUP | POLLERR)) != 0) break;
            }
        } catch (const std::exception&) {  // the bus is gone; the process is still there to be watched
        }
        pollfd entries[2] = {{self.stop.get(), POLLIN, 0}, {self.process.get(), POLLIN, 0}};
        while (::poll(entries, 2, -1) < 0 && errno == EINTR) {
        }
        if (entries[0].revents == 0) tell(self, "");
    }

    static void tell(Watcher& self, const std::string& how) { std::exchange(self.ended, nullptr)(how); }

    const std::string unit_;
    mutable std::mutex mutex_;  // guards all below; never held while something blocks
    std::int64_t process_{0};
    Descriptor handle_;  // pidfd; none if the process had ended before it could be opened
    std::unique_ptr<Watcher> watcher_;
};

}  // namespace

std::unique_ptr<Processes> makeUnitProcesses(std::string unit) {
    return std::make_unique<UnitProcesses>(std::move(unit));
}

}  // namespace holdfast::inline v1::service
