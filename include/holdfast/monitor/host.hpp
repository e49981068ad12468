// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/abi/resapi.hpp>
#include <holdfast/core/monitor_events.hpp>
#include <holdfast/dependencies.hpp>
#include <holdfast/property.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::monitor {

/** A resource within one monitor. */
enum class ResourceNumber : std::uint32_t {};

/** Numbers what a monitor stored for one resource, from 1 on; 0: nothing yet. */
using StoreNumber = std::uint32_t;

/** Calls into an agent library, numbered as RHS numbers them (2.11); `startup` has no number there. */
enum class EntryPoint : std::uint8_t {
    startup = 0,
    open = 1,
    close = 2,
    online = 3,
    offline = 4,
    terminate = 5,
    resourceControl = 8,
    resourceTypeControl = 9,
    looksAlive = 10,
    isAlive = 11,
};
[[nodiscard]] std::string_view nameOf(EntryPoint entryPoint) noexcept;
/** The time an entry point should take (W-100, W-135). */
[[nodiscard]] std::chrono::milliseconds budgetOf(EntryPoint entryPoint) noexcept;

/** The key of a resource type in the registry, and its private properties below (W-500). */
[[nodiscard]] std::string typeKeyPath(std::string_view type);
[[nodiscard]] std::string typeParametersPath(std::string_view type);

/** What a host must know of a resource. */
struct HostedResource {
    std::string name;
    std::string type;
    std::filesystem::path library;
    std::string registryPath;  ///< of the resource's key; private properties are under its `Parameters`
    std::string group;         ///< resources of one group share a host; empty: those of one library do
    bool separate{false};      ///< SeparateMonitor: a host of its own (W-400)
    std::uint32_t rank{0};     ///< 0 depends on nothing; n depends on something of rank n - 1
};

/** One call to make. */
struct CallOrder {
    ResourceNumber resource{};
    EntryPoint entryPoint{};
    core::Generation generation{0};
    abi::Dword controlCode{0};
    std::vector<abi::Byte> input;
    std::size_t outputCapacity{0};
};

/** What came of it. */
struct CallResult {
    ResourceNumber resource{};
    EntryPoint entryPoint{};
    core::Generation generation{0};
    abi::Dword controlCode{0};
    abi::Dword code{0};              ///< Win32 code; the BOOL of a check; 0 or the last error of Open
    bool hasEvent{false};            ///< Online left a handle
    bool called{false};              ///< agent code ran: not if a type was started already, or has no such function
    bool threw{false};               ///< an exception escaped, or the thread was ended (W-105)
    std::string problem;             ///< of startup: what is wrong with the library, in words
    std::vector<std::string> notes;  ///< of startup: what is odd but accepted
    std::vector<abi::Byte> output;
    std::size_t outputNeeded{0};  ///< BytesReturned
    std::uint64_t thread{0};
    std::chrono::steady_clock::time_point start;
    std::chrono::nanoseconds span{0};
};

/** A SetResourceStatus call. */
struct ReportedStatus {
    core::StatusReport report;
    abi::Dword waitHint{0};
};

/** The end of a host, as one of its resources sees it. */
struct HostDeath {
    bool culprit{false};  ///< this resource's code ended it, or may have: it gets a host of its own (W-402)
    std::string text;     ///< how it ended, and who was at work
};

/**
 * What a host tells its monitor.
 *
 * @par Thread safety Called from any thread of the host, several at once. No member throws or waits.
 */
