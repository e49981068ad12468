// SPDX-License-Identifier: BSL-1.0

#include "user_call.hpp"

#include "flight_subjects.hpp"
#include "guard.hpp"
#include "reason_text.hpp"

#include <holdfast/os/process.hpp>

#include <utility>

namespace holdfast::inline v1::exec {
namespace {

/** `Operation` and `Check` over the same stop. */
template <typename Role>
class Stopping : public Role {
public:
    explicit Stopping(StopState& stop) : stop_{stop} {}
    [[nodiscard]] bool stopRequested() const noexcept override { return stop_.requested(); }
    [[nodiscard]] StopReason stopReason() const noexcept override { return stop_.reason(); }
    [[nodiscard]] StopCallback onStop(std::function<void()> callback) override {
        return stop_.add(std::move(callback));
    }
    void sleepFor(std::chrono::milliseconds duration) override { stop_.sleepFor(duration); }

private:
    StopState& stop_;
};

class RunningOperation final : public Stopping<Operation> {
public:
    RunningOperation(StopState& stop, std::function<void(std::string_view)> progress)
        : Stopping{stop}, progress_{std::move(progress)} {}
    void checkpoint(std::string_view step) override {
        throwIfStopped();
        progress_(step);
    }

private:
    std::function<void(std::string_view)> progress_;
};

class RunningCheck final : public Stopping<Check> {
public:
    RunningCheck(StopState& stop, Instance& instance) : Stopping{stop}, instance_{instance} {}
    [[nodiscard]] Verdict lastVerdict() const override { return instance_.lastVerdict(); }

private:
    Instance& instance_;
};

/** What one run's object sees of its surroundings; what it says after its run is dropped by generation. */
class RunContext final : public Context {
public:
    RunContext(std::weak_ptr<Instance> instance, core::Generation run) : instance_{std::move(instance)}, run_{run} {}

