// SPDX-License-Identifier: BSL-1.0

#include "control_call.hpp"

#include "control_buffers.hpp"
#include "resource_controls.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

namespace holdfast::inline v1::adapters {
namespace {

constexpr std::chrono::milliseconds patience{250};
// Once values are being written only the end tells whether they are stored, so the caller waits for it a while longer.
constexpr std::chrono::milliseconds storePatience{2'000};

class ControlJob final : public exec::LaneJob {
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
        // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): `done` reads it
        result = answerOnWorker(
            *instance_, buffers_.call(), [this] { return mayStore(); }, &reason);
        if (!reason.empty()) {
            instance_->reporter().log(LogLevel::error, reason);
            // The engine reads the reason in its log: it should stand there before the code comes back.
            static_cast<void>(instance_->reporter().flush(std::chrono::milliseconds{50}));
        }
    }

    void rejected() noexcept override { finish(abi::code::noSystemResources); }

    [[nodiscard]] abi::Dword wait(const ControlCall& call) {
        std::unique_lock lock{mutex_};
        const auto finished = [this] { return finished_; };
        if (!ended_.wait_for(lock, patience, finished)) {
            if (!storing_ || !ended_.wait_for(lock, storePatience, finished)) {
                abandoned_ = true;
                return abi::code::timeout;
            }
        }
        return buffers_.copyOut(call, result_);
    }

private:
    /** D16: nothing is stored for a caller who was told ERROR_TIMEOUT. */
    bool mayStore() {
        const std::lock_guard lock{mutex_};
        storing_ = !abandoned_;
        return storing_;
    }
    void finish(abi::Dword result) noexcept {
        {
            const std::lock_guard lock{mutex_};
            result_ = result;
            finished_ = true;
        }
        ended_.notify_all();
    }

    const std::shared_ptr<exec::Instance> instance_;
    const abi::Dword code_;
    ControlBuffers buffers_;  // the worker's until it finished
    std::mutex mutex_;        // guards all below
    std::condition_variable ended_;
    abi::Dword result_{abi::code::timeout};
    bool finished_{false};
    bool storing_{false};
    bool abandoned_{false};
};

}  // namespace

abi::Dword controlResource(const std::shared_ptr<exec::Instance>& instance, const ControlCall& call) {
    if (call.bytesReturned != nullptr) *call.bytesReturned = 0;  // W-141
    if (const auto answer = answerAtOnce(*instance, call)) return *answer;
    auto job = std::make_shared<ControlJob>(instance, call);
    instance->runtime().workers().submit(job);
    return job->wait(call);
}

}  // namespace holdfast::inline v1::adapters
