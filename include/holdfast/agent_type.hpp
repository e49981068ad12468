// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A resource type with its C++ types erased: what the runtime, the adapters and the tools need of `ResourceType`.

#include <holdfast/control.hpp>
#include <holdfast/core/policy.hpp>
#include <holdfast/property.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::inline v1 {

class Context;
class Resource;

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

    /** D2: how long Online may wait for a quick success before it answers ERROR_IO_PENDING, 0 to 200 ms. */
    [[nodiscard]] virtual core::Milliseconds syncGrace() const noexcept { return core::Milliseconds{0}; }

    /** Validates, fills the author's settings and constructs the object; throws what the constructor throws. */
    [[nodiscard]] virtual std::unique_ptr<Resource> build(Context& context, const PropertyBag& values) const = 0;
};

/** The types this library registered with HOLDFAST_AGENT, in order. */
using AgentTypes = std::vector<std::shared_ptr<const AgentType>>;

}  // namespace holdfast::inline v1
