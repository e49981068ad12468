// SPDX-License-Identifier: BSL-1.0
// Which control codes are answered, and with what: 7.2 to 7.4 of the contract.
#include "verify/addressee.hpp"
#include "verify/property_lists.hpp"
#include "verify/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;
namespace control = abi::control;
namespace code = abi::code;

const std::vector<abi::Byte> emptyList(4);
constexpr const char* noResourceControl = "it has no ResourceControl: the engine's defaults apply (W-025)";
constexpr const char* noTypeControl = "it has no ResourceTypeControl: the engine's defaults apply (W-025)";

constexpr std::array neededAnswers{control::resourceEnumPrivateProperties,
                                   control::resourceGetReadOnlyPrivateProperties, control::resourceGetPrivateProperties,
                                   control::resourceGetPrivatePropertyFormats};
constexpr std::array setCodes{control::resourceValidatePrivateProperties, control::resourceSetPrivateProperties};

/** W-620, in one state of the resource. */
void judgeRequired(Stage& stage, Addressee& resource) {
    if (const auto answer = resource.ask(control::resourceUnknown); answer.code != code::success)
        stage.breaks("control.required",
                     fmt::format("{} returned {}, not 0", resource.call(control::resourceUnknown), answer.code));
    for (const Dword asked : neededAnswers) {
        const auto answer = resource.ask(asked);
        if (answer.code != code::success)
            stage.breaks("control.required", fmt::format("{} returned {}, not 0", resource.call(asked), answer.code));
    }
    // W-640: what is not handled is not validated. An empty list changes nothing.
    for (const Dword asked : setCodes) {
        if (resource.send(asked, emptyList).code == code::invalidFunction)
            stage.breaks("control.validated", fmt::format("{} returned 1: {}", resource.call(asked),
                                                          asked == control::resourceSetPrivateProperties
                                                              ? "the engine stores what it got, unread"
                                                              : "the engine checks formats only"));
    }
}

void required(Stage& stage) {
    stage.begin();
    if (!stage.hasResourceControl()) {
        stage.isNotFor("control.required", noResourceControl);
        stage.isNotFor("control.bytes-returned", noResourceControl);
        stage.warns("control.validated", "it has no ResourceControl: the engine stores private properties unvalidated");
        return;
    }
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    Addressee resource{stage, subject};
    resource.setState("offline");
    judgeRequired(stage, resource);  // W-143
    subject.mustComeOnline();
    resource.setState("online");
    judgeRequired(stage, resource);
    static_cast<void>(subject.takeOffline());
    subject.close();
    for (const auto* const rule : {"control.required", "control.validated", "control.bytes-returned"})
        stage.keepsUnlessBroken(rule);
}

/**
 * W-621. Some of the codes are a promise of all; none at all is what many libraries do, and engines must live with it (W-622):
 * a warning.
 */
void typeRequired(Stage& stage, Addressee& type) {
    std::vector<Dword> missing;
    std::string others;
    const auto look = [&](Dword asked, Dword answered) {
        if (answered == code::invalidFunction) missing.push_back(asked);
    };
    const Dword unknown = type.ask(control::typeUnknown).code;
    std::size_t asked = 0;
    for (const Dword one : {control::typeEnumPrivateProperties, control::typeGetPrivateProperties,
                            control::typeGetPrivateResourcePropertyFormats}) {
        const Dword answered = type.ask(one).code;
        look(one, answered);
        ++asked;
        if (answered != code::success && answered != code::invalidFunction)
            stage.breaks("control.type-required", fmt::format("{} returned {}, not 0", type.call(one), answered));
    }
    for (const Dword one : {control::typeValidatePrivateProperties, control::typeSetPrivateProperties}) {
        look(one, type.send(one, emptyList).code);
        ++asked;
    }
    const bool none = missing.size() == asked;
    if (none && unknown == code::invalidFunction) {
        stage.warns("control.type-required",
                    "every code of the type is answered with 1: tools cannot know the formats of its properties");
        return;
    }
    if (unknown != code::success)
        stage.breaks("control.type-required", fmt::format("{} returned {}, although other codes of the type are "
                                                          "answered",
                                                          type.call(control::typeUnknown), unknown));
    for (const Dword one : missing) stage.breaks("control.type-required", fmt::format("{} returned 1", type.call(one)));
    stage.keepsUnlessBroken("control.type-required");
}

/** W-1120. That both levels have the same names is no mistake by itself: a type's values may be its resources' defaults. */
void typeEnum(Stage& stage, Addressee& type) {
    const auto listed = type.ask(control::typeEnumPrivateProperties);
    if (listed.code == code::invalidFunction)
        return stage.isNotFor("control.type-enum", "the type does not list private properties");
    if (listed.code != code::success)
        return stage.leavesOpen("control.type-enum", "the type's list failed, see control.type-required");
    const auto names = readNameList(listed.out);
    if (!names) return stage.leavesOpen("control.type-enum", "the type's list is malformed, see property.list");
    Strings known;
    bool answers = false;
    for (const Dword asked : {control::typeGetPrivateProperties, control::typeGetReadOnlyPrivateProperties}) {
        const auto values = type.ask(asked);
        if (values.code != code::success) continue;
        answers = true;
        for (const auto& property : abi::readPropertyList(values.out.data(), values.out.size()).properties)
            known.push_back(property.name);
    }
    // One name alone may be a secret's.
    const bool any =
        std::any_of(names->begin(), names->end(), [&](const std::string& name) { return containsName(known, name); });
    if (names->empty() || any) return stage.keeps("control.type-enum");
    stage.breaks("control.type-enum",
                 fmt::format("{} lists {} name(s), \"{}\" first, and {}", type.call(control::typeEnumPrivateProperties),
                             names->size(), names->front(),
                             answers ? "the type's GET_PRIVATE_PROPERTIES has none of them"
                                     : "the type does not answer GET_PRIVATE_PROPERTIES: they are its resources'"));
}

