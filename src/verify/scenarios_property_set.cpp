// SPDX-License-Identifier: BSL-1.0
// What becomes of properties that are set: 6.5 of the contract, and W-640.
#include "verify/malformed_lists.hpp"
#include "verify/property_sheet.hpp"
#include "verify/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;
namespace control = abi::control;
namespace code = abi::code;
using Change = PropertySheet::Change;

/** Whether the library's own table has it: what it does not know it may take in any format (W-500). */
std::optional<Strings> knownNames(Addressee& resource) {
    const auto answer = resource.ask(control::resourceGetPrivatePropertyFormats);
    if (answer.code == code::success) {
        const auto list = abi::readPropertyList(answer.out.data(), answer.out.size(), answer.out.size());
        Strings names;
        for (const auto& property : list.properties) names.push_back(property.name);
        if (list.code == code::success) return names;
    }
    const auto listed = resource.ask(control::resourceEnumPrivateProperties);
    if (listed.code != code::success) return std::nullopt;
    return readNameList(listed.out);
}

bool namesAPort(std::string_view name) {
    constexpr std::string_view port = "port";
    return name.size() >= port.size() && samePropertyName(name.substr(name.size() - port.size()), port);
}

class Ranges {
public:
    Ranges(Stage& stage, PropertySheet& sheet) : stage_{stage}, sheet_{sheet} {}

    void otherFormat(const std::string& name, const PropertyValue& shown) {
        const auto wrong = valueOfAnotherFormat(shown.format());
        const auto list = listOf(name, wrong);
        for (const bool set : {false, true}) {
            if (!set && !sheet_.validates()) continue;
            const Dword answered = set ? sheet_.set(list) : sheet_.validate(list);
            if (answered == code::invalidData || answered == code::invalidParameter) continue;
            broken(set, fmt::format("with \"{}\", which is of format {}, as {} returned {}, neither 13 nor 87", name,
                                    formatName(shown.format()), formatName(wrong.format()), answered));
        }
    }

    /** Where the limits are only the library knows; what it takes it has to keep. */
    void extreme(const std::string& name, const PropertyValue& shown, const PropertyValue& value, bool greatest) {
        const auto list = listOf(name, value);
        const std::string what =
            fmt::format("with the {} {} for \"{}\"", greatest ? "greatest" : "least", formatName(value.format()), name);
        // Whatever it refuses it with: an author's own check may have a code of its own.
        if (sheet_.validates() && !PropertySheet::wasTaken(sheet_.validate(list))) return;
        const Dword answered = sheet_.set(list);
        if (!PropertySheet::wasTaken(answered)) return;
        const auto now = sheet_.shown(name);
        if (now && *now != value)
            broken(true, fmt::format("{} returned {}, and another value is shown then", what, answered));
        if (greatest && namesAPort(name) && value.format() != PropertyFormat::word)
            broken(true, fmt::format("{} returned {}: there is no such port", what, answered));
        static_cast<void>(sheet_.set(listOf(name, shown)));
    }

private:
    void broken(bool set, const std::string& what) {
        const Dword asked = set ? PropertySheet::setCode() : PropertySheet::validateCode();
        stage_.breaks("property.range", fmt::format("{} {}", sheet_.resource().call(asked), what));
    }

    Stage& stage_;
    PropertySheet& sheet_;
};

void range(Stage& stage, PropertySheet& sheet) {
    const auto known = knownNames(sheet.resource());
    const auto shown = sheet.read();
    if (!known || !shown || shown->empty())
        return stage.leavesOpen("property.range", "it shows no properties whose formats it knows");
    Ranges ranges{stage, sheet};
    for (const auto& property : *shown) {
        const auto& value = property.values.front();
        if (!containsName(*known, property.name)) continue;
        ranges.otherFormat(property.name, value);
        const auto ends = extremes(value.format());
        for (std::size_t end = 0; end < ends.size(); ++end)
            ranges.extreme(property.name, value, ends[end], end + 1 == ends.size());
    }
    stage.keepsUnlessBroken("property.range");
}

void validateOnly(Stage& stage, PropertySheet& sheet) {
    constexpr const char* rule = "property.validate-only";
    if (!sheet.validates()) return stage.isNotFor(rule, "it does not handle VALIDATE_PRIVATE_PROPERTIES");
    const auto before = sheet.state();
    const auto changes = sheet.changes(4);  // it validates them
    if (sheet.state() != before) {
        const auto now = sheet.state();
        stage.breaks(rule, fmt::format("{} changed what is {}", sheet.resource().call(PropertySheet::validateCode()),
                                       now.stored != before.stored ? "stored" : "shown"));
    }
    if (changes.empty()) return stage.leavesOpen(rule, "no other value than those that it shows was found valid");
    stage.keepsUnlessBroken(rule);
}

/** Bad lists whose first property is good. */
std::vector<MalformedList> halfGood(PropertySheet& sheet, const Change& change) {
    std::vector<MalformedList> all;
    const abi::ListedProperty good{change.name, {change.after}};
    for (const auto& property : sheet.read().value_or(std::vector<abi::ListedProperty>{})) {
        if (samePropertyName(property.name, change.name)) continue;
        const abi::ListedProperty bad{property.name, {valueOfAnotherFormat(property.values.front().format())}};
        const std::array both{good, bad};
        all.push_back({fmt::format("and \"{}\" in a wrong format", property.name), abi::writePropertyList(both), {}});
        break;
    }
    auto cut = change.list();
    cut[0] = abi::Byte{2};
    all.push_back({"and a second property that is missing", cut, {}});
    auto empty = cut;
    const auto second = listOf("Second", PropertyValue::dword(1));
    empty.insert(empty.end(), second.begin() + 4, second.begin() + 28);  // its name: 8 and 14 bytes, padded
    empty.resize(empty.size() + 4);
    all.push_back({"and a second property without a value", empty, {}});
    return all;
}

