// SPDX-License-Identifier: BSL-1.0
#include "verify/desk.hpp"

#include "monitor/log_format.hpp"

#include <holdfast/abi/wide.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <utility>

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;
using abi::ResourceState;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

bool isPending(ResourceState state) {
    return state == ResourceState::onlinePending || state == ResourceState::offlinePending ||
           state == ResourceState::pending;
}

std::string textOf(ResourceState state) {
    switch (state) {
        case ResourceState::online: return "Online (2)";
        case ResourceState::offline: return "Offline (3)";
        case ResourceState::failed: return "Failed (4)";
        case ResourceState::onlinePending: return "OnlinePending (129)";
        case ResourceState::offlinePending: return "OfflinePending (130)";
        default: return fmt::format("state {}", static_cast<std::int32_t>(state));
    }
}

/** W-207: how an operation may end. */
bool mayEnd(Line::Operation operation, ResourceState state) {
    constexpr auto notOnThisNode = static_cast<ResourceState>(127);
    constexpr auto notOnAnyNode = static_cast<ResourceState>(126);
    if (state == ResourceState::failed) return true;
    if (operation == Line::Operation::offline) return state == ResourceState::offline;
    return state == ResourceState::online || state == notOnThisNode || state == notOnAnyNode;
}

/** W-905: a conversion of printf, where FormatMessage has `%1!s!`. */
std::string printfConversion(std::string_view format) {
    for (std::size_t i = 0; i + 1 < format.size(); ++i) {
        if (format[i] != '%') continue;
        const char next = format[i + 1];
        if (next == '%') {
            ++i;
        } else if (std::string_view{"sSdiuxXlhpcfgz"}.find(next) != std::string_view::npos) {
            return std::string{format.substr(i, 2)};
        }
    }
    return {};
}

std::atomic<Desk*> current{nullptr};

/** A number of this thread that no other thread gets, also when it is gone; a thread's id may be the next one's. Plain data. */
std::uint64_t thisThread() {
    static std::atomic<std::uint64_t> last{0};
    thread_local std::uint64_t own = 0;
    if (own == 0) own = ++last;
    return own;
}

std::uint64_t numberOf(abi::ResourceHandle handle) {
    return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(handle));
}

}  // namespace

// --- what the engine does -----------------------------------------------------------------------------------------------

void Line::begin(Operation operation) {
    const std::lock_guard lock{mutex_};
    ++onStack_;
    overlapping_ = phase_ == Phase::pending;
    phase_ = Phase::calling;
    operation_ = operation;
    refusing_ = std::exchange(refuseNext_, false);
    refused_ = false;
    lastCheckPoint_ = 0;
    reports_ = held_ = 0;
    lastFinalThread_ = std::exchange(finalThread_, 0);
    lastFinal_ = final_ ? final_->state : ResourceState{};
    final_.reset();
}

void Line::returned(Dword code) {
    const std::lock_guard lock{mutex_};
    --onStack_;
    if (phase_ != Phase::calling) return;
    if (code == abi::code::ioPending) {
        phase_ = final_ ? Phase::ended : Phase::pending;
        lastReport_ = Steady::now();
        changed_.notify_all();
        return;
    }
    if (held_ != 0) {
        reporter_.judge(
            "pending.outside", Judgement::failed,
            fmt::format("{} of {} returned {}, and {} status report{} had come while it ran: they are legal only "
                        "if it returns 997",
                        operation_ == Operation::online ? "Online" : "Offline", resource_, code, held_,
                        held_ == 1 ? "" : "s"));
    }
    phase_ = Phase::idle;
    finalThread_ = 0;
}

void Line::terminating() {
    const std::lock_guard lock{mutex_};
    phase_ = Phase::terminating;
}
void Line::terminated() {
    const std::lock_guard lock{mutex_};
    // A call that its thread had no time to make until now begins an operation that this Terminate never met.
    if (onStack_ <= 0) phase_ = Phase::terminated;
}
void Line::refuseNext() {
    const std::lock_guard lock{mutex_};
    refuseNext_ = true;
}
bool Line::wasRefused() const {
    const std::lock_guard lock{mutex_};
    return refused_;
}
void Line::close() {
    const std::lock_guard lock{mutex_};
    phase_ = Phase::closed;
}

