// SPDX-License-Identifier: BSL-1.0
// What the lists of private properties look like, and whether they agree: 6.2 and 6.5 of the contract.
#include "verify/property_sheet.hpp"
#include "verify/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;
namespace control = abi::control;
namespace code = abi::code;

constexpr std::array listCodes{control::resourceGetPrivateProperties, control::resourceGetReadOnlyPrivateProperties,
                               control::resourceGetPrivatePropertyFormats,
                               control::typeGetPrivateResourcePropertyFormats};  // the last of a type only

/** W-502 to W-512; the number of lists that it looked at. */
std::size_t judgeLists(Stage& stage, Addressee& whom) {
    std::size_t looked = 0;
    for (const Dword asked : listCodes) {
        if (asked == control::typeGetPrivateResourcePropertyFormats && !whom.isType()) continue;
        const auto answer = whom.ask(asked);
        if (answer.code != code::success) continue;
        ++looked;
        if (const auto problem = problemOfList(answer.out))
            stage.breaks("property.list",
                         fmt::format("{} returned {} bytes; {}", whom.call(asked), answer.out.size(), *problem));
    }
    const auto names = whom.ask(control::resourceEnumPrivateProperties);
    if (names.code != code::success) return looked;
    if (!readNameList(names.out))
        stage.breaks("property.list",
                     fmt::format("{} returned {} bytes that are no multi-string: each name has its NUL, and one NUL "
                                 "ends them (W-537)",
                                 whom.call(control::resourceEnumPrivateProperties), names.out.size()));
    return looked + 1;
}

void lists(Stage& stage) {
    stage.begin();
    std::size_t looked = 0;
    if (stage.hasTypeControl()) {
        Addressee type{stage};
        looked += judgeLists(stage, type);
    }
    if (stage.hasResourceControl()) {
        Subject subject{stage, "verify-a"};
        subject.mustOpen();
        Addressee resource{stage, subject};
        resource.setState("offline");
        looked += judgeLists(stage, resource);
        subject.mustComeOnline();
        resource.setState("online");
        looked += judgeLists(stage, resource);
        static_cast<void>(subject.takeOffline());
        subject.close();
    }
    if (looked == 0) return stage.isNotFor("property.list", "it returns no lists, see control.required");
    stage.keepsUnlessBroken("property.list");
}

// --- agreement ----------------------------------------------------------------------------------------------------------

using Formats = std::map<std::string, PropertyFormat>;

/** What one code says of names and formats, or why it says nothing. */
struct Statement {
    std::string call;
    bool given{false};
    bool malformed{false};
    Formats formats;  ///< with names as they were given
};

const PropertyFormat* find(const Formats& formats, std::string_view name) {
    for (const auto& [one, format] : formats) {
        if (samePropertyName(one, name)) return &format;
    }
    return nullptr;
}

Statement statementOf(Addressee& whom, Dword asked, bool numbers) {
    Statement statement{whom.call(asked), false, false, {}};
    const auto answer = whom.ask(asked);
    if (answer.code != code::success) return statement;
    const auto list = abi::readPropertyList(answer.out.data(), answer.out.size(), answer.out.size());
    statement.malformed = list.code != code::success;
    statement.given = !statement.malformed;
    for (const auto& property : list.properties) {
        const auto& value = property.values.front();
        if (!numbers) {
            statement.formats.emplace(property.name, value.format());
        } else if (value.format() == PropertyFormat::word) {
            statement.formats.emplace(property.name, static_cast<PropertyFormat>(*value.as<std::uint32_t>()));
        } else {
            statement.malformed = true;
        }
    }
    return statement;
}

class Agreement {
public:
    Agreement(Stage& stage, Subject& subject) : stage_{stage}, subject_{subject}, resource_{stage, subject} {}

    void judge() {
        values_ = statementOf(resource_, control::resourceGetPrivateProperties, false);
        readOnly_ = statementOf(resource_, control::resourceGetReadOnlyPrivateProperties, false);
        formats_ = statementOf(resource_, control::resourceGetPrivatePropertyFormats, true);
        const auto names = resource_.ask(control::resourceEnumPrivateProperties);
        if (names.code == code::success) names_ = readNameList(names.out);
        if (formats_.given && formats_.malformed)
            broken(formats_.call + " has a value that is no WORD: a format's number is one (W-538)");
        if (!values_.given || (!names_ && !formats_.given)) {
            return stage_.leavesOpen("property.agree",
                                     "there is nothing to compare: see control.required and "
                                     "property.list");
        }
        valuesAndNames(values_, false);
        if (readOnly_.given) valuesAndNames(readOnly_, true);
        if (names_ && formats_.given) namesAndFormats();
        if (stage_.hasTypeControl()) resourceAndType();
        for (const auto& [name, format] : values_.formats) {
            if (readOnly_.given && find(readOnly_.formats, name) != nullptr)
                broken(fmt::format("\"{}\" is among both the read-write and the read-only properties", name));
        }
        stage_.keepsUnlessBroken("property.agree");
    }

private:
    void broken(const std::string& evidence) { stage_.breaks("property.agree", evidence); }

