// SPDX-License-Identifier: BSL-1.0

#include "control_call.hpp"

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

namespace holdfast::inline v1::adapters {
namespace {

constexpr std::chrono::milliseconds patience{250};
constexpr std::size_t largestBuffer = 1U << 20U;  // what an answer may need; a caller's larger buffer is not copied

class ControlJob final : public exec::LaneJob {
public:
    ControlJob(std::shared_ptr<exec::Instance> instance, const ControlCall& call)
        : instance_{std::move(instance)}, code_{call.code}, hasIn_{call.in != nullptr}, hasOut_{call.out != nullptr} {
        if (hasIn_) {
            const auto* bytes = static_cast<const abi::Byte*>(call.in);
            in_.assign(bytes, bytes + call.inSize);
        }
        if (hasOut_) out_.resize(std::min<std::size_t>(call.outSize, largestBuffer));
    }

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
        instance_->link().enterCall("validate");
        std::string reason;
        abi::Dword needed = 0;
        const ControlCall call{code_,
                               hasIn_ ? in_.data() : nullptr,
                               static_cast<abi::Dword>(in_.size()),
                               hasOut_ ? out_.data() : nullptr,
                               static_cast<abi::Dword>(out_.size()),
                               &needed};
        // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): `done` reads it
        result = resourcePropertyControl(
            instance_->type(),
            [this] {
                // W-109: after Close the engine's key is not ours any more.
                if (instance_->closed()) throw Error{ErrorCode::failed, "the resource was closed meanwhile"};
                return instance_->link().readProperties();
            },
            call, &reason);
        needed_ = needed;
        if (!reason.empty()) {
            instance_->reporter().log(LogLevel::error, reason);
            // The engine reads the reason in its log: it should stand there before the code comes back.
            static_cast<void>(instance_->reporter().flush(std::chrono::milliseconds{50}));
        }
    }

    void rejected() noexcept override { finish(abi::code::noSystemResources); }

    [[nodiscard]] abi::Dword wait(const ControlCall& call) {
        std::unique_lock lock{mutex_};
        if (!ended_.wait_for(lock, patience, [this] { return finished_; })) return abi::code::timeout;
        if (call.bytesReturned != nullptr) *call.bytesReturned = needed_;
        if (result_ == abi::code::success && hasOut_ && needed_ <= out_.size())
            std::memcpy(call.out, out_.data(), needed_);
        return result_;
    }

private:
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
    const bool hasIn_;
    const bool hasOut_;
    std::vector<abi::Byte> in_;   // the worker's until it finished
    std::vector<abi::Byte> out_;  // likewise
    abi::Dword needed_{0};        // likewise
    std::mutex mutex_;            // guards the two below
    std::condition_variable ended_;
    abi::Dword result_{abi::code::timeout};
    bool finished_{false};
};

}  // namespace

abi::Dword controlResource(const std::shared_ptr<exec::Instance>& instance, const ControlCall& call) {
    if (call.bytesReturned != nullptr) *call.bytesReturned = 0;  // W-141
    auto job = std::make_shared<ControlJob>(instance, call);
    instance->runtime().workers().submit(job);
    return job->wait(call);
}

}  // namespace holdfast::inline v1::adapters
