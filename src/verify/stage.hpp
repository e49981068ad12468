// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/call_thread.hpp"
#include "verify/desk.hpp"
#include "verify/plan.hpp"
#include "verify/process_view.hpp"
#include "verify/reporter.hpp"

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/abi/resapi.hpp>
#include <holdfast/monitor/memory_registry.hpp>
#include <holdfast/monitor/resource_keys.hpp>
#include <holdfast/os/library.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::verify {

using namespace std::chrono_literals;

/** W-100: what a call may take. */
inline constexpr std::chrono::milliseconds callBudget{300};

/** What a call came to. */
struct Answer {
    abi::Dword code{0};
    std::chrono::nanoseconds span{0};
    std::chrono::nanoseconds stalled{0};  ///< of it the machine did not run us
};

/** What a control call came to. */
struct ControlAnswer {
    abi::Dword code{0};
    abi::Dword returned{0};  ///< *BytesReturned
    bool bytesReturnedSet{false};
    bool asynchronous{false};
    std::chrono::nanoseconds span{0};
    std::vector<abi::Byte> out;  ///< as much of the buffer as *BytesReturned says, and fits
};

/** Buffers of a control call that is made exactly as said. */
struct ControlOrder {
    abi::Dword code{0};
    void* in{nullptr};
    abi::Dword inSize{0};
    void* out{nullptr};
    abi::Dword outSize{0};
};

/** Thrown by `giveUp`: the scenario cannot go on. */
struct GaveUp {};

/**
 * One scenario's surroundings: the library, loaded and started, an engine for it, and a place for what is thought of it. Makes
 * every call on a thread that may be lost, and ends the process when one hangs.
 *
 * @par Thread safety The scenario's thread; what the library calls is the desk's.
 */
class Stage {
public:
    Stage(const Plan& plan, Reporter& reporter, std::string_view scenario);
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    ~Stage() = default;
    /** Removes what the system's registry has of this process. */
    void eraseKeys();

    [[nodiscard]] const Plan& plan() const noexcept { return plan_; }
    [[nodiscard]] Reporter& reporter() noexcept { return reporter_; }
    [[nodiscard]] Desk& desk() noexcept { return desk_; }
    [[nodiscard]] std::mt19937_64& random() noexcept { return random_; }

    // --- what is thought ------------------------------------------------------------------------------------------------
    void keeps(std::string_view rule, std::string_view evidence = {}) {
        reporter_.judge(rule, Judgement::passed, evidence);
    }
    void breaks(std::string_view rule, std::string_view evidence) {
        reporter_.judge(rule, Judgement::failed, evidence);
    }
    void warns(std::string_view rule, std::string_view evidence) { reporter_.judge(rule, Judgement::warned, evidence); }
    void isNotFor(std::string_view rule, std::string_view why) { reporter_.judge(rule, Judgement::notApplicable, why); }
    void leavesOpen(std::string_view rule, std::string_view why) { reporter_.judge(rule, Judgement::notChecked, why); }
    /** Passed, unless it failed. */
    void keepsUnlessBroken(std::string_view rule) {
        if (!reporter_.failed(rule)) keeps(rule);
    }
    [[noreturn]] static void giveUp() { throw GaveUp{}; }

    /** While it lives a crash, an exception or a hang is a breach of `rule`, not of the general one. */
    class Blame {
    public:
        Blame(Stage& stage, std::string_view rule);
        Blame(const Blame&) = delete;
        Blame& operator=(const Blame&) = delete;
        ~Blame();

    private:
        Stage& stage_;
        std::string_view before_;
    };