void ofType(Stage& stage) {
    stage.begin();
    if (!stage.hasTypeControl()) {
        stage.isNotFor("control.type-required", noTypeControl);
        stage.isNotFor("control.type-enum", noTypeControl);
        return;
    }
    Addressee type{stage};
    typeRequired(stage, type);
    typeEnum(stage, type);
}

/** A code that no header has and no author can: not of the user's range (W-613). */
Dword strangeCode(Stage& stage, abi::ControlObject object) {
    for (;;) {
        const auto function = static_cast<Dword>(0x3000U + stage.random()() % 0x3000U);
        const auto access = static_cast<abi::ControlAccess>(stage.random()() % 3);
        const Dword made = control::external(object, function, access, stage.random()() % 2 != 0);
        if (abi::controlName(made).empty()) return made;
    }
}

void wantOne(Stage& stage, Addressee& whom, std::string_view rule, Dword asked, const std::vector<abi::Byte>& in = {}) {
    const auto answer = whom.ask(asked, in);
    if (answer.code != code::invalidFunction)
        stage.breaks(rule, fmt::format("{} returned {}, not 1", whom.call(asked), answer.code));
}

void judgeUnknown(Stage& stage, Addressee& whom) {
    const Stage::Blame blame{stage, "control.unknown-code"};
    const auto object = whom.isType() ? abi::ControlObject::resourceType : abi::ControlObject::resource;
    for (int turn = 0; turn < 16; ++turn) {
        const Dword asked = strangeCode(stage, object);
        wantOne(stage, whom, "control.unknown-code", asked);
        wantOne(stage, whom, "control.unknown-code", asked, emptyList);
    }
    // W-604: the whole value counts, also the object.
    for (const Dword asked : {0x0300'0081U, 0x0400'0079U, 0x0700'0000U, 0xFFFF'FFFFU})
        wantOne(stage, whom, "control.unknown-code", asked);
}

void judgeCommon(Stage& stage, Addressee& whom) {
    const Stage::Blame blame{stage, "control.common"};
    for (const Dword asked : {0x0100'0051U, 0x0100'0055U, 0x0100'0059U, 0x0100'0065U})
        wantOne(stage, whom, "control.common", asked);
    for (const Dword asked : {0x0100'0061U, 0x0140'005EU}) wantOne(stage, whom, "control.common", asked, emptyList);
    if (whom.isType()) wantOne(stage, whom, "control.common", 0x0200'0069U);
}

/** W-652; class 1 is storage, whose codes these are. */
void judgeMaintenance(Stage& stage, Addressee& resource) {
    const auto info = resource.ask(control::resourceGetClassInfo);
    if (info.code == code::success && info.out.size() >= 4 && info.out[0] == abi::Byte{1})
        return stage.isNotFor("control.maintenance", "its class is storage");
    const Stage::Blame blame{stage, "control.maintenance"};
    wantOne(stage, resource, "control.maintenance", 0x0100'01E1);
    wantOne(stage, resource, "control.maintenance", 0x0140'01E6, std::vector<abi::Byte>(4));
    stage.keepsUnlessBroken("control.maintenance");
}

void strange(Stage& stage) {
    stage.begin();
    if (!stage.hasResourceControl() && !stage.hasTypeControl()) {
        for (const auto* const rule : {"control.unknown-code", "control.common", "control.maintenance"})
            stage.isNotFor(rule, "it has no control functions: the engine's defaults apply (W-025)");
        return;
    }
    if (stage.hasTypeControl()) {
        Addressee type{stage};
        judgeUnknown(stage, type);
        judgeCommon(stage, type);
    }
    if (!stage.hasResourceControl()) {
        stage.isNotFor("control.maintenance", noResourceControl);
    } else {
        Subject subject{stage, "verify-a"};
        subject.mustOpen();
        Addressee resource{stage, subject};
        for (const bool online : {false, true}) {
            if (online) subject.mustComeOnline();
            resource.setState(online ? "online" : "offline");
            judgeUnknown(stage, resource);
            judgeCommon(stage, resource);
            judgeMaintenance(stage, resource);
        }
        static_cast<void>(subject.takeOffline());
        subject.close();
    }
    stage.keepsUnlessBroken("control.unknown-code");
    stage.keepsUnlessBroken("control.common");
}

}  // namespace

void addControlScenarios(std::vector<Scenario>& all) {
    all.push_back(
        {"control codes", {"control.required", "control.validated", "control.bytes-returned"}, {"cycle"}, &required});
    all.push_back({"control codes of the type", {"control.type-required", "control.type-enum"}, {"cycle"}, &ofType});
    all.push_back({"strange control codes",
                   {"control.unknown-code", "control.common", "control.maintenance"},
                   {"cycle"},
                   &strange});
    addControlBufferScenarios(all);
    addNotificationScenarios(all);
}

}  // namespace holdfast::inline v1::verify