    /** Who put in what nobody defined gets it back, and it is in no table (W-500). */
    bool isUnknown(const std::string& name) {
        const bool listed =
            (names_ && containsName(*names_, name)) || (formats_.given && find(formats_.formats, name) != nullptr);
        return !listed && stage_.stored(subject_.name()).contains(name);
    }

    void valuesAndNames(const Statement& statement, bool readOnly) {
        for (const auto& [name, format] : statement.formats) {
            if (isUnknown(name)) continue;
            // W-537: pages differ in whether read-only names belong to the names.
            if (names_ && !readOnly && !containsName(*names_, name))
                broken(fmt::format("\"{}\" is in {}, and not among the names of {}", name, statement.call,
                                   resource_.call(control::resourceEnumPrivateProperties)));
            if (!formats_.given) continue;
            const auto* const said = find(formats_.formats, name);
            if (said == nullptr) {
                if (!readOnly)
                    broken(fmt::format("\"{}\" is in {}, and not in {}", name, statement.call, formats_.call));
            } else if (*said != format) {
                broken(fmt::format("\"{}\" is of format {} in {}, and of format {} in {}", name, formatName(format),
                                   statement.call, formatName(*said), formats_.call));
            }
        }
    }

    void namesAndFormats() {
        for (const std::string& name : *names_) {
            if (find(formats_.formats, name) == nullptr)
                broken(fmt::format("\"{}\" is among the names, and not in {}", name, formats_.call));
        }
        for (const auto& [name, format] : formats_.formats) {
            const bool readOnly = readOnly_.given && find(readOnly_.formats, name) != nullptr;
            if (!readOnly && !containsName(*names_, name))
                broken(fmt::format("\"{}\" is in {}, and not among the names", name, formats_.call));
        }
    }

    void resourceAndType() {
        Addressee type{stage_};
        const auto ofType = statementOf(type, control::typeGetPrivateResourcePropertyFormats, true);
        if (!ofType.given || !formats_.given) return;
        using Both = std::pair<const Statement*, const Statement*>;
        for (const auto& [left, right] : {Both{&ofType, &formats_}, Both{&formats_, &ofType}}) {
            for (const auto& [name, format] : left->formats) {
                const auto* const other = find(right->formats, name);
                if (other == nullptr || *other != format)
                    broken(fmt::format("\"{}\" is of format {} in {}, and {} in {}", name, formatName(format),
                                       left->call, other == nullptr ? "missing" : formatName(*other), right->call));
            }
        }
    }

    Stage& stage_;
    Subject& subject_;
    Addressee resource_;
    Statement values_;
    Statement readOnly_;
    Statement formats_;
    std::optional<Strings> names_;
};

void agreement(Stage& stage) {
    stage.begin();
    if (!stage.hasResourceControl()) return stage.isNotFor("property.agree", "it has no ResourceControl (W-025)");
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    Agreement{stage, subject}.judge();
    subject.close();
}

/** W-520: refused with 87, or kept. */
void unknown(Stage& stage) {
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    PropertySheet sheet{stage, subject};
    if (sheet.ready({"property.unknown"})) {
        const std::string name = fmt::format("NobodyKnows{}", stage.random()() % 1'000'000);
        const auto list = listOf(name, PropertyValue::dword(7));
        const auto judge = [&](Dword asked, Dword answered) {
            if (!PropertySheet::wasTaken(answered) && answered != code::invalidParameter)
                stage.breaks("property.unknown", fmt::format("{} with property \"{}\" returned {}, neither 0 nor 87",
                                                             sheet.resource().call(asked), name, answered));
        };
        if (sheet.validates()) judge(PropertySheet::validateCode(), sheet.validate(list));
        const Dword answered = sheet.set(list);
        judge(PropertySheet::setCode(), answered);
        if (PropertySheet::wasTaken(answered) && !stage.stored(subject.name()).contains(name) && !sheet.shown(name))
            stage.breaks("property.unknown",
                         fmt::format("{} with property \"{}\" returned {}, and it is neither stored nor shown",
                                     sheet.resource().call(PropertySheet::setCode()), name, answered));
        stage.keepsUnlessBroken("property.unknown");
    }
    subject.close();
}

}  // namespace

void addPropertyScenarios(std::vector<Scenario>& all) {
    all.push_back({"property lists", {"property.list"}, {"cycle"}, &lists});
    all.push_back({"names, values and formats", {"property.agree"}, {"cycle"}, &agreement});
    addMalformedListScenarios(all);
    all.push_back({"unknown properties", {"property.unknown"}, {"cycle"}, &unknown});
    addPropertySetScenarios(all);
}

}  // namespace holdfast::inline v1::verify
