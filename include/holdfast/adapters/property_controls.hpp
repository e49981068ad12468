// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The control codes that a type's table and stored values answer (7.4), for resources and for types.

#include <holdfast/abi/control_codes.hpp>
#include <holdfast/abi/property_list.hpp>
#include <holdfast/agent_type.hpp>

#include <functional>
#include <optional>
#include <string>

namespace holdfast::inline v1::adapters {

namespace control = abi::control;

enum class TypeTrait : abi::Dword {
    adopts = 1,  ///< what it runs may outlive its host (D17)
};

/** One control call. Buffers may be null; `bytesReturned` too. */
struct ControlCall {
    abi::Dword code;
    const void* in;
    abi::Dword inSize;
    void* out;
    abi::Dword outSize;
    abi::Dword* bytesReturned;
};

/** Reads stored values; may throw `Error`. Called only for the codes that need them. */
using StoredValues = std::function<PropertyBag()>;

/**
 * Where the values of a resource or of a type are. Members may throw `Error`; all but `effective` may be empty.
 */
struct PropertyStore {
    StoredValues effective;                         ///< what an Online would read: own values and the type's (D15)
    std::function<void(const PropertyBag&)> write;  ///< all or nothing; empty: ERROR_INVALID_FUNCTION
    std::function<bool()> mayStore;                 ///< the last question before `write`: does the caller wait (D16)?
    bool active{false};                             ///< online or pending: stored, but not in effect (W-640)
};

/** Whether a list may set properties that the type does not describe (W-500). */
enum class UnknownProperties { allowed, refused };

/** Copies what a worker, or the engine's own thread, made: as `abi::copyAnswer`. */
[[nodiscard]] abi::Dword answerWith(std::span<const abi::Byte> answer, const ControlCall& call) noexcept;

/**
 * Answers what the type's own table holds, the same for each of its resources: names, formats, class, characteristics,
 * required dependencies. Nothing for any other code.
 *
 * @par Thread safety Pure. @par Budget Microseconds: no registry, nothing of the author's runs.
 */
[[nodiscard]] std::optional<abi::Dword> declaredAnswer(const AgentType& type, const ControlCall& call);

/**
 * Answers a resource's code, or ERROR_INVALID_FUNCTION so that the monitor does its default (W-142, W-602). `*reason`, if
 * given, gets why a list was refused or a value could not be read; it never holds the value of a secret.
 *
 * @par Thread safety Pure but for `store`. @par Budget `store` is remote work and VALIDATE and SET run the author's
 *      validators, so only on a worker (D14, D16).
 * @par Errors Whatever is thrown becomes a code (W-105); only the unwinding of a thread that a validator ends passes through
 *      to the worker, because to stop it would abort the process.
 */
[[nodiscard]] abi::Dword resourcePropertyControl(const AgentType& type, const PropertyStore& store,
                                                 const ControlCall& call, std::string* reason = nullptr);

/**
 * Answers a resource type's code. The private properties of a type are what is set on it as defaults of its resources
 * (D15): those are listed, not all that its resources have (W-1120). `store.effective` reads them.
 *
 * @par Errors As above.
 */
[[nodiscard]] abi::Dword typePropertyControl(const AgentType& type, const PropertyStore& store, const ControlCall& call,
                                             std::string* reason = nullptr);

/**
 * Checks a list as VALIDATE and SET do: 0, 13, 87 or 122 (6.4). Each listed value is checked alone; then the whole, with
 * what is stored, as far as it is complete. A value that is wrong in the store and not in the list is no reason to refuse
 * the list: or two wrong ones could never be mended. `changes`, if given, gets what the list sets.
 *
 * @par Errors A refused value throws `PropertyError`, a validator's refusal `Error`: code 13.
 */
[[nodiscard]] abi::Dword checkPropertyList(const AgentType& type, const StoredValues& stored, const void* list,
                                           std::size_t size, UnknownProperties unknown = UnknownProperties::allowed,
                                           std::string* reason = nullptr, PropertyBag* changes = nullptr);

/**
 * What GET_PRIVATE_PROPERTIES shows: stored values or defaults, and what is stored beyond the table; no secrets, and no
 * read-only property: those are GET_RO_PRIVATE_PROPERTIES' (`readOnlyProperties`).
 */
[[nodiscard]] PropertyBag visibleProperties(const AgentType& type, const PropertyBag& stored);
[[nodiscard]] PropertyBag readOnlyProperties(const AgentType& type, const PropertyBag& stored);

/** What the author's handler of `call.code` answers; nothing if the author declared no such code. On a worker only. */
[[nodiscard]] std::optional<abi::Dword> authorControl(const std::vector<AuthorControl>& controls,
                                                      const StoredValues& stored, ControlRequest& request,
                                                      const ControlCall& call, std::string* reason = nullptr);

}  // namespace holdfast::inline v1::adapters
