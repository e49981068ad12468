// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/wide.hpp>
#include <holdfast/agent_type.hpp>
#include <holdfast/detail/property_table.hpp>
#include <holdfast/resource_type.hpp>

#include "property_check.hpp"

#include <algorithm>
#include <stdexcept>

namespace holdfast::inline v1::detail {
namespace {

using namespace std::chrono_literals;
using core::Milliseconds;
using core::Policy;

bool validPropertyName(std::string_view name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    // The name is also an environment variable and an XML attribute on the Pacemaker side.
    return !name.empty() && name.size() <= 64 && letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c) || c == '_'; });
}

std::string_view kindName(Kind kind) {
    switch (kind) {
        case Kind::text: return "string";
        case Kind::path: return "path";
        case Kind::boolean: return "bool";
        case Kind::integer: return "integer";
        case Kind::duration: return "duration ms";
        case Kind::enumeration: return "enum";
        case Kind::list: return "list";
        case Kind::binary: return "binary";
    }
    return "";
}

template <typename Value>
PropertyRule frameworkRule(std::string_view name, Value Policy::*member, const Policy& defaults, Value low, Value high,
                           std::string_view description) {
    auto rule = makeRule(name, member, defaults, range(low, high), description);
    rule.description.framework = true;
    return rule;
}

std::vector<PropertyRule> frameworkRules(const Policy& policy) {
    const auto time = [&](std::string_view name, Milliseconds Policy::*member, Milliseconds low, Milliseconds high,
                          std::string_view text) { return frameworkRule(name, member, policy, low, high, text); };
    const auto count = [&](std::string_view name, std::uint32_t Policy::*member, std::uint32_t low, std::uint32_t high,
                           std::string_view text) { return frameworkRule(name, member, policy, low, high, text); };
    constexpr Milliseconds day = 24h;
    return {
        time("CheckInterval", &Policy::checkInterval, 10ms, day, "Pause between health checks"),
        time("CheckTimeout", &Policy::checkTimeout, 10ms, day, "A started check older than this has timed out"),
        count("ThoroughCheckEvery", &Policy::thoroughEvery, 1, 1'000, "Each n-th check is the thorough one"),
        count("FailureTolerance", &Policy::failureTolerance, 0, 100, "Failed checks tolerated in a row"),
        count("TimeoutTolerance", &Policy::timeoutTolerance, 0, 100, "Timed-out checks tolerated in FailureWindow"),
        time("FailureWindow", &Policy::failureWindow, 0ms, day,
             "Tolerated checks older than this are forgotten; 0: never"),
        time("OnlineLimit", &Policy::onlineLimit, 100ms, 7 * day, "Longest time online may take"),
        time("OfflineLimit", &Policy::offlineLimit, 100ms, 7 * day, "Longest time offline may take"),
        time("TerminateTimeout", &Policy::terminateTimeout, 300ms, 240s, "Longest wait for terminate"),
        time("PredecessorTimeout", &Policy::predecessorTimeout, 100ms, 1h,
             "Longest wait behind an operation that hangs"),
    };
}

}  // namespace

std::string Integer::text() const { return fmt::format("{}{}", negative ? "-" : "", magnitude); }

void authorError(std::string_view subject, std::string_view what) {
    throw std::logic_error{fmt::format("\"{}\": {}", subject, what)};
}

void rethrowAsConfiguration() {
    try {
        throw;
    } catch (const PropertyError&) {
        throw;
    } catch (const Error& error) {
        throw Error{error.code() == ErrorCode::failed ? ErrorCode::configuration : error.code(), detail::textOf(error)};
    } catch (const std::exception& error) {
        throw Error{ErrorCode::configuration, detail::textOf(error)};
    }
}

void checkTypeName(std::string_view name) {
    if (name.empty() || name.size() > 255) authorError(name, "a resource type's name has 1 to 255 bytes");
    const auto bad = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7F; };
    // The name is a key of the registry (W-500).
    if (std::any_of(name.begin(), name.end(), bad)) {
        authorError(name, "a resource type's name has no backslash and no control character");
    }
    if (abi::toUtf8(abi::toWide(name)) != name) authorError(name, "a resource type's name must be UTF-8");
}

void checkSyncGrace(std::string_view type, core::Milliseconds value) {
    if (value < core::Milliseconds{0} || value > core::Milliseconds{200}) {
        authorError(type, "syncGrace is 0 to 200 ms: Online has 300 ms in all");
    }
}