std::optional<Line::Final> Line::waitForFinal(milliseconds limit, milliseconds pendingTimeout) {
    std::unique_lock lock{mutex_};
    const auto end = Steady::now() + limit;
    bool told = false;
    while (!final_) {
        const auto silent = Steady::now() - lastReport_;
        if (silent > pendingTimeout && !told) {
            told = true;
            reporter_.judge(
                "pending.heartbeat", Judgement::failed,
                fmt::format("no report for {} ms while {} was pending; the engine calls Terminate after "
                            "PendingTimeout ({} ms)",
                            duration_cast<milliseconds>(silent).count(), resource_, pendingTimeout.count()));
        }
        if (Steady::now() >= end) return std::nullopt;
        changed_.wait_for(lock, milliseconds{20});
    }
    return final_;
}

bool Line::waitForReport(milliseconds limit) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, limit, [&] { return reports_ != 0; });
}

std::size_t Line::reports() const {
    const std::lock_guard lock{mutex_};
    return reports_;
}

// --- what the library says ----------------------------------------------------------------------------------------------

void Line::judgeReport(const abi::ResourceStatus& status) {
    const bool pending = isPending(status.state);
    const auto fail = [&](std::string_view rule, const std::string& text) {
        reporter_.judge(rule, Judgement::failed, text);
    };
    const std::string what = fmt::format("{} reported {}", resource_, textOf(status.state));
    switch (phase_) {
        case Phase::terminating: return;  // it lost the race, and is told so (W-240)
        case Phase::terminated: return fail("pending.late-report", what + " after Terminate had returned");
        case Phase::closed: return fail("conduct.after-close", what + " after Close");
        case Phase::idle: return fail("pending.outside", what + " while no operation was pending");
        case Phase::ended:
            if (finalThread_ == thisThread()) return fail("pending.final", what + " after its final report");
            return fail("pending.outside", what + " after the operation had ended");
        case Phase::calling:
        case Phase::pending: break;
    }
    if (refused_) return fail("pending.after-terminate", what + " after the engine had answered Terminate");
    if (overlapping_) return;
    if (!pending) {
        if (!mayEnd(operation_, status.state)) {
            fail("pending.final-state",
                 fmt::format("{} to end {}", what, operation_ == Operation::online ? "Online" : "Offline"));
        }
        return;
    }
    const auto expected =
        operation_ == Operation::online ? ResourceState::onlinePending : ResourceState::offlinePending;
    if (status.state != expected && status.state != ResourceState::pending)
        fail("pending.final-state",
             fmt::format("{} during {}", what, operation_ == Operation::online ? "Online" : "Offline"));
    if (status.checkPoint <= lastCheckPoint_) {
        fail("pending.checkpoint", fmt::format("{} with CheckPoint {} after {}: the engine sees no progress", what,
                                               status.checkPoint, lastCheckPoint_));
    }
}

bool Line::isEcho(const abi::ResourceStatus& status) const {
    return (phase_ == Phase::calling || phase_ == Phase::pending) && lastFinalThread_ == thisThread() &&
           status.state == lastFinal_ && !isPending(status.state) && !mayEnd(operation_, status.state);
}

Dword Line::report(const abi::ResourceStatus& status) {
    const std::lock_guard lock{mutex_};
    if (isEcho(status)) {
        reporter_.judge(
            "pending.final", Judgement::failed,
            fmt::format("{} reported {} once more when the next operation had begun", resource_, textOf(status.state)));
        return static_cast<Dword>(abi::ExitState::proceed);
    }
    judgeReport(status);
    const bool open = phase_ == Phase::calling || phase_ == Phase::pending;
    auto answer = abi::ExitState::proceed;
    if (!open || (refusing_ && isPending(status.state))) answer = abi::ExitState::terminate;
    if (phase_ == Phase::ended) answer = abi::ExitState::proceed;
    reporter_.status(resource_, static_cast<std::int32_t>(status.state), status.checkPoint, static_cast<Dword>(answer));
    if (!open) return static_cast<Dword>(answer);
    ++reports_;
    if (phase_ == Phase::calling && !overlapping_) ++held_;  // W-242: over a pending Online it may be that one's
    lastReport_ = Steady::now();
    lastCheckPoint_ = std::max(lastCheckPoint_, status.checkPoint);
    if (answer == abi::ExitState::terminate) refused_ = true;
    const auto ends = operation_ == Operation::offline ? ResourceState::offline : ResourceState::online;
    if (!isPending(status.state) && (!overlapping_ || status.state == ends)) {
        final_ = Final{status.state, status.eventHandle};
        finalThread_ = thisThread();
        if (phase_ == Phase::pending) phase_ = Phase::ended;
    }
    changed_.notify_all();
    return static_cast<Dword>(answer);
}

