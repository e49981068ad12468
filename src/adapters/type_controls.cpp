// SPDX-License-Identifier: BSL-1.0

#include "type_controls.hpp"

#include "control_buffers.hpp"
#include "stored_properties.hpp"
#include "wsfc_link.hpp"

#include <holdfast/exec/entry_points.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <utility>

namespace holdfast::inline v1::adapters {
namespace {

using abi::Dword;
namespace code = abi::code;

constexpr std::chrono::milliseconds patience{250};
// Once it is written only its end tells whether it is stored.
constexpr std::chrono::milliseconds storePatience{2'000};

bool needsWorker(const AgentType& type, Dword asked) {
    switch (asked) {
        case control::typeEnumPrivateProperties:
        case control::typeGetReadOnlyPrivateProperties:
        case control::typeGetPrivateProperties:
        case control::typeSetPrivateProperties:
        case control::typeValidatePrivateProperties: return true;
        default: break;
    }
    const auto& own = type.declarations().typeControls;
    return std::any_of(own.begin(), own.end(), [&](const AuthorControl& one) { return one.code == asked; });
}

Dword answer(const AgentType& type, const ControlCall& call, const std::function<bool()>& mayStore,
             std::string* reason) {
    PropertyStore store;
    store.effective = [&type] { return readTypeProperties(type); };
    store.write = [&type](const PropertyBag& changes) { writeTypeProperties(type, changes); };
    store.mayStore = mayStore;
    store.active = exec::anyActive(type);  // W-641: 5024 for types too
    const auto* const input = static_cast<const std::byte*>(call.in);
    ControlRequest request{{}, type.name(), store.active, {input, input == nullptr ? 0 : call.inSize}};
    if (const auto own = authorControl(type.declarations().typeControls, {}, request, call, reason)) return *own;
    return typePropertyControl(type, store, call, reason);
}

class TypeControlJob final : public exec::LaneJob {
public:
    TypeControlJob(std::shared_ptr<const AgentType> type, abi::LogEventRoutine logEvent, const ControlCall& call)
        : type_{std::move(type)}, logEvent_{logEvent}, buffers_{call} {}

    void run(exec::WorkerSelf /*self*/) override {
        Dword result = code::exceptionInResourceCall;  // what stays if a handler ends its thread
        struct Done {
            TypeControlJob& job;
            Dword& result;
            ~Done() { job.finish(result); }
        } const done{*this, result};
        std::string reason;
        try {
            // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): `done` reads it
            result = answer(
                *type_, buffers_.call(), [this] { return mayStore(); }, &reason);
        } catch (const std::exception&) {  // out of memory outside of the author's function
            result = code::notEnoughMemory;
        }
        if (reason.empty()) return;
        try {
            logLine(logEvent_, nullptr, LogLevel::error, type_->name() + ": " + reason);
        } catch (const std::exception&) {  // out of memory: the line is lost
        }
    }

    void rejected() noexcept override { finish(code::noSystemResources); }

    /** Whether the answer was there in time. */
    bool wait(const ControlCall& call, Dword& result) {
        std::unique_lock lock{mutex_};
        const auto finished = [this] { return finished_; };
        if (!ended_.wait_for(lock, patience, finished)) {
            if (!storing_ || !ended_.wait_for(lock, storePatience, finished)) {
                abandoned_ = true;
                return false;
            }
        }
        result = buffers_.copyOut(call, result_);
        return true;
    }

private:
    bool mayStore() {
        const std::lock_guard lock{mutex_};
        storing_ = !abandoned_;
        return storing_;
    }
    void finish(Dword result) noexcept {
        {
            const std::lock_guard lock{mutex_};
            result_ = result;
            finished_ = true;
        }
        ended_.notify_all();
    }

    const std::shared_ptr<const AgentType> type_;
    const abi::LogEventRoutine logEvent_;
    ControlBuffers buffers_;  // the worker's until it finished
    std::mutex mutex_;        // guards all below
    std::condition_variable ended_;
    Dword result_{code::timeout};
    bool finished_{false};
    bool storing_{false};
    bool abandoned_{false};
};

}  // namespace

Dword controlType(const std::shared_ptr<const AgentType>& type, abi::LogEventRoutine logEvent,
                  const ControlCall& call) {
    if (call.bytesReturned != nullptr) *call.bytesReturned = 0;  // W-141
    if (abi::control::objectOf(call.code) != abi::ControlObject::resourceType) return code::invalidFunction;
    switch (call.code) {
        case control::typeStartingPhase1: noteStarting(StartingPhase::one); return code::success;
        case control::typeStartingPhase2: noteStarting(StartingPhase::two); return code::success;
        default: break;
    }
    if (!needsWorker(*type, call.code)) return declaredAnswer(*type, call).value_or(code::invalidFunction);
    const bool list =
        call.code == control::typeSetPrivateProperties || call.code == control::typeValidatePrivateProperties;
    if (list && call.inSize > type->declarations().largestPropertyList) return code::invalidData;  // W-513
    auto lease = exec::Runtime::acquire();
    const auto job = std::make_shared<TypeControlJob>(type, logEvent, call);
    lease->runtime().workers().submit(job);
    Dword result = code::timeout;
    // What hangs keeps the runtime, and the library whose code it is.
    if (!job->wait(call, result)) exec::keepRuntime(std::move(lease));
    return result;
}

}  // namespace holdfast::inline v1::adapters
