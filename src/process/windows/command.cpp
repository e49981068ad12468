// SPDX-License-Identifier: BSL-1.0

#include "launch.hpp"
#include "tree.hpp"

#include <holdfast/process.hpp>

#include <algorithm>
#include <array>

namespace holdfast::inline v1 {

using process::nowMs;

namespace {

constexpr std::size_t mostOutput = 4'096;
constexpr std::chrono::milliseconds endPatience{5'000};  // for a killed command to be gone
constexpr DWORD slice = 10;                              // a stop is noticed within (Stoppable)

/** Kills what is left of the command when the scope is left, also by `Stopped`. */
class EndAtLast {
public:
    explicit EndAtLast(const process::Job& job) : job_{job} {}
    EndAtLast(const EndAtLast&) = delete;
    EndAtLast& operator=(const EndAtLast&) = delete;
    ~EndAtLast() { static_cast<void>(job_.endWithin(endPatience)); }

private:
    const process::Job& job_;
};

/** The last of what comes out of a pipe. */
class Tail {
public:
    explicit Tail(HANDLE pipe) : pipe_{pipe} { reading_.hEvent = event_.get(); }
    Tail(const Tail&) = delete;
    Tail& operator=(const Tail&) = delete;
    ~Tail() {
        DWORD bytes = 0;
        if (pending_ && ::CancelIoEx(pipe_, &reading_) != 0)
            ::GetOverlappedResult(pipe_, &reading_, &bytes, TRUE);
        else if (pending_)
            ::GetOverlappedResult(pipe_, &reading_, &bytes, TRUE);
    }

    /** Takes what is there and asks for more. */
    void collect(std::string& output) {
        while (open_) {
            DWORD bytes = 0;
            if (!pending_) {
                if (::ReadFile(pipe_, buffer_.data(), static_cast<DWORD>(buffer_.size()), nullptr, &reading_) == 0 &&
                    ::GetLastError() != ERROR_IO_PENDING) {
                    open_ = false;
                    return;
                }
                pending_ = true;
            }
            if (::GetOverlappedResult(pipe_, &reading_, &bytes, FALSE) == 0) {
                if (::GetLastError() == ERROR_IO_INCOMPLETE) return;
                open_ = pending_ = false;
                return;
            }
            pending_ = false;
            output.append(buffer_.data(), bytes);
            if (output.size() > mostOutput) output.erase(0, output.size() - mostOutput);
        }
    }
    /** Signalled when there is something to collect; null if there will be nothing. */
    [[nodiscard]] HANDLE event() const noexcept { return open_ ? event_.get() : nullptr; }

private:
    HANDLE pipe_;
    process::Handle event_{::CreateEventW(nullptr, TRUE, FALSE, nullptr)};
    OVERLAPPED reading_{};
    std::array<char, 4096> buffer_{};
    bool open_{true};
    bool pending_{false};
};

}  // namespace

CommandResult runCommand(Context& /*context*/, const ProcessSettings& settings, std::chrono::milliseconds timeout,
                         Stoppable& call) {
    call.throwIfStopped();
    const process::Job job{std::wstring{}, settings.limits};
    const std::int64_t until = nowMs() + timeout.count();
    const EndAtLast ending{job};
    const process::Launched launched = process::launch(settings, job);
    CommandResult result{{ProcessExit::Kind::unknown, 0, false, "it took too long"}, false, {}};
    Tail tail{launched.output.get()};
    for (;;) {
        tail.collect(result.output);
        const std::int64_t left = until - nowMs();
        if (left <= 0) {
            result.timedOut = true;
            break;
        }
        const HANDLE handles[] = {launched.process.get(), tail.event()};
        const DWORD wait = static_cast<DWORD>(std::min<std::int64_t>(left, slice));
        if (::WaitForMultipleObjects(handles[1] == nullptr ? 1 : 2, handles, FALSE, wait) == WAIT_OBJECT_0) {
            tail.collect(result.output);  // all that it wrote before it ended is in the pipe by now
            DWORD code = 0;
            ::GetExitCodeProcess(launched.process.get(), &code);
            result.exit = process::toExit(code, false);
            break;
        }
        call.throwIfStopped();
    }
    std::erase(result.output, '\r');
    return result;
}

}  // namespace holdfast::inline v1
