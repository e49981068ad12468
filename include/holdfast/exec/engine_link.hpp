// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/context.hpp>
#include <holdfast/core/lifecycle_events.hpp>
#include <holdfast/property.hpp>
#include <holdfast/verdict.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::inline v1::exec {

/** One status report on its way to the engine. */
struct StatusReport {
    core::Status status{};
    std::uint32_t checkPoint{0};
    void* eventHandle{nullptr};         ///< with `Status::online`
    ErrorCode code{ErrorCode::failed};  ///< with `Status::failed`: why
    core::Job job{core::Job::online};   ///< whose end or progress this is
};

/**
 * The way from one resource to its engine. Every member may block: none is called on the strand pool, and reports and lines
 * leave one at a time in their order.
 */
class EngineLink {
public:
    EngineLink() = default;
    EngineLink(const EngineLink&) = delete;
    EngineLink& operator=(const EngineLink&) = delete;
    virtual ~EngineLink() = default;

    /** False if the engine answered "terminate" (W-206). */
    virtual bool report(const StatusReport& status) noexcept = 0;
    virtual void log(LogLevel level, std::string_view text) noexcept = 0;
    /** A run failed and its event was signalled; for engines that can be told directly, too (W-324). */
    virtual void signalFailure(ErrorCode code) noexcept { static_cast<void>(code); }
    /** The private properties as they are now (D14); throws `Error`. Called on a worker. */
    [[nodiscard]] virtual PropertyBag readProperties() = 0;
    /** The same for a control call: a value that an Online would refuse is read all the same, so that it can be mended. */
    [[nodiscard]] virtual PropertyBag readStoredProperties() { return readProperties(); }
    /**
     * Stores `changes`, all or none of them, and only what differs; an absent value is deleted. Called on a worker that
     * works for a control call, never for Open, Online, Offline, Terminate or Close (W-800). Throws `Error`.
     */
    virtual void writeProperties(const PropertyBag& changes) {
        static_cast<void>(changes);
        throw Error{ErrorCode::notInstalled, "this engine keeps no properties"};
    }
    /** What the resource `name` depends on, as it is now; throws `Error`. Called on a worker: remote work (W-800). */
    [[nodiscard]] virtual Dependencies readDependencies(const std::string& name) {
        static_cast<void>(name);
        return {};
    }
    [[nodiscard]] virtual Engine engine() const noexcept { return Engine::unknown; }
    /**
     * Before an Online that adopted nothing starts anything; `found` is what probe() said. False: it fails instead, and leaves
     * alone what it found. For engines that look after a resource whose host died and must not start it. On a worker.
     */
    [[nodiscard]] virtual bool mayStart(Presence found) noexcept {
        static_cast<void>(found);
        return true;
    }
    /** The author's `call` begins on this thread, and ends with `leaveCall`: a crash in between has a culprit. */
    virtual void enterCall(const char* call) noexcept { static_cast<void>(call); }
    virtual void leaveCall() noexcept {}
    /** For a verifier: it may block or crash here in the author's place; true: the author's `call` throws instead of running. */
    [[nodiscard]] virtual bool injectedFault(const char* call) noexcept {
        static_cast<void>(call);
        return false;
    }
    /** Something was late or hangs: now is the time to write the flight recorder out, for an engine that can. On a worker. */
    virtual void flightAlarm(const char* reason) noexcept { static_cast<void>(reason); }
};

}  // namespace holdfast::inline v1::exec