    [[nodiscard]] std::string resourceName() const override {
        const auto instance = instance_.lock();
        return instance ? instance->name() : std::string{};
    }
    [[nodiscard]] std::string typeName() const override {
        const auto instance = instance_.lock();
        return instance ? instance->type().name() : std::string{};
    }
    [[nodiscard]] std::string nodeName() const override { return os::hostName(); }
    [[nodiscard]] StopReason stopReason() const noexcept override {
        const auto instance = instance_.lock();
        return instance ? instance->runStop() : StopReason::close;
    }
    [[nodiscard]] Engine engine() const noexcept override {
        const auto instance = instance_.lock();
        return instance ? instance->link().engine() : Engine::unknown;
    }
    [[nodiscard]] StateChangeReason stateChangeReason() const noexcept override {
        const auto instance = instance_.lock();
        return instance ? instance->stateChange() : StateChangeReason::unknown;
    }
    [[nodiscard]] Dependencies dependencies() override {
        const auto instance = instance_.lock();
        return instance ? instance->dependencies() : Dependencies{};
    }
    [[nodiscard]] std::vector<DependencyNotice> dependencyNotices() const override {
        const auto instance = instance_.lock();
        return instance ? instance->dependencyNotices() : std::vector<DependencyNotice>{};
    }
    [[nodiscard]] bool recovering() const noexcept override {
        const auto instance = instance_.lock();
        return instance && instance->recovering();
    }
    [[nodiscard]] std::string destinationNode() const override {
        const auto instance = instance_.lock();
        return instance ? instance->destinationNode() : std::string{};
    }
    void reportFailure(std::string_view reason) noexcept override {
        if (const auto instance = instance_.lock()) instance->reportFailure(run_, reason);
    }
    void log(LogLevel level, std::string_view text) noexcept override {
        if (const auto instance = instance_.lock()) instance->logFromAuthor(level, text);
    }

private:
    const std::weak_ptr<Instance> instance_;
    const core::Generation run_;
};

// Which of the author's members runs on this worker, for the log. Plain data: no destructor may stay on a thread (D9).
thread_local const char* currentCall = nullptr;

}  // namespace

const char* currentCallName() noexcept { return currentCall; }

void UserCall::rejected() noexcept {
    try {
        instance_->post(core::Event::ended(job_, id_, core::Outcome::rejected));
    } catch (const std::exception&) {  // neither threads nor memory: the operation's own limit ends it
    }
}

void UserCall::run(WorkerSelf self) {
    auto outcome = core::Outcome::failed;
    currentCall = jobName(job_);
    const auto began = std::chrono::steady_clock::now();
    FlightNote note{FlightKind::job, FlightPhase::begin, jobSubject(job_), instance_->flight(), 0, run_};
    flightRecorder().record(note);
    instance_->link().enterCall(currentCall);
    bool good = false;
    // Posted however the call ends: also when it ends its own thread.
    const OnLeave ended{[&] {
        currentCall = nullptr;
        note.phase = FlightPhase::end;
        note.code = good ? 0 : 1;
        note.value = std::chrono::nanoseconds{std::chrono::steady_clock::now() - began}.count();
        flightRecorder().record(note);
        instance_->link().leaveCall();
        instance_->postEnd(core::Event::ended(job_, id_, outcome));
    }};
    if (job_ != core::Job::terminate) static_cast<void>(finish(false, "its thread ended"));
    switch (job_) {
        case core::Job::online: good = online(self); break;
        case core::Job::offline: good = offline(self); break;
        case core::Job::look:
        case core::Job::check: good = check(self); break;
        case core::Job::repair: good = repair(self); break;
        case core::Job::terminate:
            terminate();
            good = true;
            break;
    }
    if (job_ != core::Job::terminate) outcome = good ? core::Outcome::succeeded : core::Outcome::failed;
}

bool UserCall::online(WorkerSelf self) {
    const CallEnd end = guarded([&] {
        stop_->throwIfRequested();  // a thread may come so late that the stop is older
        const PropertyBag values = instance_->link().readProperties();
        const core::Policy policy = instance_->type().policy(values);
        instance_->post({core::Event::read(id_, policy), policy, {}, 0});
        auto object = std::make_shared<RunObject>();
        object->context = std::make_unique<RunContext>(instance_, run_);
        stop_->throwIfRequested();
        object->resource = instance_->type().build(*object->context, values);
        // Published before the stop is looked at: a terminate() that finds no object knows that none will start anything.
        instance_->setObject(object);
        RunningOperation operation{*stop_, [&](std::string_view step) { instance_->progressed(id_, run_, step); }};
        RunningCheck check{*stop_, *instance_};
        bool adopted = false;
        Presence found = Presence::unknown;
        {
            const StopState::Interruptible interruptible{*stop_, self};
            stop_->throwIfRequested();
            passFault("probe");
            found = object->resource->probe(check);
            stop_->throwIfRequested();
            if (found == Presence::running) passFault("adopt");
            adopted = found == Presence::running && object->resource->adopt(operation);
        }
        if (adopted) return;
        if (!instance_->link().mayStart(found)) throw Error{"nothing was found that could be taken over"};
        if (found == Presence::running) {  // W-124: never a second copy
            const std::lock_guard alone{object->terminating};
            object->resource->terminate();
        }
        const StopState::Interruptible interruptible{*stop_, self};
        stop_->throwIfRequested();
        passFault("online");
        object->resource->online(operation);
    });
    return finish(end.returned, end.text, end.code);
}

bool UserCall::offline(WorkerSelf self) {
    const CallEnd end = guarded([&] {
        const std::shared_ptr<RunObject> object = instance_->object();
        if (!object) return;
        RunningOperation operation{*stop_, [&](std::string_view step) { instance_->progressed(id_, run_, step); }};
        const StopState::Interruptible interruptible{*stop_, self};
        stop_->throwIfRequested();
        passFault("offline");
        object->resource->offline(operation);
    });
    // The object dies before Offline is reported, so that what it holds is free for the next node (W-126).
    if (end.returned) instance_->setObject(nullptr);
    return finish(end.returned, end.text, end.code);
}

bool UserCall::check(WorkerSelf self) {
    Verdict verdict = Verdict::failed("the check's thread ended");
    const CallEnd end = guarded([&] {
        const std::shared_ptr<RunObject> object = instance_->object();
        if (!object) return;
        RunningCheck check{*stop_, *instance_};
        const StopState::Interruptible interruptible{*stop_, self};
        stop_->throwIfRequested();
        passFault(job_ == core::Job::look ? "looksAlive" : "isAlive");
        verdict = job_ == core::Job::look ? object->resource->looksAlive(check) : object->resource->isAlive(check);
    });
    if (!end.returned) verdict = Verdict::failed(end.text);
    settleVerdict(verdict);
    return finish(verdict.isAlive(), verdict.reason());
}

bool UserCall::repair(WorkerSelf self) {
    bool mended = false;
    const CallEnd end = guarded([&] {
        const std::shared_ptr<RunObject> object = instance_->object();
        if (!object) return;
        RunningCheck check{*stop_, *instance_};
        const StopState::Interruptible interruptible{*stop_, self};
        stop_->throwIfRequested();
        passFault("repair");
        mended = object->resource->repair(check);
    });
    // What the check said stays the reason; repair() may have something to add.
    const std::string found = instance_->lastVerdict().reason();
    return finish(mended, end.returned ? found : fmt::format("{}; repair() threw: {}", found, end.text));
}

void UserCall::terminate() {
    const std::shared_ptr<RunObject> object = instance_->object();
    if (object && object->resource) {
        const std::lock_guard alone{object->terminating};
        static_cast<void>(instance_->link().injectedFault("terminate"));  // it is noexcept: nothing to throw
        object->resource->terminate();
    }
    if (destroy_) instance_->setObject(nullptr);
}

void UserCall::passFault(const char* member) {
    if (instance_->link().injectedFault(member)) throw Error{"a fault was injected"};
}

bool UserCall::finish(bool good, const std::string& text, ErrorCode code) {
    instance_->setText(instance_->failure_, text);
    const std::lock_guard lock{instance_->textMutex_};
    instance_->failureCode_ = code;
    return good;
}

void UserCall::settleVerdict(const Verdict& verdict) {
    Verdict kept = verdict.isAlive() ? Verdict::alive() : Verdict::failed(Instance::clamped(verdict.reason()));
    const std::lock_guard lock{instance_->textMutex_};
    if (!kept.isAlive() || !instance_->lastVerdict_.isAlive()) {  // an alive one after another is told by the job's end
        flightRecorder().record({FlightKind::verdict, FlightPhase::instant, jobSubject(job_), instance_->flight(),
                                 kept.isAlive() ? 1U : 2U, run_, 0, kept.reason()});
    }
    std::swap(instance_->lastVerdict_, kept);
}

}  // namespace holdfast::inline v1::exec
