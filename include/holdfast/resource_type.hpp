// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The description of a resource type, and the macro that makes a library of it. Included by resource.hpp.

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/agent_type.hpp>
#include <holdfast/detail/property_members.hpp>
#include <holdfast/detail/secret_reference.hpp>
#include <holdfast/resource.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace holdfast::inline v1 {

namespace detail {

// A member whose address has the base's type is the base's. One that cannot be named (private, overloaded) is T's own.
template <typename Type>
inline constexpr bool overridesLooksAlive = !requires {
    requires std::same_as<decltype(&Type::looksAlive), Verdict (Resource::*)(Check&)>;
};
template <typename Type>
inline constexpr bool overridesRepair = !requires {
    requires std::same_as<decltype(&Type::repair), bool (Resource::*)(Check&)>;
};
template <typename Type>
inline constexpr bool overridesAdopt = !requires {
    requires std::same_as<decltype(&Type::adopt), bool (Resource::*)(Operation&)>;
};

}  // namespace detail

/**
 * One resource type: `ResourceType<Database, Settings>{"SQLite Database"}.property(...)`.
 *
 * The members of `Settings` and what `Settings{}` holds fix each property's format and default (docs/properties.md).
 *
 * @par Thread safety Build it on one thread; what `share()` returns is immutable.
 * @par Errors What only the author can have got wrong (a name twice, a default outside its own range, ...) throws
 *      std::logic_error while the type is built; Startup then reports it and answers 13.
 */
template <typename Type, typename Settings>
class ResourceType final : public AgentType {
    static_assert(std::derived_from<Type, Resource>, "holdfast: the class must derive from holdfast::Resource");
    static_assert(std::constructible_from<Type, Context&, Settings>,
                  "holdfast: the class needs a constructor (holdfast::Context&, Settings)");
    static_assert(std::default_initializable<Settings>, "holdfast: Settings{} gives the defaults, so it must exist");

public:
    explicit ResourceType(std::string_view name) : name_{name} {
        detail::checkTypeName(name);
        // Without a looksAlive() of its own a type has nothing cursory to run between thorough checks.
        if constexpr (detail::overridesLooksAlive<Type>) policy_.thoroughEvery = 3;
    }

    /** One sentence for tools and OCF metadata. */
    ResourceType& description(std::string_view text) {
        description_ = std::string{text};
        return *this;
    }

    /**
     * Adds a property that fills `member`. `traits` are any of `required`, `secret`, `expand`, `range(low, high)`,
     * `pattern("...")`, `oneOf({...})`, `names({{Enum::a, "a"}, ...})` and the description (text).
     */
    template <typename Member, typename Owner, typename... Traits>
    requires std::derived_from<Settings, Owner> ResourceType& property(std::string_view name, Member Owner::*member,
                                                                       const Traits&... traits) {
        table_.add(detail::makeRule(name, member, Settings{}, traits...));
        return *this;
    }

    /** Adds a check across properties, run after each passed its own; it throws `Error` to refuse. Runs on a worker. */
    ResourceType& validate(std::function<void(const Settings&)> check) {
        validators_.push_back(std::move(check));
        return *this;
    }

    /** Replaces every default of the framework's properties at once. */
    ResourceType& policy(const core::Policy& policy) {
        policy_ = policy;
        return *this;
    }
    ResourceType& checkInterval(core::Milliseconds value) { return with(&core::Policy::checkInterval, value); }
    ResourceType& checkTimeout(core::Milliseconds value) { return with(&core::Policy::checkTimeout, value); }
    ResourceType& thoroughCheckEvery(std::uint32_t value) { return with(&core::Policy::thoroughEvery, value); }
    ResourceType& failureTolerance(std::uint32_t value) { return with(&core::Policy::failureTolerance, value); }
    ResourceType& timeoutTolerance(std::uint32_t value) { return with(&core::Policy::timeoutTolerance, value); }
    ResourceType& failureWindow(core::Milliseconds value) { return with(&core::Policy::failureWindow, value); }
    ResourceType& onlineLimit(core::Milliseconds value) { return with(&core::Policy::onlineLimit, value); }
    ResourceType& offlineLimit(core::Milliseconds value) { return with(&core::Policy::offlineLimit, value); }
    ResourceType& terminateTimeout(core::Milliseconds value) { return with(&core::Policy::terminateTimeout, value); }
    ResourceType& predecessorTimeout(core::Milliseconds value) {
        return with(&core::Policy::predecessorTimeout, value);
    }

    /**
     * Lets a quick Online answer ERROR_SUCCESS directly: Online waits that long before it answers pending (D2). 0 (the
     * default) to 200 ms; more throws std::logic_error from share(), because 300 ms are all that an entry point has.
     */
    ResourceType& syncGrace(core::Milliseconds value) {
        syncGrace_ = value;
        return *this;
    }

    /**
     * The highest version of the function table that an engine may be given (D20). V3 and V4 let control calls, such as a
     * slow validator's, be answered after the engine's call returned.
     */
    ResourceType& tableVersion(TableVersion version) {
        tableVersion_ = version;
        return *this;
    }

    /** The finished type; this object is left empty. */
    [[nodiscard]] std::shared_ptr<const AgentType> share() {
        auto type = std::make_shared<ResourceType>(std::move(*this));
        type->policy_.repairs = detail::overridesRepair<Type>;
        detail::checkSyncGrace(type->name_, type->syncGrace_);
        type->table_.finish(type->name_, type->policy_);
        return type;
    }

