// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/cluster_registry.hpp>
#include <holdfast/agent_type.hpp>

#include <memory>
#include <mutex>

namespace holdfast::inline v1::adapters {

/**
 * The private properties of one resource and of its type, in the cluster registry.
 *
 * @par Thread safety Any thread. All but the constructor is remote work: on a worker.
 * @par Errors Throws `Error`; without a key (an engine without a registry) reading finds nothing.
 */
class StoredProperties {
public:
    StoredProperties(abi::KeyHandle resourceKey, std::shared_ptr<const AgentType> type,
                     const abi::ClusterRegistry& registry = abi::ClusterRegistry::ofHost())
        : registry_{registry}, resourceKey_{resourceKey}, type_{std::move(type)} {}
    StoredProperties(const StoredProperties&) = delete;
    StoredProperties& operator=(const StoredProperties&) = delete;
    ~StoredProperties() = default;

    /** Opens what later calls need while ResourceKey is certainly valid (W-109). */
    void keepKeys() noexcept;
    /** What holds for the resource: its own values, then those of its type (D15). Defaults are the table's affair. */
    [[nodiscard]] PropertyBag stored() const;
    /** The same for an Online; a value of the type's that breaks its rule is refused here, where it is known whose it is. */
    [[nodiscard]] PropertyBag checked() const;
    /** Writes into the resource's "Parameters", which are made if they do not exist (W-113). */
    void write(const PropertyBag& changes);

private:
    using Key = std::shared_ptr<abi::ClusterRegistry::Key>;
    struct Read {
        PropertyBag values;
        PropertyBag ofType;  ///< those of `values` that the type has set
    };
    [[nodiscard]] Read read() const;
    [[nodiscard]] Key parameters() const;
    [[nodiscard]] Key typeKey() const;

    const abi::ClusterRegistry& registry_;
    const abi::KeyHandle resourceKey_;
    const std::shared_ptr<const AgentType> type_;
    mutable std::mutex mutex_;  // guards the two below
    Key parameters_;
    Key typeKey_;
};

/**
 * The private properties of a resource type: defaults of its resources' properties (D15).
 *
 * @par Thread safety Any thread; remote work: on a worker. @par Errors Throws `Error`.
 */
[[nodiscard]] PropertyBag readTypeProperties(const AgentType& type,
                                             const abi::ClusterRegistry& registry = abi::ClusterRegistry::ofHost());
void writeTypeProperties(const AgentType& type, const PropertyBag& changes,
                         const abi::ClusterRegistry& registry = abi::ClusterRegistry::ofHost());

/** W-802: between the two notices that the node starts the cluster API is not usable. From any thread. */
enum class StartingPhase { unknown, one, two };
void noteStarting(StartingPhase reached) noexcept;

}  // namespace holdfast::inline v1::adapters
