// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A resource type with its C++ types erased: what the runtime, the adapters and the tools need of `ResourceType`.

#include <holdfast/control.hpp>
#include <holdfast/core/policy.hpp>
#include <holdfast/property.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::inline v1 {

class Context;
class Resource;

/** The versions of the function table that Windows knows, with the numbers of resapi.h (W-021). */
enum class TableVersion : std::uint16_t {
    v1 = 0x100,  ///< every Windows Server
    v2 = 0x200,  ///< 2012: flags of Open, Online and Offline, Cancel, failures signalled directly
    v3 = 0x300,  ///< 2012 R2: control calls may be answered later
    v4 = 0x400,  ///< 2016: control calls on behalf of a user
};

/**
 * One resource type.
 *
 * @par Thread safety Immutable after the library's registration; every member may be called from any thread. `build` and
 *      `validate` run the author's code, so only from a worker.
 */
class AgentType {
public:
    virtual ~AgentType() = default;

    [[nodiscard]] virtual const std::string& name() const noexcept = 0;
    [[nodiscard]] virtual const std::string& description() const noexcept = 0;

    /** The author's properties in their order, then the framework's own (CheckInterval, ...). */
    [[nodiscard]] virtual const std::vector<PropertyDescription>& properties() const noexcept = 0;

    /** Checks every value against the table and the author's validators; throws `PropertyError`. */
    virtual void validate(const PropertyBag& values) const = 0;

    /**
     * Checks each value that is set against its own rule alone: nothing is required, no validator of the author runs. What
     * an administrator sets property by property passes here before the whole is complete.
     */
    virtual void validateEach(const PropertyBag& values) const { validate(values); }

    /** The type's policy with the framework's properties in `values` applied; throws `PropertyError`. */
    [[nodiscard]] virtual core::Policy policy(const PropertyBag& values) const = 0;

    /** What the engine may ask beyond properties, and the author's own control codes. */
    [[nodiscard]] virtual const ControlDeclarations& declarations() const noexcept {
        static const ControlDeclarations none;
        return none;
    }

    /** D17: the type overrides adopt(), so what it runs may outlive its host. */
    [[nodiscard]] virtual bool adopts() const noexcept { return false; }

    /** Under Pacemaker a process stays beside each resource; false if the type does without (its adopt() then finds it again). */
    [[nodiscard]] virtual bool residentHost() const noexcept { return true; }

    /**
     * The highest table offered to an engine that calls StartupEx; the engine's own range may call for a lower one (W-016).
     * D20: V2, because V3 and V4 are the least proven on real hosts.
     */
    [[nodiscard]] virtual TableVersion tableVersion() const noexcept { return TableVersion::v2; }

    /** D2: how long Online may wait for a quick success before it answers ERROR_IO_PENDING, 0 to 200 ms. */
    [[nodiscard]] virtual core::Milliseconds syncGrace() const noexcept { return core::Milliseconds{0}; }

    /** Validates, fills the author's settings and constructs the object; throws what the constructor throws. */
    [[nodiscard]] virtual std::unique_ptr<Resource> build(Context& context, const PropertyBag& values) const = 0;
};

/** The types this library registered with HOLDFAST_AGENT, in order. */
using AgentTypes = std::vector<std::shared_ptr<const AgentType>>;

}  // namespace holdfast::inline v1