void checkControl(std::string_view type, const std::vector<AuthorControl>& known, abi::ControlObject object,
                  std::uint32_t function, ControlAccess access) {
    if (function > abi::control::highestUserFunction) {
        authorError(type, fmt::format("control function {}: a user function is 0 to {}", function,
                                      abi::control::highestUserFunction));
    }
    if (static_cast<unsigned>(access) > 2) authorError(type, "the access of a control function is any, read or write");
    if (object == abi::ControlObject::resourceType &&
        (function == abi::control::traitsFunction || function == abi::control::descriptionFunction))
        authorError(type, fmt::format("control function {} of types is holdfast's own", function));
    const auto code = abi::control::user(object, function, access);
    for (const auto& other : known) {
        // The access is part of the code, but two handlers of one function are a slip of the hand.
        if ((other.code ^ code) < 4) authorError(type, fmt::format("control function {} is declared twice", function));
    }
}

void checkTypeNames(const AgentTypes& types) {
    for (std::size_t index = 0; index < types.size(); ++index) {
        for (std::size_t before = 0; before < index; ++before) {
            if (abi::equalsIgnoringCase(types[index]->name(), types[before]->name())) {
                authorError(types[index]->name(), "two resource types have this name");
            }
        }
    }
}

PropertyTable::PropertyTable() = default;
PropertyTable::PropertyTable(const PropertyTable&) = default;
PropertyTable::PropertyTable(PropertyTable&&) noexcept = default;
PropertyTable::~PropertyTable() = default;

PropertyTable::Row PropertyTable::complete(PropertyRule rule) {
    auto& description = rule.description;
    const auto& name = description.name;
    if (!validPropertyName(name)) {
        authorError(name, "a property's name starts with a letter and has 1 to 64 letters, digits and underscores");
    }
    description.kind = kindName(rule.kind);
    description.registryType = registryTypeOf(description.format);

    if (rule.lowest > rule.highest) authorError(name, "its range is empty");
    if (rule.ranged) {
        const auto* unit = rule.kind == Kind::duration ? " ms" : "";
        description.range = fmt::format("{}{} to {}{}", rule.lowest.text(), unit, rule.highest.text(), unit);
    }
    if (rule.kind == Kind::enumeration) {
        if (rule.names.empty()) authorError(name, "an enum needs names({{Enum::value, \"text\"}, ...})");
        for (const auto& entry : rule.names) {
            if (entry.text.empty()) authorError(name, "an enum's text is empty");
            for (const auto& other : description.names) {
                if (abi::equalsIgnoringCase(other, entry.text)) authorError(name, "two of its texts are the same");
            }
            description.names.push_back(entry.text);
        }
    }
    if (!rule.defaultIsExact) authorError(name, "its default is not a whole number of milliseconds");

    Row row{std::move(rule), nullptr};
    if (!row.rule.description.pattern.empty()) row.pattern = compilePattern(name, row.rule.description.pattern);
    setDefault(row.rule, row.pattern.get());
    return row;
}

void PropertyTable::add(PropertyRule rule) {
    auto row = complete(std::move(rule));
    for (const auto& other : author_) {
        if (samePropertyName(other.rule.description.name, row.rule.description.name)) {
            authorError(row.rule.description.name, "two properties have this name");
        }
    }
    author_.push_back(std::move(row));
}

void PropertyTable::finish(const std::string& typeName, const core::Policy& policy) {
    if (!framework_.empty()) authorError(typeName, "this type was finished before");
    for (auto& rule : frameworkRules(policy)) {
        framework_.push_back(complete(std::move(rule)));
        const auto& name = framework_.back().rule.description.name;
        for (const auto& row : author_) {
            if (samePropertyName(row.rule.description.name, name))
                authorError(name, "this name is one of holdfast's own properties");
        }
    }
    for (const auto* rows : {&author_, &framework_}) {
        for (const auto& row : *rows) descriptions_.push_back(row.rule.description);
    }
}

void PropertyTable::fill(void* settings, const PropertyBag& values) const {
    for (const auto& row : author_) {
        if (const auto native = checkedValue(row.rule, row.pattern.get(), values.find(row.rule.description.name))) {
            row.rule.store(settings, *native);
        }
    }
}

void PropertyTable::checkEach(const PropertyBag& values) const {
    for (const auto* rows : {&author_, &framework_}) {
        for (const auto& row : *rows) {
            const auto* value = values.find(row.rule.description.name);
            if (value) static_cast<void>(checkedValue(row.rule, row.pattern.get(), value));
        }
    }
}

void PropertyTable::fill(core::Policy& policy, const PropertyBag& values) const {
    for (const auto& row : framework_) {
        if (const auto native = checkedValue(row.rule, nullptr, values.find(row.rule.description.name))) {
            row.rule.store(&policy, *native);
        }
    }
}

}  // namespace holdfast::inline v1::detail
