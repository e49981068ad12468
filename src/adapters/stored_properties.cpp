// SPDX-License-Identifier: BSL-1.0

#include "stored_properties.hpp"

#include "exec/immortal.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

namespace holdfast::inline v1::adapters {
namespace {

constexpr std::string_view parametersKey = "Parameters";

/** Per library: RHS tells every type that it hosts, and one that was not told yet has the same cluster. */
std::atomic<StartingPhase>& phase() noexcept { return exec::immortal<std::atomic<StartingPhase>>(); }

/** The type's key, on Windows by remote calls; nothing if the host has no types. */
std::optional<abi::ClusterRegistry::Key> openType(const AgentType& type, const abi::ClusterRegistry& registry) {
    if (!registry.typeKeysAreLocal() && phase().load(std::memory_order_acquire) == StartingPhase::one) {
        throw Error::make(
            ErrorCode::busy,  // W-802
            "the private properties of resource type \"{}\" cannot be read: the node is starting, and the "
            "cluster has not said yet that it can be asked (STARTING_PHASE2)",
            type.name());
    }
    return registry.openType(type.name());
}

bool everythingIsSet(const AgentType& type, const PropertyBag& values) {
    const auto& properties = type.properties();
    return std::all_of(properties.begin(), properties.end(),
                       [&](const PropertyDescription& property) { return values.contains(property.name); });
}

}  // namespace

void StoredProperties::keepKeys() noexcept {
    if (resourceKey_ == nullptr) return;
    try {
        auto parameters = registry_.openForWriting(resourceKey_, parametersKey);
        Key kept = parameters ? std::make_shared<abi::ClusterRegistry::Key>(std::move(*parameters)) : nullptr;
        // W-800, W-802: where the type's key is remote, it is asked for by the worker that needs it.
        auto ofType = registry_.typeKeysAreLocal() ? registry_.openType(type_->name(), resourceKey_) : std::nullopt;
        Key keptType = ofType ? std::make_shared<abi::ClusterRegistry::Key>(std::move(*ofType)) : nullptr;
        const std::lock_guard lock{mutex_};
        parameters_ = std::move(kept);
        typeKey_ = std::move(keptType);
    } catch (const std::exception&) {  // the next Online tries again and says what is wrong
    }
}

StoredProperties::Key StoredProperties::parameters() const {
    const std::lock_guard lock{mutex_};
    return parameters_;
}

StoredProperties::Key StoredProperties::typeKey() const {
    {
        const std::lock_guard lock{mutex_};
        if (typeKey_) return typeKey_;
    }
    auto opened = openType(*type_, registry_);
    return opened ? std::make_shared<abi::ClusterRegistry::Key>(std::move(*opened)) : nullptr;
}

StoredProperties::Read StoredProperties::read() const {
    Read read;
    if (resourceKey_ == nullptr) return read;  // an engine without a registry: the defaults hold
    const Key kept = parameters();
    read.values = kept ? registry_.readParameters(kept->get(), *type_)
                       : registry_.readBag(resourceKey_, *type_);  // W-113: there was no such key at Open
    if (everythingIsSet(*type_, read.values)) return read;
    const Key key = typeKey();
    if (!key) return read;
    const PropertyBag set = registry_.readBag(key->get(), *type_);
    for (const auto& property : type_->properties()) {
        const auto* value = set.find(property.name);
        if (value != nullptr && !read.values.contains(property.name)) read.ofType.set(property.name, *value);
    }
    for (const auto& [name, value] : read.ofType) read.values.set(name, value);
    return read;
}

PropertyBag StoredProperties::stored() const { return read().values; }

PropertyBag StoredProperties::checked() const {
    Read found = read();
    try {
        type_->validateEach(found.ofType);
    } catch (const PropertyError& error) {
        throw PropertyError{error.property(), error.value(),
                            fmt::format("{} (set on resource type \"{}\")", error.rule(), type_->name())};
    }
    return std::move(found.values);
}

void StoredProperties::write(const PropertyBag& changes) {
    if (resourceKey_ == nullptr) throw Error{ErrorCode::notInstalled, "the engine gave no key to keep properties in"};
    Key key = parameters();
    if (!key) {
        key = std::make_shared<abi::ClusterRegistry::Key>(registry_.create(resourceKey_, parametersKey));
        const std::lock_guard lock{mutex_};
        if (!parameters_) parameters_ = key;
    }
    registry_.write(key->get(), changes);
}

PropertyBag readTypeProperties(const AgentType& type, const abi::ClusterRegistry& registry) {
    const auto key = openType(type, registry);
    return key ? registry.readBag(key->get(), type) : PropertyBag{};
}

void writeTypeProperties(const AgentType& type, const PropertyBag& changes, const abi::ClusterRegistry& registry) {
    const auto key = openType(type, registry);
    if (!key) throw Error::make(ErrorCode::notInstalled, "the cluster knows no resource type \"{}\"", type.name());
    const auto parameters = registry.create(key->get(), parametersKey);
    registry.write(parameters.get(), changes);
}

void noteStarting(StartingPhase reached) noexcept { phase().store(reached, std::memory_order_release); }

}  // namespace holdfast::inline v1::adapters
