// SPDX-License-Identifier: BSL-1.0
// Lists that are not as they must be: 6.4 of the contract.
#include "verify/malformed_lists.hpp"
#include "verify/property_sheet.hpp"
#include "verify/scenario.hpp"
#include "verify/vanishing_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;
namespace control = abi::control;
namespace code = abi::code;

constexpr std::array setCodes{control::resourceValidatePrivateProperties, control::resourceSetPrivateProperties};
constexpr std::size_t mostProperties = 3;
/** A multiple of every system's page: what has this size begins where nobody may touch the byte before. */
constexpr std::size_t wholePages = 65'536;

std::vector<abi::ListedProperty> settable(PropertySheet& sheet) {
    auto all = sheet.settable();
    if (all.size() > mostProperties) all.resize(mostProperties);
    return all;
}

/** The same list where reading behind it, and then where reading before it, ends this process. */
void sendGuarded(Addressee& whom, Dword asked, const ListBytes& list) {
    {
        const VanishingMemory behind{list.data(), list.size()};
        static_cast<void>(whom.control({asked, behind.data(), static_cast<Dword>(list.size()), nullptr, 0}));
    }
    if (list.size() > wholePages) return;
    const VanishingMemory before{wholePages};
    std::memset(before.data(), 0xCC, wholePages);
    if (!list.empty()) std::memcpy(before.data(), list.data(), list.size());
    static_cast<void>(whom.control({asked, before.data(), static_cast<Dword>(list.size()), nullptr, 0}));
}

void readPast(Stage& stage) {
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    PropertySheet sheet{stage, subject};
    if (!sheet.ready({"property.read-past"})) return subject.close();
    std::vector<ListBytes> inputs{ListBytes(4)};
    const auto add = [&](const abi::ListedProperty& property) {
        const auto list = listOf(property.name, property.values.front());
        inputs.push_back(list);
        for (auto& row : malformedLists(property)) {
            if (!row.noBuffer) inputs.push_back(std::move(row.bytes));
        }
        for (auto& longer : longerLists(property)) inputs.push_back(std::move(longer));
        for (int turn = 0; turn < 48; ++turn) inputs.push_back(mutated(list, stage.random()));
    };
    const auto properties = settable(sheet);
    for (const auto& property : properties) add(property);
    // What it has never heard of is read, too.
    if (properties.empty()) add({"NobodyKnows", {PropertyValue::dword(7)}});
    {
        const Stage::Blame blame{stage, "property.read-past"};
        for (const Dword asked : setCodes) {
            for (const auto& input : inputs) sendGuarded(sheet.resource(), asked, input);
        }
        if (stage.hasTypeControl()) {
            Addressee type{stage};
            for (const auto& input : inputs) sendGuarded(type, control::typeValidatePrivateProperties, input);
        }
    }
    subject.close();
    stage.keepsUnlessBroken("property.read-past");
}

class MalformedRows {
public:
    MalformedRows(Stage& stage, PropertySheet& sheet) : stage_{stage}, sheet_{sheet} {}

    void judge(Dword asked, const abi::ListedProperty& property) {
        for (const auto& row : malformedLists(property)) judgeRow(asked, row);
        const auto list = listOf(property.name, property.values.front());
        unaligned(asked, list, property.name);
        for (const auto& longer : longerLists(property)) {
            const Dword answered = send(asked, longer);
            if (!PropertySheet::wasTaken(answered))
                stage_.warns(
                    "property.malformed",
                    fmt::format("{} with a list of {} bytes in a buffer of {} returned {}: what follows the last "
                                "property is to be ignored (W-503)",
                                sheet_.resource().call(asked), list.size(), longer.size(), answered));
        }
    }
    /** W-520: people do not set what is read-only. */
    void judgeReadOnly(Dword asked) {
        const auto answer = sheet_.resource().ask(control::resourceGetReadOnlyPrivateProperties);
        if (answer.code != code::success) return;
        for (const auto& property : abi::readPropertyList(answer.out.data(), answer.out.size()).properties) {
            const auto& value = property.values.front();
            judgeRow(asked, {fmt::format("the read-only property \"{}\"", property.name),
                             listOf(property.name, value),
                             {code::invalidData, code::invalidParameter}});
        }
    }

private:
    Dword send(Dword asked, const ListBytes& list) {
        ListBytes bytes = list;
        bytes.resize(list.size() + 64);  // whoever reads behind the end finds an end
        return sheet_.resource().control({asked, bytes.data(), static_cast<Dword>(list.size()), nullptr, 0}).code;
    }

    void judgeRow(Dword asked, const MalformedList& row) {
        const Dword answered =
            row.noBuffer ? sheet_.resource().control({asked, nullptr, 0, nullptr, 0}).code : send(asked, row.bytes);
        if (std::find(row.codes.begin(), row.codes.end(), answered) != row.codes.end()) return;
        std::string wanted;
        for (const Dword one : row.codes) wanted += fmt::format("{}{}", wanted.empty() ? "" : " or ", one);
        stage_.breaks("property.malformed", fmt::format("{} with {} returned {}, not {}", sheet_.resource().call(asked),
                                                        row.defect, answered, wanted));
    }

    /** W-508: whoever sends lists need not align them. */
    void unaligned(Dword asked, const ListBytes& list, const std::string& name) {
        for (std::size_t shift = 1; shift < 4; ++shift) {
            ListBytes memory(list.size() + shift);
            std::copy(list.begin(), list.end(), memory.begin() + static_cast<std::ptrdiff_t>(shift));
            const Dword answered =
                sheet_.resource()
                    .control({asked, memory.data() + shift, static_cast<Dword>(list.size()), nullptr, 0})
                    .code;
            if (!PropertySheet::wasTaken(answered))
                stage_.breaks(
                    "property.malformed",
                    fmt::format("{} with property \"{}\" at an address {} behind one that is aligned returned {}; "
                                "aligned it is taken (W-508)",
                                sheet_.resource().call(asked), name, shift, answered));
        }
    }

    Stage& stage_;
    PropertySheet& sheet_;
};

void malformed(Stage& stage) {
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    PropertySheet sheet{stage, subject};
    if (!sheet.ready({"property.malformed"})) return subject.close();
    const auto properties = settable(sheet);
    const Stage::Blame blame{stage, "property.malformed"};
    MalformedRows rows{stage, sheet};
    for (const Dword asked : setCodes) {
        if (asked == PropertySheet::validateCode() && !sheet.validates()) continue;
        for (const auto& property : properties) rows.judge(asked, property);
        rows.judgeReadOnly(asked);
    }
    subject.close();
    if (properties.empty() && !stage.reporter().failed("property.malformed")) {
        return stage.leavesOpen("property.malformed",
                                "it takes none of the values that it shows: there is no good list to make bad ones of");
    }
    stage.keepsUnlessBroken("property.malformed");
}

}  // namespace

void addMalformedListScenarios(std::vector<Scenario>& all) {
    all.push_back({"lists at the end of memory", {"property.read-past"}, {"cycle"}, &readPast});
    // Whoever does not heed the size has one fault, not two.
    all.push_back({"malformed lists", {"property.malformed"}, {"cycle", "lists at the end of memory"}, &malformed});
}

}  // namespace holdfast::inline v1::verify