void allOrNone(Stage& stage, PropertySheet& sheet) {
    constexpr const char* rule = "property.all-or-none";
    const auto changes = sheet.changes(2);
    if (changes.empty()) return stage.leavesOpen(rule, "no other value than those that it shows was found valid");
    for (const auto& change : changes) {
        for (const auto& list : halfGood(sheet, change)) {
            const auto before = sheet.state();
            const Dword answered = sheet.set(list.bytes);
            if (PropertySheet::wasTaken(answered)) {  // which is another rule's
                static_cast<void>(sheet.set(change.back()));
                continue;
            }
            const auto now = sheet.state();
            if (now == before) continue;
            stage.breaks(rule, fmt::format("{} with {} {} returned {}, and changed what is {}",
                                           sheet.resource().call(PropertySheet::setCode()), change.text(), list.defect,
                                           answered, now.stored != before.stored ? "stored" : "shown"));
            static_cast<void>(sheet.set(change.back()));
        }
    }
    stage.keepsUnlessBroken(rule);
}

void roundTrip(Stage& stage, Subject& subject, PropertySheet& sheet) {
    constexpr const char* rule = "property.round-trip";
    const auto call = sheet.resource().call(PropertySheet::setCode());
    // Each as it is shown.
    bool any = false;
    for (const auto& property : sheet.read().value_or(std::vector<abi::ListedProperty>{})) {
        const auto& value = property.values.front();
        const Dword answered = sheet.set(listOf(property.name, value));
        if (!PropertySheet::wasTaken(answered)) continue;  // what is required may be shown empty
        any = true;
        if (const auto now = sheet.shown(property.name); now != value)
            stage.breaks(rule, fmt::format("{} with \"{}\" ({}) as it was shown returned {}, and {} is shown then",
                                           call, property.name, formatName(value.format()), answered,
                                           now ? "another value" : "no value"));
    }
    for (const auto& change : sheet.changes(8)) {
        const Dword answered = sheet.set(change.list());
        if (!PropertySheet::wasTaken(answered)) {
            stage.breaks(
                rule, fmt::format("{} with {} returned {}, although VALIDATE took it", call, change.text(), answered));
            continue;
        }
        any = true;
        if (const auto now = sheet.shown(change.name); now != change.after)
            stage.breaks(rule, fmt::format("{} with {} returned {}, and {} is shown then", call, change.text(),
                                           answered, now ? "another value" : "no value"));
        if (!stage.stored(subject.name()).contains(change.name))
            stage.breaks(rule,
                         fmt::format("{} with {} returned {}, and nothing is stored", call, change.text(), answered));
        static_cast<void>(sheet.set(change.back()));
    }
    if (!any) return stage.leavesOpen(rule, "it takes none of the values that it shows");
    stage.keepsUnlessBroken(rule);
}

/** W-640. A change that is in effect at once is possible; that all of them are is not believed (W-1122). */
void storedOnly(Stage& stage, PropertySheet& sheet) {
    constexpr const char* rule = "property.stored";
    std::string claimed;
    bool stored = false;
    for (const auto& change : sheet.changes(4)) {
        if (sheet.shown(change.name) == change.after) continue;  // VALIDATE wrote it
        const Dword answered = sheet.set(change.list());
        if (answered == code::resourcePropertiesStored) stored = true;
        if (answered == code::success) claimed += (claimed.empty() ? "" : ", ") + change.text();
        if (PropertySheet::wasTaken(answered)) static_cast<void>(sheet.set(change.back()));
    }
    if (stored) return stage.keeps(rule);
    if (claimed.empty()) return stage.leavesOpen(rule, "no change was taken while it was online");
    stage.breaks(rule, fmt::format("{} with a new value of {} returned 0, not 5024",
                                   sheet.resource().call(PropertySheet::setCode()), claimed));
}

void set(Stage& stage) {
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    PropertySheet sheet{stage, subject};
    if (sheet.ready({"property.range", "property.validate-only", "property.all-or-none", "property.round-trip"})) {
        sheet.resource().setState("offline");
        validateOnly(stage, sheet);
        range(stage, sheet);
        allOrNone(stage, sheet);
        roundTrip(stage, subject, sheet);
    }
    subject.close();
}

void setOnline(Stage& stage) {
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    PropertySheet sheet{stage, subject};
    if (sheet.ready({"property.stored"})) {
        subject.mustComeOnline();
        sheet.resource().setState("online");
        storedOnly(stage, sheet);
        static_cast<void>(subject.takeOffline());
    }
    subject.close();
}

}  // namespace

void addPropertySetScenarios(std::vector<Scenario>& all) {
    all.push_back({"properties set",
                   {"property.range", "property.validate-only", "property.all-or-none", "property.round-trip"},
                   {"cycle"},
                   &set});
    all.push_back({"properties set online", {"property.stored"}, {"cycle"}, &setOnline});
}

}  // namespace holdfast::inline v1::verify
