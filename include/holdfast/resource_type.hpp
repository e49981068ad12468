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
     * Adds a property that fills `member`. `traits` are any of `required`, `secret`, `readOnly`, `expand`,
     * `range(low, high)`, `pattern("...")`, `oneOf({...})`, `names({{Enum::a, "a"}, ...})` and the description (text).
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

    /** What class of resource this is, for others that depend on a class (W-902). */
    ResourceType& classInfo(ResourceClass resourceClass, std::uint32_t subclass = 0) {
        declarations_.classInfo = {resourceClass, subclass};
        return *this;
    }
    /** What the engine should know of the type: `Characteristic::a | Characteristic::b` (W-903). */
    ResourceType& characteristics(Characteristic value) {
        declarations_.characteristics = value;
        return *this;
    }
    /** A resource cannot come online without depending on one of that class (W-901). */
    ResourceType& requiresClass(ResourceClass resourceClass) {
        declarations_.dependencies.emplace_back(resourceClass);
        return *this;
    }
    /** A resource cannot come online without depending on one of that type, as "Network Name" (W-901). */
    ResourceType& requiresType(std::string_view typeName) {
        detail::checkTypeName(typeName);
        declarations_.dependencies.emplace_back(std::string{typeName});
        return *this;
    }
    /** The longest property list that is accepted when properties are set; 64 KiB unless told otherwise (W-513). */
    ResourceType& largestPropertyList(std::size_t bytes) {
        declarations_.largestPropertyList = bytes;
        return *this;
    }

    /**
     * Adds a control code of the author's own to the resources of this type: user function `function` (0 to 262143) with
     * the access that a caller needs (W-613). Callers send CLUSCTL_USER_CODE(function, CLUS_OBJECT_RESOURCE) | access.
     *
     * `handler` is `(ControlRequest&)` or `(const Settings&, ControlRequest&)`, then with the values stored now, and returns
     * nothing or a Win32 code.
     *
     * @par Thread safety It runs on a worker beside the resource's own members, and several calls at a time may run.
     * @par Budget The caller waits 250 ms, then it is told ERROR_TIMEOUT and what the handler answers later is dropped (D16).
     * @par Errors What it throws is logged and becomes a code: `Error` by its table, `PropertyError` 13, others 5038.
     */
    template <typename Handler>
    ResourceType& control(std::uint32_t function, ControlAccess access, Handler handler) {
        detail::checkControl(name_, declarations_.controls, abi::ControlObject::resource, function, access);
        declarations_.controls.push_back(
            authorControl(abi::ControlObject::resource, function, access, std::move(handler)));
        return *this;
    }
    /** The same for the type itself; `handler` is `(ControlRequest&)`. */
    template <typename Handler>
    ResourceType& typeControl(std::uint32_t function, ControlAccess access, Handler handler) {
        static_assert(std::invocable<Handler&, ControlRequest&>,
                      "holdfast: a type has no Settings, so its handler is (holdfast::ControlRequest&)");
        detail::checkControl(name_, declarations_.typeControls, abi::ControlObject::resourceType, function, access);
        declarations_.typeControls.push_back(
            authorControl(abi::ControlObject::resourceType, function, access, std::move(handler)));
        return *this;
    }

    /**
     * Under Pacemaker: false lets no process stay beside a resource that needs none, such as an address or a mount (L-123 does
     * not apply to it). Each monitor then builds the object anew, finds the entity by probe() and adopt() and runs one check.
     *
     * @par Errors Without an adopt() of its own share() throws std::logic_error: nothing would find the entity again.
     */
    ResourceType& residentHost(bool value) {
        residentHost_ = value;
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
        if (!type->residentHost_ && !type->adopts()) {
            throw std::logic_error{type->name_ + ": residentHost(false) needs probe() and adopt() of its own"};
        }
        type->table_.finish(type->name_, type->policy_);
        *type->self_ = type.get();
        return type;
    }

    [[nodiscard]] const std::string& name() const noexcept override { return name_; }
    [[nodiscard]] const std::string& description() const noexcept override { return description_; }
    [[nodiscard]] bool adopts() const noexcept override { return detail::overridesAdopt<Type>; }
    [[nodiscard]] bool residentHost() const noexcept override { return residentHost_; }
    [[nodiscard]] const std::vector<PropertyDescription>& properties() const noexcept override {
        return table_.descriptions();
    }

    [[nodiscard]] core::Milliseconds syncGrace() const noexcept override { return syncGrace_; }
    [[nodiscard]] const ControlDeclarations& declarations() const noexcept override { return declarations_; }
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

    template <typename Handler>
    AuthorControl authorControl(abi::ControlObject object, std::uint32_t function, ControlAccess access,
                                Handler handler) {
        constexpr bool plain = std::invocable<Handler&, ControlRequest&>;
        static_assert(plain || std::invocable<Handler&, const Settings&, ControlRequest&>,
                      "holdfast: a control handler is (holdfast::ControlRequest&) or (const Settings&, "
                      "holdfast::ControlRequest&)");
        const auto call = [](auto& which, auto&... arguments) -> std::uint32_t {
            using Result = std::invoke_result_t<decltype(which), decltype(arguments)...>;
            static_assert(std::is_void_v<Result> || std::convertible_to<Result, std::uint32_t>,
                          "holdfast: a control handler returns nothing or a Win32 code");
            if constexpr (std::is_void_v<Result>) {
                which(arguments...);
                return 0;
            } else {
                return static_cast<std::uint32_t>(which(arguments...));
            }
        };
        const abi::Dword code = abi::control::user(object, function, access);
        if constexpr (plain) {
            return {code, false, [call, handler](const PropertyBag&, ControlRequest& request) mutable {
                        return call(handler, request);
                    }};
        } else {
            // The table is complete only later, and the type may move until it is shared: no pointer to either is kept.
            return {code, true,
                    [call, handler, self = self_](const PropertyBag& values, ControlRequest& request) mutable {
                        const Settings settings = (*self)->settings(values);
                        return call(handler, settings, request);
                    }};
        }
    }

    std::string name_;
    std::string description_;
    core::Policy policy_;
    core::Milliseconds syncGrace_{0};
    TableVersion tableVersion_{TableVersion::v2};
    bool residentHost_{true};
    detail::PropertyTable table_;
    std::vector<std::function<void(const Settings&)>> validators_;
    ControlDeclarations declarations_;
    // Where the finished type is, for its handlers; set once by share(), before anything can be called.
    std::shared_ptr<const ResourceType*> self_{std::make_shared<const ResourceType*>(nullptr)};
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
