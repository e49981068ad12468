// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/error_table.hpp>
#include <holdfast/adapters/property_controls.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
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
 * Runs `answer()` and translates what it throws, whatever it is (W-105). What is no C++ exception passes: a validator that
 * ends its own thread unwinds through here, and swallowing that would abort the process.
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
    } catch (...) {
        if (!std::current_exception()) throw;
        explain(reason, "an author's function threw what is no std::exception");
        return code::resourceFailed;
    }
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

template <typename Number>
std::vector<abi::Byte> bytesOf(Number value) {
    std::vector<abi::Byte> bytes(sizeof value);
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

std::vector<abi::Byte> classInfo(const ClassInfo& info) {
    auto bytes = bytesOf(static_cast<Dword>(info.resourceClass));  // W-902
    const auto subclass = bytesOf(Dword{info.subclass});
    bytes.insert(bytes.end(), subclass.begin(), subclass.end());
    return bytes;
}

PropertyBag shown(const AgentType& type, const PropertyBag& stored, bool readOnly) {
    PropertyBag out;
    for (const auto& property : type.properties()) {
        if (property.secret || property.readOnly != readOnly) continue;
        const auto* value = stored.find(property.name);
        out.set(property.name, value ? *value : shownWhenUnset(property));
    }
    return out;
}

/** Of what is set on a type itself: no secrets, and none of the other sort. */
PropertyBag typeValues(const AgentType& type, const PropertyBag& stored, bool readOnly) {
    PropertyBag out;
    for (const auto& [name, value] : stored) {
        const auto* property = describe(type, name);
        if (property != nullptr && (property->secret || property->readOnly != readOnly)) continue;
        if (property != nullptr || !readOnly) out.set(name, value);
    }
    return out;
}

std::vector<abi::Byte> namesIn(const PropertyBag& bag) {
    Strings names;
    for (const auto& entry : bag) names.push_back(entry.first);
    return abi::writeNames(names);
}

bool complete(const AgentType& type, const PropertyBag& values) {
    const auto& properties = type.properties();
    return std::all_of(properties.begin(), properties.end(), [&](const PropertyDescription& property) {
        return !property.required || values.contains(property.name);
    });
}

/** The part of a check that stored values have no say in; `changes` gets what the list sets. Throws `PropertyError`. */
Dword checkAlone(const AgentType& type, const void* list, std::size_t size, UnknownProperties unknown,
                 std::string* reason, PropertyBag& changes) {
    const auto parsed = abi::readPropertyList(list, size, type.declarations().largestPropertyList);
    if (parsed.code != code::success) {
        explain(reason, fmt::format("malformed property list: {} (byte {})", parsed.problem, parsed.offset));
        return parsed.code;
    }
    changes = changesIn(parsed);
    for (const auto& [name, value] : changes) {
        const auto* property = describe(type, name);
        if (property == nullptr && unknown == UnknownProperties::refused) {
            explain(reason,
                    fmt::format("property \"{}\": resource type \"{}\" has no such property", name, type.name()));
            return code::invalidParameter;
        }
        if (property != nullptr && property->readOnly) {
            explain(reason, fmt::format("property \"{}\": is read-only", name));
            return code::invalidParameter;
        }
        if (property == nullptr && registryTypeOf(value.format()) == abi::RegistryType::none) {
            explain(reason, fmt::format("property \"{}\": a value of format {} cannot be stored", name,
                                        formatName(value.format())));
            return code::invalidData;
        }
    }
    type.validateEach(changes);
    return code::success;
}

Dword store(const PropertyStore& store, const PropertyBag& changes, std::string* reason) {
    // D16: who was told ERROR_TIMEOUT must not find it stored later.
    if (store.mayStore && !store.mayStore()) {
        explain(reason, "checking the properties took longer than the caller waits; nothing is stored");
        return code::timeout;
    }
    store.write(changes);
    return store.active && !changes.empty() ? code::resourcePropertiesStored : code::success;  // W-640
}

}  // namespace

Dword answerWith(std::span<const abi::Byte> answer, const ControlCall& call) noexcept {
    return abi::copyAnswer(answer, call.out, call.outSize, call.bytesReturned);
}

PropertyBag visibleProperties(const AgentType& type, const PropertyBag& stored) {
    PropertyBag visible = shown(type, stored, false);
    for (const auto& [name, value] : stored) {
        if (!describe(type, name)) visible.set(name, value);
    }
    return visible;
}

PropertyBag readOnlyProperties(const AgentType& type, const PropertyBag& stored) { return shown(type, stored, true); }

Dword checkPropertyList(const AgentType& type, const StoredValues& stored, const void* list, std::size_t size,
                        UnknownProperties unknown, std::string* reason, PropertyBag* changes) {
    PropertyBag listed;
    if (const Dword code = checkAlone(type, list, size, unknown, reason, listed); code != code::success) return code;
    auto whole = stored ? stored() : PropertyBag{};
    for (const auto& [name, value] : listed) whole.set(name, value);
    try {
        if (complete(type, whole)) type.validate(whole);
    } catch (const PropertyError& error) {
        if (listed.contains(error.property()) || !describe(type, error.property())) throw;
    }
    if (changes) *changes = std::move(listed);
    return code::success;
}