class HostListener {
public:
    virtual ~HostListener() = default;
    virtual void callReturned(CallResult result) noexcept = 0;
    /** Decides what the agent is told (W-206); calls `answer` once, on any thread, unless `ended`. */
    virtual void statusReported(ResourceNumber resource, const ReportedStatus& status,
                                std::function<void(abi::ExitState)> answer) noexcept = 0;
    virtual void logged(ResourceNumber resource, abi::Dword level, std::string text) noexcept = 0;
    virtual void eventSignalled(ResourceNumber resource, core::Generation watch) noexcept = 0;
    /** SignalFailure (W-324): the agent says itself that its resource failed; `code` is its own error code. */
    virtual void failureSignalled(ResourceNumber resource, abi::FailureType type, abi::Dword code) noexcept {
        static_cast<void>(resource);
        static_cast<void>(type);
        static_cast<void>(code);
    }
    /** A callback that named no open resource (W-117). */
    virtual void strayCallback(std::string_view callback, std::uint64_t handle) noexcept = 0;
    // NOLINTBEGIN(performance-unnecessary-value-param): who overrides one keeps what it is given
    /**
     * Private properties of the resource are not what was stored, as far as they are listed; absent: gone. The agent wrote
     * them, when the host had stored what has the number `after`. Seen when a call returns, or a status is reported: said
     * before that.
     */
    virtual void propertiesChanged(ResourceNumber /*resource*/, PropertyBag /*changes*/,
                                   StoreNumber /*after*/) noexcept {}
    /** The resource's host runs, or runs anew, as this process. */
    virtual void hostStarted(ResourceNumber /*resource*/, std::int64_t /*process*/) noexcept {}
    /** The resource's host is gone, with every call in it. No call may be ordered until `hostReady`. */
    virtual void hostDied(ResourceNumber /*resource*/, HostDeath /*death*/) noexcept {}
    /** Nothing of the dead host is left: the next call starts a new one (S39, D17). */
    virtual void hostReady(ResourceNumber /*resource*/) noexcept {}
    /** W-443: a host was killed and does not die; only the end of the node helps. */
    virtual void hostUnkillable(std::string /*text*/) noexcept {}
    /** Something about a host itself that people should know. */
    virtual void hostSays(abi::Dword /*level*/, std::string /*text*/) noexcept {}
    /** Something of the resource was late or hangs, says its library: what is recorded should be written out. */
    virtual void flightAlarm(ResourceNumber /*resource*/, std::string /*reason*/) noexcept {}
    // NOLINTEND(performance-unnecessary-value-param)
    /** Nobody answers any more. */
    [[nodiscard]] virtual bool ended() const noexcept { return false; }
};

/**
 * Where agents live: loads a library and its type, and makes the calls the monitor orders.
 *
 * The monitor orders at most one call per resource plus Terminate (W-101, W-102); a host adds what it must know of the
 * rest: Startup, Open, Close and type control one at a time per type.
 *
 * @par Thread safety Every member from any thread; none blocks on an agent.
 */
class Host {
public:
    virtual ~Host() = default;
    virtual void add(ResourceNumber resource, const HostedResource& description) = 0;
    /** It is closed, or given up, and is never called again. */
    virtual void remove(ResourceNumber resource) { static_cast<void>(resource); }
    virtual void call(CallOrder order) = 0;
    /** Private properties were stored or, where absent, deleted: the agent reads them at its next Online (D14). */
    virtual void storeProperties(ResourceNumber resource, const PropertyBag& changes, StoreNumber number) = 0;
    /** Whether agents write to keys of their own, and not to those of the monitor's registry. */
    [[nodiscard]] virtual bool hasOwnKeys() const noexcept = 0;
    /** The same for the resource's type (D15), in the host of this resource. */
    virtual void storeTypeProperties(ResourceNumber resource, const PropertyBag& changes) {
        static_cast<void>(resource);
        static_cast<void>(changes);  // a host over the monitor's own registry has them already
    }
    /** What the resource depends on, with the values as they are now: said before each Online. */
    virtual void storeDependencies(ResourceNumber resource, const std::vector<holdfast::Dependency>& dependencies) = 0;
    /** Wait for the event handle the last run left; `HostListener::eventSignalled` once. */
    virtual void watch(ResourceNumber resource, core::Generation generation) = 0;
    virtual void unwatch(ResourceNumber resource) = 0;
    /** The resource is Dead: its process must end (W-440). In process this cannot be enforced; its library stays loaded. */
    virtual void condemn(ResourceNumber resource) = 0;
    /** From its next load on the resource has a host of its own (W-402). */
    virtual void isolate(ResourceNumber resource) { static_cast<void>(resource); }
    /** Kills whatever runs. Waits, 3 s at most, until that order is given and what is being recorded about it is written. */
    virtual void abandon() {}
    /** Whether agents live in processes that can be killed and replaced. */
    [[nodiscard]] virtual bool isolates() const noexcept { return false; }
    /** Calls that have not returned, each as `resource: entry point`. */
    [[nodiscard]] virtual std::vector<std::string> running() const = 0;
};

}  // namespace holdfast::inline v1::monitor
