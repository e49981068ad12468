// SPDX-License-Identifier: BSL-1.0

#include "control_call.hpp"

#include "control_buffers.hpp"
#include "resource_controls.hpp"

#include <holdfast/exec/runtime.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace holdfast::inline v1::adapters {
namespace {

using std::chrono::milliseconds;

// What an engine's thread waits that gets no later answer (D16), and one that does.
constexpr milliseconds patience{250};
constexpr milliseconds quickAnswer{50};
// For answers at Close to have left: the buffers are the engine's again then.
constexpr milliseconds closePatience{30};
// Far inside the engine's own limit for a call (W-440).
constinit std::atomic<std::int64_t> controlLimit{30'000};

// For what is being written already.
constexpr milliseconds storePatience{2'000};

class ControlJob final : public exec::LaneJob, public PendingControl, public std::enable_shared_from_this<ControlJob> {
public:
    ControlJob(std::shared_ptr<exec::Instance> instance, const ControlCall& call)
        : instance_{std::move(instance)}, code_{call.code}, buffers_{call} {}

    void run(exec::WorkerSelf /*self*/) override {
        // What stays if a validator ends its thread.
        abi::Dword result = abi::code::exceptionInResourceCall;
        struct Done {
            ControlJob& job;
            abi::Dword& result;
            ~Done() {
                job.instance_->link().leaveCall();
                job.finish(result);
            }
        } const done{*this, result};
        instance_->link().enterCall(controlCallName(code_));
        std::string reason;
        try {
            // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): `done` reads it
            result = answerOnWorker(
                *instance_, buffers_.call(), [this] { return mayStore(); }, &reason);
        } catch (const std::exception&) {  // out of memory outside of the author's function
            result = abi::code::notEnoughMemory;
        }
        if (reason.empty()) return;
        try {
            instance_->reporter().log(LogLevel::error, reason);
            // The engine reads the reason in its log: it should stand there before the code comes back.
            static_cast<void>(instance_->reporter().flush(std::chrono::milliseconds{50}));
        } catch (const std::exception&) {  // out of memory: the line is lost
        }
    }

    void rejected() noexcept override {
        {
            const std::lock_guard lock{mutex_};
            if (state_ != State::late) {
                settle(abi::code::noSystemResources);
                return;
            }
        }
        try {  // End may block, and nobody may here
            instance_->runtime().control().submit(
                [self = shared_from_this()] { self->finish(abi::code::noSystemResources); });
        } catch (const std::exception&) {  // out of memory: the limit answers it
        }
    }

    /** W-151: whoever claims the call answers it; afterwards nobody else does. */
    void giveUp(abi::Dword code) noexcept override {
        {
            const std::lock_guard lock{mutex_};
            if (state_ != State::late) return;
            state_ = State::answered;
        }
        end(code);
    }

    /** The direct answer, or nothing if it is not there within `patienceNow`. */
    [[nodiscard]] std::optional<abi::Dword> wait(const ControlCall& call, milliseconds patienceNow) {
        std::unique_lock lock{mutex_};
        if (!ended_.wait_for(lock, patienceNow, [this] { return finished_; })) return std::nullopt;
        state_ = State::answered;
        return copyOut(call);
    }

    /**
     * Nobody waits any more: what comes is dropped (D16). While values are being written only the end tells whether they are
     * stored, so then the caller waits for it a while longer: its answer, or nothing.
     */
    [[nodiscard]] std::optional<abi::Dword> forget(const ControlCall& call) {
        std::unique_lock lock{mutex_};
        if (storing_) ended_.wait_for(lock, storePatience, [this] { return finished_; });
        state_ = State::answered;
        if (!finished_) return std::nullopt;
        return copyOut(call);
    }

    /** From now on the answer is End's, unless it is there by now: then it is returned. */
    [[nodiscard]] std::optional<abi::Dword> becomeLate(const ControlCall& call, const LateAnswer& late) {
        const std::lock_guard lock{mutex_};
        if (finished_) {
            state_ = State::answered;
            return copyOut(call);
        }
        limit_.emplace(instance_->runtime().pool());
        limit_->expires_after(milliseconds{controlLimit.load(std::memory_order_relaxed)});
        limit_->async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto self = error ? nullptr : weak.lock();
            if (!self) return;
            try {  // not here: the pool never waits for an engine
                self->instance_->runtime().control().submit([self] { self->giveUp(abi::code::timeout); });
            } catch (const std::exception&) {  // out of memory: the worker's own answer remains
            }
        });
        // Nothing below throws: from here on End is owed.
        late_ = late;
        call_ = call;
        *late.asynchronously = 1;  // before anybody can call End
        state_ = State::late;
        return std::nullopt;
    }

private:
    enum class State { waited, late, answered };

    void finish(abi::Dword result) noexcept {
        {
            const std::lock_guard lock{mutex_};
            if (state_ != State::late) {
                settle(result);
                return;
            }
            state_ = State::answered;
            result_ = result;
            result = copyOut(call_);
            limit_->cancel();
        }
        end(result);
    }

    /** Under the lock. */
    void settle(abi::Dword result) noexcept {
        result_ = result;
        finished_ = true;
        ended_.notify_all();
    }

    /** D16: nothing is stored for a caller who was told ERROR_TIMEOUT. */
    bool mayStore() {
        const std::lock_guard lock{mutex_};
        storing_ = state_ != State::answered;
        return storing_;
    }

    /** Under the lock, by whoever claimed the call: the engine's buffers are valid until it is answered. */
    abi::Dword copyOut(const ControlCall& call) noexcept { return buffers_.copyOut(call, result_); }

    void end(abi::Dword code) noexcept {
        static_cast<void>(late_.end(late_.context, code));
        late_.pending->remove(this);
    }

    const std::shared_ptr<exec::Instance> instance_;
    const abi::Dword code_;
    ControlBuffers buffers_;  // the worker's until it finished
    std::mutex mutex_;        // guards all below; late_ and call_ are written once, before the state says so
    std::condition_variable ended_;
    State state_{State::waited};
    abi::Dword result_{abi::code::timeout};
    bool finished_{false};
    bool storing_{false};  // it is too late to take it back
    LateAnswer late_{};
    ControlCall call_{};
    std::optional<boost::asio::steady_timer> limit_;
};

}  // namespace

