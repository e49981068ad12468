// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/instance.hpp>

#include "flight_subjects.hpp"
#include "reason_text.hpp"
#include "user_call.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <exception>
#include <future>
#include <thread>
#include <utility>

namespace holdfast::inline v1::exec {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long an engine's thread waits for the strand before it takes the request back (D2): inside the 300 ms.
constexpr milliseconds hopPatience{250};
// How much longer once the strand has the request: it answers without waiting for anything.
constexpr milliseconds takenPatience{1'000};
constexpr milliseconds entryBudget{300};
// For what began before Close was accepted to come back from the engine.
constexpr milliseconds callbackPatience{30};
// For a report that began before Terminate was accepted. What is left of Terminate's budget is well spent: SetResourceStatus
// says nothing of runs, so that a report which is late even then may end the next Online in the engine's eyes.
constexpr milliseconds reportPatience{250};

constexpr std::chrono::seconds dependencyPatience{10};

// A handful, so that one busy resource does not keep a pool thread from the others.
constexpr int eventsAtATime = 32;

}  // namespace

const char* currentCallName() noexcept;  // user_call.cpp

Instance::Instance(Setup setup, std::unique_ptr<Runtime::Lease> lease)
    : setup_{std::move(setup)},
      flight_{flightRecorder().addResource(setup_.name)},
      lease_{std::move(lease)},
      runtime_{lease_->runtime()},
      strand_{runtime_.pool()},
      machine_{setup_.type->policy({}), setup_.syncGrace},
      terminateWait_{machine_.policy().terminateTimeout.count()},
      nextRecovering_{setup_.recovering},
      name_{setup_.name} {
    flightWritten_.store(neverWritten, std::memory_order_relaxed);
    record(FlightKind::opened, FlightSubject::none, 0, setup_.name);
}

Instance::~Instance() = default;

void Instance::bind(Slot& slot) {
    slot_ = &slot;
    slotGeneration_ = slot.generation.load(std::memory_order_acquire);
    slot.flight.store(flight_, std::memory_order_relaxed);
    const std::weak_ptr<Instance> weak = weak_from_this();
    reporter_ = std::make_shared<Reporter>(
        runtime().control(), setup_.link,
        [weak](core::Generation run) {
            if (const auto self = weak.lock()) self->post(core::Event::stoppedByEngine(run));
        },
        flight_);
    timers_ = runtime().clock().makeTimers(strand_, [weak](core::Timer timer, core::TimerId id, core::Time armedAt) {
        const auto self = weak.lock();
        if (!self) return;
        const bool stalled = Runtime::stallWatch().resumedAt(Runtime::coarseNow()) > armedAt;
        Incoming incoming{core::Event::expired(timer, id, stalled), {}, {}, 0};
        self->handle(incoming);
    });
}

std::string_view Instance::clamped(std::string_view text) noexcept {
    constexpr std::size_t most = 500;
    if (text.size() <= most) return text;
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return text.substr(0, end);
}

// ---- engine threads --------------------------------------------------------------------------------------------------

Instance::Result Instance::request(core::Request what, milliseconds patience, milliseconds more) {
    auto slot = std::make_shared<ReplySlot>();
    const auto start = Steady::now();
    const bool urgent = what == core::Request::close;
    const std::uint32_t before =
        urgent ? terminates_.fetch_add(1, std::memory_order_acq_rel) + 1 : terminates_.load(std::memory_order_acquire);
    try {
        // W-650: what was said is said about this stop and no later one.
        const bool stops = what == core::Request::offline || what == core::Request::close;
        const auto why = stops ? nextStateChange_.exchange(StateChangeReason::unknown, std::memory_order_acq_rel)
                               : StateChangeReason::unknown;
        post(Incoming{core::Event::requested(what), {}, slot, before, why}, urgent);
    } catch (...) {
        static_cast<void>(slot->cancel());  // who was told that it failed must not find it done later
        throw;
    }
    if (const Result answer = slot->wait(start + patience)) return answer;
    // Close is never taken back: it will be carried out even if nobody waits any more.
    if (!urgent && slot->cancel()) return {};
    return slot->wait(start + patience + more);
}

Instance::Result Instance::online(bool recovering) {
    const auto start = Steady::now();
    FlightCall call{flight_, FlightSubject::online};
    if (recovering) nextRecovering_.store(true, std::memory_order_release);
    const Result result = request(core::Request::online, hopPatience, takenPatience + setup_.syncGrace);
    call.answers(codeOf(result));
    sayIfLate(FlightSubject::online, start);
    return result;
}

Instance::Result Instance::offline(std::string destinationNode) {
    const auto start = Steady::now();
    FlightCall call{flight_, FlightSubject::offline};
    {
        const std::lock_guard lock{textMutex_};
        nextDestination_.swap(destinationNode);
    }
    const Result result = request(core::Request::offline, hopPatience, takenPatience);
    call.answers(codeOf(result));
    sayIfLate(FlightSubject::offline, start);
    return result;
}

Instance::Result Instance::cancel() {
    FlightCall call{flight_, FlightSubject::cancel};
    const Result result = request(core::Request::cancel, hopPatience, takenPatience);
    call.answers(codeOf(result));
    return result;
}

Instance::Result Instance::terminate() {
    const auto start = Steady::now();
    FlightCall call{flight_, FlightSubject::terminate};
    const milliseconds wait{terminateWait_.load(std::memory_order_acquire)};
    core::Time since = Runtime::coarseNow();
    const auto slot = std::make_shared<ReplySlot>();
    post(Incoming{core::Event::requested(core::Request::terminate),
                  {},
                  slot,
                  terminates_.fetch_add(1, std::memory_order_acq_rel) + 1,
                  nextStateChange_.exchange(StateChangeReason::unknown, std::memory_order_acq_rel)},
         true);
    Result result = slot->wait(start + wait + takenPatience);
    while (!result) {
        const core::Time resumed = Runtime::stallWatch().resumedAt(Runtime::coarseNow());
        if (resumed < since) break;
        since = resumed + 1;  // D4: the process was suspended meanwhile, so terminate() had no time to run
        result = slot->wait(Steady::now() + wait + takenPatience);
    }
    // W-240: once Terminate has returned, no report of the old run may begin in the engine either.
    const auto left = std::chrono::duration_cast<milliseconds>(start + reportPatience - Steady::now());
    reporter_->waitReported(std::max(callbackPatience, left));
    call.answers(codeOf(result));
    sayIfLate(FlightSubject::terminate, start);
    return result;
}

bool Instance::close() {
    const auto start = Steady::now();
    FlightCall call{flight_, FlightSubject::close};
    closed_.store(true, std::memory_order_release);
    static_cast<void>(request(core::Request::close, core::Limits::closeReply + milliseconds{20}, milliseconds{0}));
    // What was said until now may still go out; then RESOURCE_HANDLE is the engine's again (W-117).
    const auto left = std::chrono::duration_cast<milliseconds>(start + entryBudget - Steady::now());
    reporter_->flush(std::min(callbackPatience, std::max(left, milliseconds{0})));
    reporter_->shut();
    const bool quiet = reporter_->waitIdle(milliseconds{10});
    const bool nothingLeft = released_.load(std::memory_order_acquire) && quiet;
    call.answers(nothingLeft ? 0 : 1);
    return nothingLeft;
}

void Instance::sayIfLate(FlightSubject what, Steady::time_point since) {
    const auto took = Steady::now() - since;
    if (took <= entryBudget) return;
    flightRecorder().record({FlightKind::budget, FlightPhase::instant, what, flight_, 0, 0,
                             std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()});
    const std::string step = text(progress_);
    const std::string late = fmt::format("{} took {} ms of a budget of {} ms", nameOf(what),
                                         std::chrono::duration_cast<milliseconds>(took).count(), entryBudget.count());
    reporter_->log(LogLevel::warning, step.empty() ? late : late + "; last step: " + step);
    writeFlight(late);
}

void Instance::post(Incoming incoming, bool urgent) {
    {
        const std::lock_guard lock{inboxMutex_};
        (urgent ? urgent_ : inbox_).push_back(std::move(incoming));
    }
    boost::asio::post(strand_.executor(), [self = shared_from_this()] { self->drain(); });
}

// ---- any thread ------------------------------------------------------------------------------------------------------

void Instance::logFromAuthor(LogLevel level, std::string_view text) noexcept {
    try {
        const char* const call = currentCallName();
        const std::string line =
            call == nullptr ? std::string{clamped(text)} : fmt::format("{}: {}", call, clamped(text));
        reporter_->log(level, std::string{clamped(line)});
    } catch (const std::exception&) {  // out of memory: the line is lost, the agent is not
    }
}

void Instance::rename(std::string name) {
    if (name.empty()) return;
    const std::lock_guard lock{textMutex_};
    flightRecorder().rename(flight_, name);
    name_.swap(name);
}

void Instance::changePolicy(const core::Policy& policy) { post(Incoming{core::Event::changed(policy), policy, {}, 0}); }

void Instance::noteDependency(DependencyNotice notice) {
    constexpr std::size_t most = 64;  // who does not look loses the oldest
    const std::lock_guard lock{textMutex_};
    notices_.push_back(std::move(notice));
    if (notices_.size() > most) notices_.pop_front();
    dependencies_.reset();
    ++dependencyEpoch_;
}

std::vector<DependencyNotice> Instance::dependencyNotices() const {
    const std::lock_guard lock{textMutex_};
    return {notices_.begin(), notices_.end()};
}

void Instance::forgetDependencies() {
    const std::lock_guard lock{textMutex_};
    notices_.clear();
    dependencies_.reset();
    ++dependencyEpoch_;
}

Dependencies Instance::dependencies() {
    std::uint64_t epoch = 0;
    std::string name;
    {
        const std::lock_guard lock{textMutex_};
        if (dependencies_) return *dependencies_;
        epoch = dependencyEpoch_;
        name = name_;
    }
    // On a thread of its own, because the engine may not answer, and this worker has to (W-801).
    struct Asked {
        std::promise<Dependencies> answer;
    };
    auto asked = std::make_shared<Asked>();
    std::future<Dependencies> answer = asked->answer.get_future();
    runtime().control().submit([asked, name, self = shared_from_this()] {
        try {
            // W-109: after Close the engine's key is not ours any more.
            if (self->closed()) throw Error{ErrorCode::failed, "the resource was closed meanwhile"};
            asked->answer.set_value(self->link().readDependencies(name));
        } catch (...) {
            asked->answer.set_exception(std::current_exception());
        }
    });
    if (answer.wait_for(dependencyPatience) != std::future_status::ready) {
        throw Error::make(ErrorCode::timeout, "the engine did not say within {} s what the resource depends on",
                          dependencyPatience.count());
    }
    Dependencies result = answer.get();
    const std::lock_guard lock{textMutex_};
    if (epoch == dependencyEpoch_) dependencies_ = result;
    return result;
}

void Instance::progressed(core::JobId call, core::Generation run, std::string_view step) {
    record(FlightKind::checkpoint, FlightSubject::none, run, step);
    setText(progress_, step);
    // However often the author says it: one event until the strand has seen it.
    if (!progressPosted_.exchange(true, std::memory_order_acq_rel)) post(core::Event::progressed(call));
}

void Instance::reportFailure(core::Generation run, std::string_view reason) noexcept {
    try {
        if (failurePosted_.exchange(run, std::memory_order_acq_rel) == run) return;  // once per run is enough
        setText(reported_, reason);
        post(core::Event::reported(run));
    } catch (const std::exception&) {  // out of memory: the next check says it
    }
}

void Instance::postEnd(const core::Event& event) noexcept {
    for (;;) {
        try {
            post(event);
            return;
        } catch (const std::exception&) {
            std::this_thread::sleep_for(milliseconds{10});
        }
    }
}

Verdict Instance::lastVerdict() const {
    const std::lock_guard lock{textMutex_};
    return lastVerdict_;
}

void Instance::setText(std::string& which, std::string_view text) {
    std::string copy{clamped(text)};  // the strand copies these: they stay short
    const std::lock_guard lock{textMutex_};
    which.swap(copy);
    if (&which == &progress_) progressAt_ = Steady::now();
}

std::string Instance::text(const std::string& which) const {
    const std::lock_guard lock{textMutex_};
    return which;
}

bool Instance::hasObject() const { return object() != nullptr; }

std::shared_ptr<RunObject> Instance::object() const {
    const std::lock_guard lock{textMutex_};
    return object_;
}

void Instance::setObject(std::shared_ptr<RunObject> object) {
    // The old one dies after the lock is gone, in the caller: a worker (D14). From here on terminate() does not find it.
    const std::lock_guard lock{textMutex_};
    object_.swap(object);
}

// ---- strand ----------------------------------------------------------------------------------------------------------

void Instance::drain() {
    for (int handled = 0; handled < eventsAtATime; ++handled) {
        Incoming incoming;
        {
            const std::lock_guard lock{inboxMutex_};
            std::list<Incoming>& queue = urgent_.empty() ? inbox_ : urgent_;  // Terminate jumps the queue (D2)
            if (queue.empty()) return;
            incoming = std::move(queue.front());
            queue.pop_front();
        }
        handle(incoming);
    }
    boost::asio::post(strand_.executor(), [self = shared_from_this()] { self->drain(); });
}

void Instance::handle(Incoming& incoming) {
    core::Event& event = incoming.event;
    if (incoming.slot) {
        if (!incoming.slot->take()) return;  // D2: nobody waits for it any more, so it never happened
        const bool starts = event.request == core::Request::online || event.request == core::Request::offline;
        if (starts && incoming.terminates != terminates_.load(std::memory_order_acquire)) {
            incoming.slot->answer(core::Answer::invalidState);  // W-240: a Terminate called after it has overtaken it
            return;
        }
        waiters_[static_cast<std::size_t>(event.request)].push_back(incoming.slot);
    }
    if (incoming.policy) event.policy = &*incoming.policy;
    if (event.kind == core::Event::Kind::checkpoint) progressPosted_.store(false, std::memory_order_release);
    const core::Generation before = machine_.generation();
    const core::Phase phaseBefore = machine_.phase();
    const core::Actions actions = machine_.on(event, Runtime::coarseNow());
    const core::Phase phase = machine_.phase();
    if (phase != phaseBefore) record(FlightKind::transition, stateOf(phase), machine_.generation(), {});
    // Before any action: whoever hears of the answer or the report finds it so.
    active_.store(
        phase == core::Phase::onlinePending || phase == core::Phase::online || phase == core::Phase::offlinePending,
        std::memory_order_release);
    if (event.kind == core::Event::Kind::request && machine_.generation() != before) {
        noteRunStop(incoming);
        noteRequest(event.request);
    }
    if (incoming.policy) {
        const core::Policy& policy = machine_.policy();
        terminateWait_.store(policy.terminateTimeout.count(), std::memory_order_release);
        slot_->maxAge.store(
            static_cast<std::uint32_t>((policy.checkInterval + policy.checkTimeout + core::Limits::stall).count()),
            std::memory_order_release);
    }
    for (const core::Action& action : actions) perform(action);
}

/** A request that was accepted: a refused one changes nothing the author can see. */
void Instance::noteRunStop(const Incoming& incoming) {
    StopReason reason = StopReason::none;
    switch (incoming.event.request) {
        case core::Request::online:
        case core::Request::cancel: break;
        case core::Request::offline: reason = StopReason::offline; break;
        case core::Request::terminate: reason = StopReason::terminate; break;
        case core::Request::close: reason = StopReason::close; break;
    }
    const bool newRun = incoming.event.request == core::Request::online;
    if (newRun) forgetDependencies();
    // A Terminate after an Offline that was explained is still the same stop.
    if (newRun || incoming.stateChange != StateChangeReason::unknown)
        stateChange_.store(incoming.stateChange, std::memory_order_release);
    runStop_.store(reason, std::memory_order_release);
}

void Instance::noteRequest(core::Request request) {
    if (request == core::Request::online)
        recovering_.store(nextRecovering_.exchange(false, std::memory_order_acq_rel), std::memory_order_release);
    const std::lock_guard lock{textMutex_};
    destination_.clear();
    if (request == core::Request::offline) destination_.swap(nextDestination_);
}

void Instance::perform(const core::Action& action) {
    switch (action.kind) {
        case core::Action::Kind::reply: answer(action.request, action.answer); break;
        case core::Action::Kind::startJob: startJob(action); break;
        case core::Action::Kind::requestStop:
            runStop_.store(action.stop, std::memory_order_release);
            call_->request(action.stop);
            runtime().control().submit([call = call_] { call->runCallbacks(); });
            break;
        case core::Action::Kind::cancelCall:
            runStop_.store(StopReason::cancelled, std::memory_order_release);
            call_->request(StopReason::cancelled);
            runtime().control().submit([call = call_] { call->runCallbacks(); });
            break;
        case core::Action::Kind::openReports: reporter_->open(action.id); break;
        case core::Action::Kind::closeReports: reporter_->close(); break;
        case core::Action::Kind::report: report(action); break;
        case core::Action::Kind::resetEvent: reporter_->resetEvent(action.id); break;
        case core::Action::Kind::signalFailure:
            say(action.reason, machine_.workJob());
            reporter_->signal(action.id);
            break;
        case core::Action::Kind::setVerdict: setVerdict(action.health, action.id); break;
        case core::Action::Kind::armTimer: timers_->arm(action.timer, action.id, action.duration); break;
        case core::Action::Kind::cancelTimer: timers_->cancel(action.timer); break;
        case core::Action::Kind::note: say(action.reason, action.job); break;
        case core::Action::Kind::release:
            timers_->cancelAll();
            released_.store(true, std::memory_order_release);
            break;
    }
}

void Instance::startJob(const core::Action& action) {
    Runtime& shared = runtime();
    auto stop =
        std::make_shared<StopState>(shared.clock(), [lane = &shared.control()](std::shared_ptr<StopState> state) {
            lane->submit([state = std::move(state)] { state->runCallbacks(); });
        });
    auto call = std::make_shared<UserCall>(shared_from_this(), action.job, action.id, machine_.generation(),
                                           action.destroy, stop);
    if (action.job == core::Job::terminate) {
        shared.terminators().submit(std::move(call));  // D6: its thread is reserved
        return;
    }
    call_ = std::move(stop);
    if (action.job == core::Job::online || action.job == core::Job::offline) {
        setText(progress_, {});
        progressPosted_.store(false, std::memory_order_release);
        const std::lock_guard lock{textMutex_};
        lastVerdict_ = Verdict::alive();
    }
    shared.workers().submit(std::move(call));
}

void Instance::report(const core::Action& action) {
    // The words go first, so that whoever reads the log finds the reason above the state it explains.
    const bool final = action.status != core::Status::onlinePending && action.status != core::Status::offlinePending;
    if (final || !text(progress_).empty() || action.reason != core::Reason::progress) {
        if (action.reason != core::Reason::none) say(action.reason, action.job);
    }
    reporter_->report(
        action.id, {action.status, action.checkPoint, action.status == core::Status::online ? eventHandle() : nullptr,
                    failureCode(action.reason), action.job});
}

ErrorCode Instance::failureCode(core::Reason reason) const {
    switch (reason) {
        case core::Reason::limitExceeded:
        case core::Reason::predecessorTimeout: return ErrorCode::timeout;
        case core::Reason::overloaded: return ErrorCode::outOfResources;
        case core::Reason::onlineFailed:
        case core::Reason::offlineFailed: {
            const std::lock_guard lock{textMutex_};
            return failureCode_;
        }
        default: return ErrorCode::failed;
    }
}

void Instance::say(core::Reason reason, core::Job job) {
    const bool aboutProgress = reason == core::Reason::progress || reason == core::Reason::limitExceeded ||
                               reason == core::Reason::stopIgnored;
    const bool aboutReport = reason == core::Reason::reportedFailure || reason == core::Reason::failedWhileStarting;
    ReasonText words = reasonText(reason, job, text(aboutProgress ? progress_ : aboutReport ? reported_ : failure_));
    reporter_->log(words.level, std::string{clamped(words.text)});
    if (!meansLate(reason)) return;
    record(FlightKind::wedged, jobSubject(job), machine_.generation(), words.text);
    writeFlight(std::move(words.text));
}

void Instance::setVerdict(core::Health health, core::Generation generation) {
    const std::lock_guard lock{slot_->mutex};
    if (slot_->generation.load(std::memory_order_relaxed) != slotGeneration_) return;  // closed: it is another's now
    slot_->verdict.store(VerdictWord::pack(generation, health, Runtime::coarseNow()), std::memory_order_release);
}

void Instance::answer(core::Request request, core::Answer answer) {
    for (const std::shared_ptr<ReplySlot>& slot : waiters_[static_cast<std::size_t>(request)]) slot->answer(answer);
    waiters_[static_cast<std::size_t>(request)].clear();
}

}  // namespace holdfast::inline v1::exec