    [[nodiscard]] const std::string& name() const noexcept override { return name_; }
    [[nodiscard]] const std::string& description() const noexcept override { return description_; }
    [[nodiscard]] bool adopts() const noexcept override { return detail::overridesAdopt<Type>; }
    [[nodiscard]] const std::vector<PropertyDescription>& properties() const noexcept override {
        return table_.descriptions();
    }

    [[nodiscard]] core::Milliseconds syncGrace() const noexcept override { return syncGrace_; }
    [[nodiscard]] TableVersion tableVersion() const noexcept override { return tableVersion_; }

    void validate(const PropertyBag& values) const override {
        static_cast<void>(settings(values));
        static_cast<void>(policy(values));
    }

    void validateEach(const PropertyBag& values) const override { table_.checkEach(values); }

    [[nodiscard]] core::Policy policy(const PropertyBag& values) const override {
        auto result = policy_;
        table_.fill(result, values);
        return result;
    }

    [[nodiscard]] std::unique_ptr<Resource> build(Context& context, const PropertyBag& values) const override {
        return std::make_unique<Type>(context, settings(detail::resolveSecrets(properties(), values)));
    }

    /** The author's settings as `values` make them; throws `PropertyError`, or what a validator threw. */
    [[nodiscard]] Settings settings(const PropertyBag& values) const {
        Settings result{};
        table_.fill(&result, values);
        for (const auto& check : validators_) {
            try {
                check(result);
            } catch (const std::exception&) {
                detail::rethrowAsConfiguration();
            }
        }
        return result;
    }

private:
    template <typename Value>
    ResourceType& with(Value core::Policy::*member, Value value) {
        policy_.*member = value;
        return *this;
    }

    std::string name_;
    std::string description_;
    core::Policy policy_;
    core::Milliseconds syncGrace_{0};
    TableVersion tableVersion_{TableVersion::v2};
    detail::PropertyTable table_;
    std::vector<std::function<void(const Settings&)>> validators_;
};

namespace detail {
void checkTypeNames(const AgentTypes& types);
}

/** Finishes several types; throws std::logic_error if two have one name. */
template <typename... Types>
[[nodiscard]] AgentTypes agentTypes(Types&&... types) {
    AgentTypes result{types.share()...};
    detail::checkTypeNames(result);
    return result;
}

namespace adapters {
/** What the exported Startup and StartupEx call: adapters/wsfc.hpp, which an author need not include. */
// NOLINTNEXTLINE(readability-redundant-declaration)
abi::Dword startup(const AgentTypes& (*types)(), const abi::WideChar* resourceType, abi::Dword minVersion,
                   abi::Dword maxVersion, abi::SetResourceStatusRoutine setStatus, abi::LogEventRoutine logEvent,
                   abi::FunctionTable** table) noexcept;
// NOLINTNEXTLINE(readability-redundant-declaration)
abi::Dword startupEx(const AgentTypes& (*types)(), const abi::WideChar* resourceType, abi::Dword minVersion,
                     abi::Dword maxVersion, const abi::CallbackTable* callbacks, abi::FunctionTable** table) noexcept;
}  // namespace adapters

}  // namespace holdfast::inline v1

/** The types given to HOLDFAST_AGENT; for tools and tests linked into the same library, not exported from it. */
const holdfast::AgentTypes& holdfastAgentTypes();

#if defined(_WIN32)
#define HOLDFAST_EXPORT  // the .def file names what is exported, undecorated (W-010)
#else
#define HOLDFAST_EXPORT __attribute__((visibility("default")))
#endif

/**
 * Makes the library an agent: `HOLDFAST_AGENT(type, type, ...);` once, at global scope.
 *
 * Nothing runs while the library is loaded (D8): the types are built by the first Startup or StartupEx.
 */
#define HOLDFAST_AGENT(...)                                                                                            \
    const holdfast::AgentTypes& holdfastAgentTypes() {                                                                 \
        static const holdfast::AgentTypes types = holdfast::agentTypes(__VA_ARGS__);                                   \
        return types;                                                                                                  \
    }                                                                                                                  \
    extern "C" HOLDFAST_EXPORT holdfast::abi::Dword HOLDFAST_STDCALL Startup(                                          \
        const holdfast::abi::WideChar* resourceType, holdfast::abi::Dword minVersion, holdfast::abi::Dword maxVersion, \
        holdfast::abi::SetResourceStatusRoutine setStatus, holdfast::abi::LogEventRoutine logEvent,                    \
        holdfast::abi::FunctionTable** table) {                                                                        \
        return holdfast::adapters::startup(&holdfastAgentTypes, resourceType, minVersion, maxVersion, setStatus,       \
                                           logEvent, table);                                                           \
    }                                                                                                                  \
    extern "C" HOLDFAST_EXPORT holdfast::abi::Dword HOLDFAST_STDCALL StartupEx(                                        \
        const holdfast::abi::WideChar* resourceType, holdfast::abi::Dword minVersion, holdfast::abi::Dword maxVersion, \
        const holdfast::abi::CallbackTable* callbacks, holdfast::abi::FunctionTable** table) {                         \
        return holdfast::adapters::startupEx(&holdfastAgentTypes, resourceType, minVersion, maxVersion, callbacks,     \
                                             table);                                                                   \
    }                                                                                                                  \
    static_assert(true)