void Line::log(Dword level, std::string_view format, std::string_view text) {
    reporter_.logged(resource_, level, text);
    if (const auto found = printfConversion(format); !found.empty()) {
        reporter_.judge("conduct.log-format", Judgement::failed,
                        fmt::format("LogEvent was called with the format \"{}\": {} is printf's", format, found));
    } else if (!resource_.empty() && format.find(resource_) != std::string_view::npos) {
        reporter_.judge(
            "conduct.log-format", Judgement::failed,
            fmt::format("LogEvent was called with the format \"{}\": the resource's name is data, and a % in it "
                        "would be read as an insert",
                        format));
    }
    const std::lock_guard lock{mutex_};
    lastWords_ = text;
    if (phase_ == Phase::closed)
        reporter_.judge("conduct.after-close", Judgement::failed, fmt::format("{} logged after Close", resource_));
}

void Line::failure() {
    const std::lock_guard lock{mutex_};
    failed_ = true;
    changed_.notify_all();
}

bool Line::failureSignalled() const {
    const std::lock_guard lock{mutex_};
    return failed_;
}

std::string Line::lastWords() const {
    const std::lock_guard lock{mutex_};
    return lastWords_;
}

// --- the desk -----------------------------------------------------------------------------------------------------------

std::uint64_t Desk::add(const std::shared_ptr<Line>& line) {
    const std::lock_guard lock{mutex_};
    const std::uint64_t handle = next_;
    next_ += 2;
    open_.emplace(handle, line);
    return handle;
}

void Desk::close(std::uint64_t handle) {
    const std::lock_guard lock{mutex_};
    const auto found = open_.find(handle);
    if (found == open_.end()) return;
    found->second->close();
    open_.erase(found);
}

std::shared_ptr<Line> Desk::find(std::uint64_t handle) {
    const std::lock_guard lock{mutex_};
    const auto found = open_.find(handle);
    return found == open_.end() ? nullptr : found->second;
}

std::shared_ptr<Line> Desk::take(const char* callback, std::uint64_t handle) {
    const std::lock_guard lock{mutex_};
    if (const auto found = open_.find(handle); found != open_.end()) return found->second;
    if (handle >= firstHandle && handle < next_ && handle % 2 == 1) {
        reporter_.judge("conduct.after-close", Judgement::failed,
                        fmt::format("{} was called with the handle of a resource that is closed", callback));
    } else {
        reporter_.judge("conduct.callback-handle", Judgement::failed,
                        fmt::format("{} was called with the handle {:#x}, which no Open was given", callback, handle));
    }
    return nullptr;
}

std::int64_t Desk::addContext() {
    const std::lock_guard lock{mutex_};
    nextContext_ += 2;
    contexts_.emplace(nextContext_, Waiting{});
    return nextContext_;
}

std::optional<Dword> Desk::waitForEnd(std::int64_t context, milliseconds limit) {
    std::unique_lock lock{mutex_};
    ended_.wait_for(lock, limit, [&] { return contexts_[context].status.has_value(); });
    contexts_[context].settled = true;
    return contexts_[context].status;
}

void Desk::settle(std::int64_t context) {
    const std::lock_guard lock{mutex_};
    auto& waiting = contexts_[context];
    if (waiting.status) {
        reporter_.judge("control.async-once", Judgement::failed,
                        "a control call called EndControlCall and returned without *ReturnedAsynchronously");
    }
    waiting.settled = true;
}

