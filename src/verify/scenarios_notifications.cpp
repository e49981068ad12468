// SPDX-License-Identifier: BSL-1.0
// What the engine tells, and what a library says of itself: W-642 to W-660 of the contract.
#include "verify/addressee.hpp"
#include "verify/property_lists.hpp"
#include "verify/scenario.hpp"
#include "verify/vanishing_memory.hpp"

#include <holdfast/abi/wide.hpp>

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;
namespace control = abi::control;
namespace code = abi::code;

/** What comes with a notification: pages say nothing, samples take a name (W-651). */
enum class Comes { alone, withName, withStateChange };
struct Notice {
    Dword code;
    Comes with;
    bool mayRefuse{false};  ///< its result counts (W-642)
};

constexpr auto notices = std::to_array<Notice>({
    {control::resourceInstallNode, Comes::withName},
    {control::resourceEvictNode, Comes::withName},
    {control::resourceAddOwner, Comes::withName},
    {control::resourceRemoveOwner, Comes::withName},
    {control::resourceAddDependency, Comes::withName},
    {control::resourceRemoveDependency, Comes::withName},
    {control::resourceSetName, Comes::withName},
    {control::resourceClusterNameChanged, Comes::withName},
    {control::resourceClusterVersionChanged, Comes::alone},
    {control::resourceStateChangeReason, Comes::withStateChange},
    {control::resourceProviderStateChange, Comes::alone,
     true},  // a structure belongs to it: without one it may be refused
    {control::resourceJoiningGroup, Comes::withName, true},
    {control::resourceLeavingGroup, Comes::withName, true},
});

ListBytes wideBytes(std::string_view text) {
    const auto wide = abi::toWide(text);
    const auto* const bytes = reinterpret_cast<const abi::Byte*>(wide.c_str());
    return {bytes, bytes + (wide.size() + 1) * sizeof(abi::WideChar)};
}

ListBytes stateChange() {
    const std::array<Dword, 3> numbers{12, 1, 1};  // W-650: size, version, "the group moves"
    ListBytes bytes(sizeof numbers);
    std::memcpy(bytes.data(), numbers.data(), bytes.size());
    return bytes;
}

void tell(Stage& stage, Addressee& whom, const Notice& notice, const ListBytes& in) {
    const VanishingMemory memory{in.data(), in.size()};
    const auto answer =
        whom.control({notice.code, in.empty() ? nullptr : memory.data(), static_cast<Dword>(in.size()), nullptr, 0});
    if (answer.code == code::success || answer.code == code::invalidFunction || notice.mayRefuse) return;
    stage.breaks("control.notifications",
                 fmt::format("{} {} returned {}, neither 0 nor 1", whom.call(notice.code),
                             in.empty() ? "without a buffer" : fmt::format("with {} bytes", in.size()), answer.code));
}

void tellAll(Stage& stage, Addressee& resource, const std::string& name) {
    for (const Notice& notice : notices) {
        tell(stage, resource, notice, {});
        if (notice.with == Comes::withStateChange) tell(stage, resource, notice, stateChange());
        if (notice.with != Comes::withName) continue;
        tell(stage, resource, notice, wideBytes("verify-b"));
        if (notice.code == control::resourceSetName) tell(stage, resource, notice, wideBytes(name));
    }
}

void ofType(Stage& stage) {
    Addressee type{stage};
    for (const Dword asked :
         {control::resourceInstallNode, control::resourceEvictNode, control::resourceClusterVersionChanged,
          Dword{0x0250'0032}, control::typeStartingPhase1, control::typeStartingPhase2})
        tell(stage, type, {asked, Comes::alone}, {});
}

void notifications(Stage& stage) {
    stage.begin();
    if (!stage.hasResourceControl() && !stage.hasTypeControl())
        return stage.isNotFor("control.notifications", "it has no control functions (W-025)");
    if (stage.hasTypeControl()) {
        const Stage::Blame blame{stage, "control.notifications"};
        ofType(stage);
    }
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    const Stage::Blame blame{stage, "control.notifications"};
    if (stage.hasResourceControl()) {
        Addressee resource{stage, subject};
        resource.setState("offline");
        tellAll(stage, resource, subject.name());
        if (!subject.bringOnline("control.notifications")) stage.giveUp();
        resource.setState("online");
        const bool alive = subject.isAlive();
        tellAll(stage, resource, subject.name());
        if (alive && !subject.isAlive())
            stage.breaks("control.notifications", "IsAlive was FALSE after notifications to an online resource");
        if (!subject.takeOffline("control.notifications")) stage.giveUp();
        resource.setState("offline");
        tell(stage, resource, {control::resourceDelete, Comes::alone}, {});  // the last that it hears
    }
    subject.close();
    stage.keepsUnlessBroken("control.notifications");
}

/** W-660, W-902, W-903. */
void judgeValues(Stage& stage, Addressee& whom) {
    constexpr const char* rule = "control.value-lists";
    const auto number = [](const ControlAnswer& answer) {
        Dword value = 0;
        std::memcpy(&value, answer.out.data(), sizeof value);
        return value;
    };
    const auto sized = [&](Dword asked, std::size_t size) -> std::optional<ControlAnswer> {
        auto answer = whom.ask(asked);
        if (answer.code != code::success) return std::nullopt;
        if (answer.out.size() == size) return answer;
        stage.breaks(rule, fmt::format("{} returned {} bytes, not {}", whom.call(asked), answer.returned, size));
        return std::nullopt;
    };
    if (const auto answer = sized(control::resourceGetCharacteristics, 4)) {
        constexpr Dword known = 0x000F'FFFF;
        if ((number(*answer) & ~known) != 0)
            stage.warns(rule, fmt::format("{} has the bits {:#x}, which no header names",
                                          whom.call(control::resourceGetCharacteristics), number(*answer) & ~known));
    }
    if (const auto answer = sized(control::resourceGetClassInfo, 8)) {
        const Dword itsClass = number(*answer);
        if (itsClass > 2 && itsClass < 32'768)
            stage.breaks(rule, fmt::format("{} says class {}, which does not exist (W-902)",
                                           whom.call(control::resourceGetClassInfo), itsClass));
    }
    const auto needs = whom.ask(control::resourceGetRequiredDependencies);
    if (needs.code != code::success) return;
    if (const auto problem = problemOfDependencies(needs.out))
        stage.breaks(rule, fmt::format("{}: {}", whom.call(control::resourceGetRequiredDependencies), *problem));
}

void values(Stage& stage) {
    stage.begin();
    if (!stage.hasResourceControl() && !stage.hasTypeControl())
        return stage.isNotFor("control.value-lists", "it has no control functions (W-025)");
    if (stage.hasTypeControl()) {
        Addressee type{stage};
        judgeValues(stage, type);
    }
    if (stage.hasResourceControl()) {
        Subject subject{stage, "verify-a"};
        subject.mustOpen();
        Addressee resource{stage, subject};
        judgeValues(stage, resource);
        subject.close();
    }
    stage.keepsUnlessBroken("control.value-lists");
}

}  // namespace

void addNotificationScenarios(std::vector<Scenario>& all) {
    all.push_back({"notifications", {"control.notifications"}, {"cycle"}, &notifications});
    all.push_back({"value lists", {"control.value-lists"}, {"cycle"}, &values});
}

}  // namespace holdfast::inline v1::verify