    // --- the library ----------------------------------------------------------------------------------------------------
    /** Loads it and finds its start-up routines; false and a finding if it cannot be loaded. */
    [[nodiscard]] bool load();
    void unload();
    [[nodiscard]] bool hasStartup() const noexcept { return startup_ != nullptr; }
    [[nodiscard]] bool hasStartupEx() const noexcept { return startupEx_ != nullptr; }
    struct Started {
        abi::Dword code{0};
        abi::FunctionTable* table{nullptr};
        std::chrono::nanoseconds span{0};
    };
    /** Calls a start-up routine; `extended`: StartupEx. */
    [[nodiscard]] Started start(bool extended, std::string_view type, abi::Dword lowest, abi::Dword highest,
                                const abi::CallbackTable* table = nullptr);
    /** Loads, starts the plan's type with every version this engine knows, and takes its table; gives up if that fails. */
    void begin();
    /** Turns the plan's properties into what the library's formats say; `begin` does it. */
    void useProperties() { encodeProperties(); }
    /** Takes a table, as far as its block reaches. */
    void take(const abi::FunctionTable& table);
    [[nodiscard]] const abi::FunctionTable& table() const noexcept { return table_; }

    // --- calls ----------------------------------------------------------------------------------------------------------
    /** Calls are made on one thread, or each on one of its own (W-104). */
    void rotateThreads(bool rotate) noexcept { rotate_ = rotate; }
    /** How long calls take says nothing from here on: something else runs beside them. */
    void measure(bool measured) noexcept { measured_ = measured; }

    /** A call on its way. */
    class Running;
    using Function = std::function<abi::Dword()>;
    [[nodiscard]] std::shared_ptr<Running> start(std::string_view call, std::string_view resource,
                                                 std::string_view budget, Function function);
    /** Its answer; a call that does not return in time ends this process. */
    Answer wait(Running& running);
    Answer call(std::string_view call, std::string_view resource, std::string_view budget, Function function);

    [[nodiscard]] bool hasTypeControl() const noexcept { return table_.v1.resourceTypeControl != nullptr; }
    [[nodiscard]] bool hasResourceControl() const noexcept { return table_.v1.resourceControl != nullptr; }
    /** A control call of the type, with a buffer of `capacity` for the answer; asked again if that is too small. */
    ControlAnswer askType(abi::Dword code, const std::vector<abi::Byte>& in = {});
    ControlAnswer typeControl(const ControlOrder& order);
    /** The same for a resource. */
    ControlAnswer control(abi::ResourceId id, std::string_view resource, const ControlOrder& order);

    // --- keys -----------------------------------------------------------------------------------------------------------
    /** The key of a resource with the plan's properties below `Parameters`. */
    [[nodiscard]] abi::KeyHandle openKey(const std::string& resource);
    void closeKey(const std::string& resource);
    /** What is stored below `Parameters` now. */
    [[nodiscard]] PropertyBag stored(const std::string& resource);
    void store(const std::string& resource, const PropertyBag& changes);
    [[nodiscard]] const PropertyBag& properties() const noexcept { return properties_; }

    /** Compares what belongs to the whole process with what it was before the library came. */
    void compareProcessState();

private:
    void finishControl(ControlAnswer& answer, const ControlOrder& order, std::int64_t context,
                       const abi::Dword& returned);
    void encodeProperties();
    [[nodiscard]] static std::string pathOf(const std::string& resource) { return "Resources\\" + resource; }

    const Plan& plan_;
    Reporter& reporter_;
    Desk desk_;
    std::mt19937_64 random_;
    std::map<std::string, std::string> before_;
    std::string_view blamed_;

    os::Library library_;
    abi::StartupRoutine startup_{nullptr};
    abi::StartupExRoutine startupEx_{nullptr};
    abi::FunctionTable table_{};

    CallThread thread_;
    bool rotate_{false};
    bool measured_{true};

    monitor::MemoryRegistry registry_;
    std::unique_ptr<monitor::ResourceKeys> systemKeys_;  ///< on Windows
    std::map<std::string, monitor::MemoryRegistry::Key> keys_;
    std::map<std::string, abi::KeyHandle> systemHandles_;
    PropertyBag properties_;
};

/** The library asked something of the cluster on this thread (W-800). */
void noteClusterCall(std::string_view function);

/** Adds up how long the machine did not run this process although it wanted to run. */
[[nodiscard]] std::chrono::nanoseconds stalledSoFar() noexcept;

}  // namespace holdfast::inline v1::verify