Dword Desk::end(std::int64_t context, Dword status) {
    const std::lock_guard lock{mutex_};
    const auto found = contexts_.find(context);
    if (found == contexts_.end() || found->second.status || found->second.settled) {
        reporter_.judge("control.async-once", Judgement::failed,
                        found == contexts_.end() ? "EndControlCall was called with a context that is none"
                                                 : "EndControlCall was called for a call that had ended");
        return abi::code::invalidParameter;
    }
    found->second.status = status;
    ended_.notify_all();
    return abi::code::success;
}

void Desk::use(Desk* desk) noexcept { current = desk; }

// --- the callbacks ------------------------------------------------------------------------------------------------------

namespace {

Dword takeStatus(abi::ResourceHandle handle, const abi::ResourceStatus& status) {
    Desk* const desk = current;
    const auto line = desk == nullptr ? nullptr : desk->take("SetResourceStatus", numberOf(handle));
    return line ? line->report(status) : static_cast<Dword>(abi::ExitState::terminate);
}
Dword HOLDFAST_STDCALL setStatus(abi::ResourceHandle handle, abi::ResourceStatus* status) {
    return status == nullptr ? 1 : takeStatus(handle, *status);
}
Dword HOLDFAST_STDCALL setStatusEx(abi::ResourceHandle handle, abi::ResourceStatusEx* status) {
    return status == nullptr ? 1 : takeStatus(handle, {status->state, status->checkPoint, 0, status->eventHandle});
}
void HOLDFAST_STDCALL logEvent(abi::ResourceHandle handle, Dword level, const abi::WideChar* format, ...) {
    Desk* const desk = current;
    // W-906 speaks of open resources; a line before Open, with no handle, is taken as one of the library itself.
    const auto line = desk == nullptr || handle == nullptr ? nullptr : desk->take("LogEvent", numberOf(handle));
    if (!line || format == nullptr) return;
    std::va_list arguments;
    va_start(arguments, format);
    const std::string text = monitor::formatLogLine(format, arguments);
    va_end(arguments);
    line->log(level, abi::toUtf8(format), text);
}
Dword HOLDFAST_STDCALL signalFailure(abi::ResourceHandle handle, abi::FailureType, Dword) {
    Desk* const desk = current;
    const auto line = desk == nullptr ? nullptr : desk->take("SignalFailure", numberOf(handle));
    if (!line) return abi::code::resourceNotFound;
    line->failure();
    return abi::code::success;
}
Dword HOLDFAST_STDCALL endCall(std::int64_t context, Dword status) {
    Desk* const desk = current;
    return desk == nullptr ? abi::code::invalidParameter : desk->end(context, status);
}
Dword HOLDFAST_STDCALL setLockedMode(abi::ResourceHandle, abi::Bool, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL setNodeLocal(abi::ResourceHandle, abi::Byte*, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL extendCall(std::int64_t, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL notify(const abi::WideChar*, const abi::Byte*, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL changeProcess(abi::ResourceHandle, const abi::WideChar*, Dword, abi::Bool) {
    return abi::code::notSupported;
}
Dword HOLDFAST_STDCALL changeTypeProcess(const abi::WideChar*, const abi::WideChar*, Dword, abi::Bool) {
    return abi::code::notSupported;
}
Dword HOLDFAST_STDCALL setInternal(abi::ResourceHandle, abi::ApplicationState, abi::Bool) {
    return abi::code::notSupported;
}
Dword HOLDFAST_STDCALL setLockedModeEx(abi::ResourceHandle, abi::Bool, Dword, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL requestDump(abi::ResourceHandle, abi::Bool, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL setWprPolicy(abi::ResourceHandle, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL armWatchdog(abi::ResourceHandle, std::uint64_t) { return abi::code::notSupported; }

constexpr abi::CallbackTable table{
    &logEvent,    &setStatusEx,     &setLockedMode, &signalFailure, &setNodeLocal,  &endCall,
    &endCall,     &extendCall,      &extendCall,    &notify,        &changeProcess, &changeTypeProcess,
    &setInternal, &setLockedModeEx, &requestDump,   &setWprPolicy,  &armWatchdog,
};

}  // namespace

const abi::CallbackTable& callbacks() noexcept { return table; }
abi::SetResourceStatusRoutine setResourceStatus() noexcept { return &setStatus; }

}  // namespace holdfast::inline v1::verify
