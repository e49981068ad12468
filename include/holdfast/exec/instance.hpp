// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/agent_type.hpp>
#include <holdfast/core/lifecycle.hpp>
#include <holdfast/exec/engine_link.hpp>
#include <holdfast/exec/flight_recorder.hpp>
#include <holdfast/exec/reply_slot.hpp>
#include <holdfast/exec/reporter.hpp>
#include <holdfast/exec/runtime.hpp>
#include <holdfast/exec/slot_table.hpp>
#include <holdfast/exec/stop_state.hpp>
#include <holdfast/exec/strand.hpp>
#include <holdfast/resource.hpp>

#include <array>
#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::inline v1::exec {

class UserCall;

/** The author's object of one run, with the context it was built with. Destroyed on a worker (D14). */
struct RunObject {
    std::unique_ptr<Context> context;  // outlives the resource
    std::unique_ptr<Resource> resource;
    std::mutex terminating;  // held while terminate() runs: online() may need it for what somebody else left (W-124)
};

/**
 * One open resource: it carries out what its `Lifecycle` decides.
 *
 * @par Thread safety The requests (online, offline, terminate, close) from any engine thread, terminate over any other; the rest says
 *      its owner. `machine_`, `timers_`, `call_` and `waiters_` belong to the strand.
 */
class Instance : public std::enable_shared_from_this<Instance> {
public:
    struct Setup {
        std::string name;  ///< as it is at Open
        std::shared_ptr<const AgentType> type;
        std::shared_ptr<EngineLink> link;
        core::Milliseconds syncGrace{0};  ///< D2: how long Online may wait for a quick success, 0 to 200 ms
        bool recovering{false};           ///< W-115: Open's flag, for the first Online
    };
    Instance(Setup setup, std::unique_ptr<Runtime::Lease> lease);
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;
    ~Instance();
    /** Before the first request. */
    void bind(Slot& slot);

    /** What an engine's call came to; empty if the strand could not be reached in time. */
    using Result = std::optional<core::Answer>;
    Result online(bool recovering = false);
    Result offline(std::string destinationNode = {});
    Result terminate();
    /** W-150: the pending operation is asked to give up; nothing is killed. */
    Result cancel();
    /** Answers within 300 ms; true if nothing of the resource is left, false if a wedged call stays behind (D8). */
    bool close();

    [[nodiscard]] void* eventHandle() const noexcept { return reporter_->eventHandle(); }
    /** As it is now: Open's, or the last `rename`. */
    [[nodiscard]] std::string name() const { return text(name_); }
    [[nodiscard]] const AgentType& type() const noexcept { return *setup_.type; }
    [[nodiscard]] EngineLink& link() const noexcept { return *setup_.link; }
    [[nodiscard]] Reporter& reporter() const noexcept { return *reporter_; }
    [[nodiscard]] Runtime& runtime() const noexcept { return runtime_; }
    /** Its number in the flight recorder. */
    [[nodiscard]] std::uint32_t flight() const noexcept { return flight_; }
    /** Online or pending: what is set now is used at the next Online only (W-640). */
    [[nodiscard]] bool active() const noexcept { return active_.load(std::memory_order_acquire); }
    /** Closed: the engine's handle and key are not ours any more. */
    [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }
    /** The last Close hands the lease to the engine's thread, which may stop the runtime; a zombie keeps it. */
    [[nodiscard]] std::unique_ptr<Runtime::Lease> takeLease() noexcept { return std::move(lease_); }

    // ---- what control codes tell (any thread, none of them blocks) ----
    /** W-651: the resource has another name from now on. An empty one is ignored. */
    void rename(std::string name);
    /** W-650: why the Offline or Terminate that comes next is called. It is consumed by that call. */
    void noteStateChange(StateChangeReason reason) noexcept {
        nextStateChange_.store(reason, std::memory_order_release);
    }
    /** While online: other times and counts from now on, without a new run (L-065). */
    void changePolicy(const core::Policy& policy);
    /** Whether there is an object, so that Terminate has somebody to ask. */
    [[nodiscard]] bool hasObject() const;
    /** Something about what the resource depends on: what was read of it is stale. */
    void noteDependency(DependencyNotice notice);

    // ---- for the author's side (any thread) ----
    void logFromAuthor(LogLevel level, std::string_view text) noexcept;
    void progressed(core::JobId call, core::Generation run, std::string_view step);
    void reportFailure(core::Generation run, std::string_view reason) noexcept;
    [[nodiscard]] bool recovering() const noexcept { return recovering_.load(std::memory_order_acquire); }
    [[nodiscard]] std::string destinationNode() const { return text(destination_); }
    [[nodiscard]] StopReason runStop() const noexcept { return runStop_.load(std::memory_order_acquire); }
    [[nodiscard]] StateChangeReason stateChange() const noexcept {
        return stateChange_.load(std::memory_order_acquire);
    }
    /** What the resource depends on: kept since it was read, or read now, with bounded patience. Throws `Error`. */
    [[nodiscard]] Dependencies dependencies();
    [[nodiscard]] std::vector<DependencyNotice> dependencyNotices() const;
    [[nodiscard]] Verdict lastVerdict() const;
    /** At most what an engine keeps of a line (W-905), cut between two characters. */
    [[nodiscard]] static std::string_view clamped(std::string_view text) noexcept;

private:
    friend class UserCall;

