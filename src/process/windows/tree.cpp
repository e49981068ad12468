// SPDX-License-Identifier: BSL-1.0

#include "tree.hpp"

#include "stop_signal.hpp"

#include <utility>

namespace holdfast::inline v1::process {
namespace {

constexpr int mostDrains = 100;  // 4 KiB each: more than a pipe holds. What the process left behind may go on writing
constexpr std::chrono::seconds closePatience{5};

}  // namespace

ProcessExit toExit(DWORD code, bool killed) {
    if (killed && code == killedCode) return ProcessExit{ProcessExit::Kind::signal, 9};
    return ProcessExit{ProcessExit::Kind::status, static_cast<int>(code)};
}

Tree::Tree(std::string resource, Context& context, std::shared_ptr<Job> job, Handle stop, Launched launched,
           const ProcessSettings& settings)
    : resource_{std::move(resource)},
      context_{context},
      launched_{std::move(launched)},
      fingerprint_{settings.fingerprint.empty() ? fingerprintOf(settings) : settings.fingerprint},
      limit_{settings.outputBurst, settings.outputRate, nowMs()},
      job_{std::move(job)},
      stop_{std::move(stop)} {}

bool Tree::read() noexcept {
    if (!open_) return false;
    reading_ = OVERLAPPED{};
    open_ = ::ReadFile(output(), buffer_.data(), static_cast<DWORD>(buffer_.size()), nullptr, &reading_) != 0 ||
            ::GetLastError() == ERROR_IO_PENDING;  // either way a packet comes
    return open_;
}

void Tree::received(DWORD bytes, DWORD error) {
    if (bytes == 0 && error == ERROR_OPERATION_ABORTED) {
        drained_ = true;  // by look(): a read that found nothing more
        return;
    }
    std::unique_lock lock{mutex_};
    const auto take = take_;
    lock.unlock();
    const auto pass = [&](std::string_view line) {
        if (!limit_.allows(nowMs())) return;
        if (take) {
            take(line);
        } else {
            context_.info("{}", line);
        }
    };
    if (bytes == 0) {
        lines_.finish(pass);
    } else {
        lines_.add({buffer_.data(), bytes}, pass);
    }
}

void Tree::sayDropped() {
    if (due() <= nowMs()) context_.warning("{} lines of output left out", limit_.takeDropped());
}

void Tree::look() {
    if (::WaitForSingleObject(process(), 0) != WAIT_OBJECT_0) return;
    if (exit()) return;
    // Its last words come first: they say why. A read that is still waiting is ended, and its packet says that nothing came.
    if (open_ && !drained_ && drains_++ < mostDrains) {
        ::CancelIoEx(output(), &reading_);
        return;
    }
    DWORD code = 0;
    ::GetExitCodeProcess(process(), &code);
    const std::lock_guard lock{mutex_};
    exit_ = toExit(code, killed_);
    heard_.notify_all();
}

void Tree::deliver() {
    std::unique_lock lock{mutex_};
    if (!exit_ || told_ || expected_ || !ended_) return;
    told_ = true;
    const auto call = ended_;
    const ProcessExit exit = *exit_;
    lock.unlock();
    call(exit);
}

void Tree::close() noexcept {
    std::shared_ptr<Job> job;
    {
        const std::lock_guard lock{mutex_};
        job = std::move(job_);
        stop_.reset();
    }
    if (job && !job->endWithin(closePatience)) {
        context_.log(LogLevel::error, "not ended: a process of its job object does not die");
    }
}

std::optional<ProcessExit> Tree::exit() const {
    const std::lock_guard lock{mutex_};
    return exit_;
}

void Tree::awaitExit() const {
    std::unique_lock lock{mutex_};
    heard_.wait_for(lock, std::chrono::milliseconds{200}, [this] { return exit_.has_value(); });
}

void Tree::expectEnd() {
    const std::lock_guard lock{mutex_};
    expected_ = true;
}

void Tree::askToEnd() const noexcept {
    const std::lock_guard lock{mutex_};
    process::askToEnd(pid(), stop_.get());
}

bool Tree::end(std::chrono::milliseconds patience) noexcept {
    std::shared_ptr<Job> job;
    {
        const std::lock_guard lock{mutex_};
        expected_ = true;
        killed_ = true;
        job = job_;
    }
    return !job || job->endWithin(patience);
}

bool Tree::retire() {
    const std::lock_guard lock{mutex_};
    if (job_ && job_->living() != 0) return false;
    job_.reset();
    stop_.reset();
    return true;
}

void Tree::onExit(std::function<void(const ProcessExit&)> ended) {
    const std::lock_guard lock{mutex_};
    ended_ = std::move(ended);
}

void Tree::onOutput(std::function<void(std::string_view)> take) {
    const std::lock_guard lock{mutex_};
    take_ = std::move(take);
}

}  // namespace holdfast::inline v1::process
