// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/exec/instance.hpp>

#include <functional>

namespace holdfast::inline v1::exec {

/** One call into the author's class on a worker; it always ends in exactly one `jobEnded`. */
class UserCall final : public LaneJob {
public:
    UserCall(std::shared_ptr<Instance> instance, core::Job job, core::JobId id, core::Generation run, bool destroy,
             std::shared_ptr<StopState> stop)
        : instance_{std::move(instance)}, job_{job}, id_{id}, run_{run}, destroy_{destroy}, stop_{std::move(stop)} {}

    void run(WorkerSelf self) override;
    void rejected() noexcept override;

private:
    bool online(WorkerSelf self);
    bool offline(WorkerSelf self);
    bool check(WorkerSelf self);
    bool repair(WorkerSelf self);
    void terminate();
    /** Before the author's member runs: a verifier may put a fault in its place. */
    void passFault(const char* member);
    bool finish(bool good, const std::string& text, ErrorCode code = ErrorCode::failed);
    void settleVerdict(const Verdict& verdict);

    const std::shared_ptr<Instance> instance_;
    const core::Job job_;
    const core::JobId id_;
    const core::Generation run_;
    const bool destroy_;
    const std::shared_ptr<StopState> stop_;
};

}  // namespace holdfast::inline v1::exec