abi::Dword controlResource(const std::shared_ptr<exec::Instance>& instance, const ControlCall& call) {
    if (const auto answer = answerAtOnce(*instance, call)) return *answer;
    auto job = std::make_shared<ControlJob>(instance, call);
    instance->runtime().workers().submit(job);
    if (const auto answer = job->wait(call, patience)) return *answer;
    return job->forget(call).value_or(abi::code::timeout);
}

abi::Dword beginControlResource(const std::shared_ptr<exec::Instance>& instance, const ControlCall& call,
                                const LateAnswer& late) {
    if (late.asynchronously != nullptr) *late.asynchronously = 0;
    if (late.end == nullptr || late.asynchronously == nullptr) return controlResource(instance, call);
    if (const auto answer = answerAtOnce(*instance, call)) return *answer;
    auto job = std::make_shared<ControlJob>(instance, call);
    if (!late.pending->add(job)) return abi::code::resourceNotFound;  // W-108: it is being closed
    std::optional<abi::Dword> answer;
    try {
        instance->runtime().workers().submit(job);
        answer = job->wait(call, quickAnswer);
        if (!answer) answer = job->becomeLate(call, late);
    } catch (...) {
        static_cast<void>(job->forget(call));
        late.pending->remove(job.get());
        throw;
    }
    if (!answer) return abi::code::success;  // W-151: the flag says that End brings the answer
    late.pending->remove(job.get());
    return *answer;
}

void endPendingControls(exec::Instance& instance, PendingControls& pending) noexcept {
    const auto calls = pending.close();
    if (calls.empty()) return;
    try {
        // Not on the engine's own thread: it may hold what its EndControlCall needs.
        instance.runtime().control().submit([calls] {
            for (const auto& call : calls) call->giveUp(abi::code::operationAborted);
        });
        pending.waitEmpty(closePatience);
    } catch (const std::exception&) {  // out of memory: each has its limit
    }
}

void setControlLimit(milliseconds limit) noexcept { controlLimit.store(limit.count(), std::memory_order_relaxed); }

}  // namespace holdfast::inline v1::adapters