    struct Incoming {
        core::Event event;
        std::optional<core::Policy> policy;
        std::shared_ptr<ReplySlot> slot;
        std::uint32_t terminates{0};                                // how many had been called when this request was
        StateChangeReason stateChange{StateChangeReason::unknown};  // what was said before this request
    };

    // any thread
    void post(Incoming incoming, bool urgent = false);
    void post(const core::Event& event) { post(Incoming{event, {}, {}, 0}); }
    Result request(core::Request what, std::chrono::milliseconds patience, std::chrono::milliseconds more);
    /** The end of a call, which must not get lost: retried while memory is short. On a worker. */
    void postEnd(const core::Event& event) noexcept;
    void forgetDependencies();
    void setText(std::string& which, std::string_view text);
    [[nodiscard]] std::string text(const std::string& which) const;
    [[nodiscard]] std::shared_ptr<RunObject> object() const;
    void setObject(std::shared_ptr<RunObject> object);
    void sayIfLate(FlightSubject what, std::chrono::steady_clock::time_point since);
    void record(FlightKind kind, FlightSubject subject, core::Generation run, std::string_view text) const noexcept;
    /** Writes out the flight recorder for this resource, at most once a minute: `reason` hangs or was late. */
    void writeFlight(std::string reason) noexcept;
    void writeFlightNow(const std::string& reason);

    // strand
    void drain();
    void handle(Incoming& incoming);
    void noteRunStop(const Incoming& incoming);
    void noteRequest(core::Request request);
    void perform(const core::Action& action);
    void startJob(const core::Action& action);
    void report(const core::Action& action);
    void say(core::Reason reason, core::Job job);
    [[nodiscard]] ErrorCode failureCode(core::Reason reason) const;
    void setVerdict(core::Health health, core::Generation generation);
    void answer(core::Request request, core::Answer answer);

    const Setup setup_;
    const std::uint32_t flight_;
    std::unique_ptr<Runtime::Lease> lease_;
    Runtime& runtime_;  // outlives this: stopped only when nothing of the instance is left
    Strand strand_;
    std::shared_ptr<Reporter> reporter_;

    // strand
    core::Lifecycle machine_;
    std::unique_ptr<TimerSet> timers_;
    std::shared_ptr<StopState> call_;
    std::array<std::vector<std::shared_ptr<ReplySlot>>, core::requestCount> waiters_;
    Slot* slot_{nullptr};
    std::uint32_t slotGeneration_{0};

    // written by the strand, read by anyone
    std::atomic<bool> released_{false};
    std::atomic<bool> active_{false};
    std::atomic<bool> closed_{false};                 // set by Close
    std::atomic<bool> progressPosted_{false};         // set by the call, cleared by the strand: one event is enough
    std::atomic<core::Generation> failurePosted_{0};  // the run whose failure was posted
    std::atomic<StopReason> runStop_{StopReason::none};
    std::atomic<StateChangeReason> stateChange_{StateChangeReason::unknown};  // of the stop under way
    std::atomic<bool> recovering_{false};
    std::atomic<std::int64_t> terminateWait_;  // ms
    std::atomic<std::int64_t> flightWritten_;  // when the recorder was written out last, by the coarse clock

    // engine threads
    std::atomic<std::uint32_t> terminates_{0};
    std::atomic<bool> nextRecovering_;  // set by Open and Online, taken by the Online that is accepted
    std::atomic<StateChangeReason> nextStateChange_{StateChangeReason::unknown};  // taken by the next stop

    std::mutex inboxMutex_;      // guards the two below; held for moments only
    std::list<Incoming> inbox_;  // a list: an empty deque would take 600 bytes of every idle resource
    std::list<Incoming> urgent_;

    // Guards the texts, the verdict, the object pointer and what is known of dependencies.
    mutable std::mutex textMutex_;
    std::string name_;
    std::string progress_;                              // the running operation's last checkpoint
    std::chrono::steady_clock::time_point progressAt_;  // when it was said
    std::string failure_;                               // what the author's code said last
    std::string reported_;                              // the reason of reportFailure
    std::string nextDestination_;                       // of the Offline that was requested last
    std::string destination_;                           // of the one that was accepted last
    ErrorCode failureCode_{ErrorCode::failed};          // beside failure_
    Verdict lastVerdict_{Verdict::alive()};
    std::shared_ptr<RunObject> object_;
    std::optional<Dependencies> dependencies_;  // as read in this run, unless a notice made it stale
    std::uint64_t dependencyEpoch_{0};          // counts notices and runs: what was read before one is not kept
    std::list<DependencyNotice> notices_;
};

/** What an engine's call came to, as the code an engine is answered with. */
[[nodiscard]] std::uint32_t codeOf(const Instance::Result& result) noexcept;

}  // namespace holdfast::inline v1::exec