std::optional<Dword> declaredAnswer(const AgentType& type, const ControlCall& call) {
    const auto& declared = type.declarations();
    switch (call.code) {
        case control::resourceUnknown:
        case control::typeUnknown: return code::success;
        case control::resourceGetCharacteristics:
        case control::typeGetCharacteristics:
            return answerWith(bytesOf(static_cast<Dword>(declared.characteristics)), call);  // W-903
        case control::resourceGetClassInfo:
        case control::typeGetClassInfo: return answerWith(classInfo(declared.classInfo), call);
        case control::resourceGetRequiredDependencies:
        case control::typeGetRequiredDependencies:
            if (declared.dependencies.empty()) return code::invalidFunction;
            return answerWith(abi::writeDependencyList(declared.dependencies), call);
        // W-537: read-only names are among them.
        case control::resourceEnumPrivateProperties: return answerWith(abi::writeNameList(type.properties()), call);
        case control::resourceGetPrivatePropertyFormats:
        case control::typeGetPrivateResourcePropertyFormats:
        // What may be set on the type are the defaults of its resources' properties (D15), so their formats are the same.
        case control::typeGetPrivatePropertyFormats: return answerWith(abi::writeFormatList(type.properties()), call);
        case control::typeGetTraits: {
            const Dword traits = type.adopts() ? static_cast<Dword>(TypeTrait::adopts) : 0;
            return answerWith(bytesOf(traits), call);
        }
        default: return std::nullopt;
    }
}

Dword resourcePropertyControl(const AgentType& type, const PropertyStore& store, const ControlCall& call,
                              std::string* reason) {
    if (call.bytesReturned) *call.bytesReturned = 0;  // W-141
    return guarded(reason, [&]() -> Dword {
        const auto answer = [&](const PropertyBag& bag) {
            return answerWith(abi::writePropertyList(bag, abi::ListUse::answer), call);
        };
        switch (call.code) {
            case control::resourceGetReadOnlyPrivateProperties:
                return answer(readOnlyProperties(type, store.effective()));
            case control::resourceGetPrivateProperties: return answer(visibleProperties(type, store.effective()));
            case control::resourceValidatePrivateProperties:
                return checkPropertyList(type, store.effective, call.in, call.inSize, UnknownProperties::allowed,
                                         reason);
            case control::resourceSetPrivateProperties: {
                if (!store.write) return code::invalidFunction;
                PropertyBag changes;
                // W-501: everything is checked before anything is written.
                const Dword code = checkPropertyList(type, store.effective, call.in, call.inSize,
                                                     UnknownProperties::allowed, reason, &changes);
                return code == code::success ? adapters::store(store, changes, reason) : code;
            }
            default: {
                const bool ofResource = abi::control::objectOf(call.code) == abi::ControlObject::resource;
                return ofResource ? declaredAnswer(type, call).value_or(code::invalidFunction) : code::invalidFunction;
            }
        }
    });
}

Dword typePropertyControl(const AgentType& type, const PropertyStore& store, const ControlCall& call,
                          std::string* reason) {
    if (call.bytesReturned) *call.bytesReturned = 0;
    return guarded(reason, [&]() -> Dword {
        const auto answer = [&](const PropertyBag& bag) {
            return answerWith(abi::writePropertyList(bag, abi::ListUse::answer), call);
        };
        switch (call.code) {
            // W-1120: the names of the type's own properties, which are those that are set on it.
            case control::typeEnumPrivateProperties: return answerWith(namesIn(store.effective()), call);
            case control::typeGetReadOnlyPrivateProperties: return answer(typeValues(type, store.effective(), true));
            case control::typeGetPrivateProperties: return answer(typeValues(type, store.effective(), false));
            case control::typeValidatePrivateProperties:
            case control::typeSetPrivateProperties: {
                const bool set = call.code == control::typeSetPrivateProperties;
                if (set && !store.write) return code::invalidFunction;
                PropertyBag changes;
                const Dword code = checkAlone(type, call.in, call.inSize, UnknownProperties::allowed, reason, changes);
                return set && code == code::success ? adapters::store(store, changes, reason) : code;
            }
            default: {
                const bool ofType = abi::control::objectOf(call.code) == abi::ControlObject::resourceType;
                return ofType ? declaredAnswer(type, call).value_or(code::invalidFunction) : code::invalidFunction;
            }
        }
    });
}

std::optional<Dword> authorControl(const std::vector<AuthorControl>& controls, const StoredValues& stored,
                                   ControlRequest& request, const ControlCall& call, std::string* reason) {
    const auto found =
        std::find_if(controls.begin(), controls.end(), [&](const AuthorControl& one) { return one.code == call.code; });
    if (found == controls.end()) return std::nullopt;
    if (call.bytesReturned) *call.bytesReturned = 0;
    return guarded(reason, [&]() -> Dword {
        const Dword code = found->run(found->readsSettings && stored ? stored() : PropertyBag{}, request);
        if (code != code::success) return code;
        const auto& answer = request.answered();
        return answerWith({reinterpret_cast<const abi::Byte*>(answer.data()), answer.size()}, call);
    });
}

}  // namespace holdfast::inline v1::adapters
