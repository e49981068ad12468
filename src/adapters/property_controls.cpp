// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/error_table.hpp>
#include <holdfast/adapters/property_controls.hpp>

#include <algorithm>
#include <cstring>
#include <new>

namespace holdfast::inline v1::adapters {
namespace {

using abi::Dword;
namespace code = abi::code;

void explain(std::string* reason, std::string text) {
    if (reason) *reason = std::move(text);
}

const PropertyDescription* describe(const AgentType& type, std::string_view name) {
    for (const auto& property : type.properties()) {
        if (samePropertyName(property.name, name)) return &property;
    }
    return nullptr;
}

/** What a code answers when something threw. A refusal of configuration is 13 by the table in 6.4. */
Dword codeOf(const Error& error) {
    return error.code() == ErrorCode::configuration ? code::invalidData : abi::win32Of(error.code());
}

/**
 * Runs `answer()` and translates what it throws. What is no std::exception passes: a validator that ends its own thread
 * unwinds through here, and a `catch (...)` or noexcept on its way would abort the process.
 */
template <typename Answer>
Dword guarded(std::string* reason, Answer&& answer) {
    try {
        return answer();
    } catch (const Error& error) {
        explain(reason, detail::textOf(error));
        return codeOf(error);
    } catch (const std::bad_alloc&) {
        return code::notEnoughMemory;
    } catch (const std::exception& error) {
        explain(reason, detail::textOf(error));
        return code::resourceFailed;
    }
}

Dword answerWith(const std::vector<abi::Byte>& answer, const ControlCall& call) {
    return abi::copyAnswer(answer, call.out, call.outSize, call.bytesReturned);
}

/** An empty value where the table has no default: a tool can then at least show the property. */
PropertyValue shownWhenUnset(const PropertyDescription& property) {
    if (!property.defaultValue.absent()) return property.defaultValue;
    switch (property.format) {
        case PropertyFormat::sz: return PropertyValue::sz({});
        case PropertyFormat::expandSz: return PropertyValue::expandSz({});
        case PropertyFormat::multiSz: return PropertyValue::multiSz({});
        case PropertyFormat::binary: return PropertyValue::binary({});
        default: return {};
    }
}

/** The listed values as a bag; one value each (W-511: a client sends one). Throws `PropertyError`. */
PropertyBag changesIn(const abi::PropertyList& list) {
    PropertyBag changes;
    for (const auto& property : list.properties) {
        if (property.values.size() != 1) {
            throw PropertyError{
                property.name, {}, fmt::format("holds {} values, must hold one", property.values.size())};
        }
        changes.set(property.name, property.values.front());
    }
    return changes;
}

bool complete(const AgentType& type, const PropertyBag& values) {
    const auto& properties = type.properties();
    return std::all_of(properties.begin(), properties.end(), [&](const PropertyDescription& property) {
        return !property.required || values.contains(property.name);
    });
}

}  // namespace

PropertyBag visibleProperties(const AgentType& type, const PropertyBag& stored) {
    PropertyBag shown;
    for (const auto& property : type.properties()) {
        if (property.secret) continue;
        const auto* value = stored.find(property.name);
        shown.set(property.name, value ? *value : shownWhenUnset(property));
    }
    for (const auto& [name, value] : stored) {
        if (!describe(type, name)) shown.set(name, value);
    }
    return shown;
}

Dword checkPropertyList(const AgentType& type, const StoredValues& stored, const void* list, std::size_t size,
                        UnknownProperties unknown, std::string* reason, PropertyBag* changes) {
    const auto parsed = abi::readPropertyList(list, size);
    if (parsed.code != code::success) {
        explain(reason, fmt::format("malformed property list: {} (byte {})", parsed.problem, parsed.offset));
        return parsed.code;
    }
    const auto listed = changesIn(parsed);
    for (const auto& [name, value] : listed) {
        if (unknown == UnknownProperties::refused && !describe(type, name)) {
            explain(reason,
                    fmt::format("property \"{}\": resource type \"{}\" has no such property", name, type.name()));
            return code::invalidParameter;
        }
    }
    type.validateEach(listed);

    auto whole = stored ? stored() : PropertyBag{};
    for (const auto& [name, value] : listed) whole.set(name, value);
    try {
        if (complete(type, whole)) type.validate(whole);
    } catch (const PropertyError& error) {
        if (listed.contains(error.property()) || !describe(type, error.property())) throw;
    }
    if (changes) *changes = listed;
    return code::success;
}

Dword resourcePropertyControl(const AgentType& type, const StoredValues& stored, const ControlCall& call,
                              std::string* reason) {
    if (call.bytesReturned) *call.bytesReturned = 0;  // W-141
    return guarded(reason, [&]() -> Dword {
        switch (call.code) {
            case control::resourceUnknown: return code::success;
            case control::resourceEnumPrivateProperties: return answerWith(abi::writeNameList(type.properties()), call);
            case control::resourceGetReadOnlyPrivateProperties: return answerWith(abi::writePropertyList({}), call);
            case control::resourceGetPrivateProperties:
                return answerWith(abi::writePropertyList(visibleProperties(type, stored()), abi::ListUse::answer),
                                  call);
            case control::resourceValidatePrivateProperties:
                return checkPropertyList(type, stored, call.in, call.inSize, UnknownProperties::allowed, reason);
            case control::resourceGetPrivatePropertyFormats:
                return answerWith(abi::writeFormatList(type.properties()), call);
            default: return code::invalidFunction;  // W-142
        }
    });
}

Dword typePropertyControl(const AgentType& type, const ControlCall& call, std::string* reason) {
    if (call.bytesReturned) *call.bytesReturned = 0;
    return guarded(reason, [&]() -> Dword {
        switch (call.code) {
            case control::typeUnknown: return code::success;
            // W-1120: the names of the type's own properties, and it has none.
            case control::typeEnumPrivateProperties: return answerWith(abi::writeNameList({}), call);
            case control::typeGetPrivateResourcePropertyFormats:
                return answerWith(abi::writeFormatList(type.properties()), call);
            case control::typeGetTraits: {
                const Dword traits = type.adopts() ? static_cast<Dword>(TypeTrait::adopts) : 0;
                std::vector<abi::Byte> answer(sizeof traits);
                std::memcpy(answer.data(), &traits, sizeof traits);
                return answerWith(answer, call);
            }
            default: return code::invalidFunction;
        }
    });
}

}  // namespace holdfast::inline v1::adapters
