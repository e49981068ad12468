// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The control codes about private properties (7.4), answered from a type's table and a resource's values.

#include <holdfast/abi/property_list.hpp>
#include <holdfast/agent_type.hpp>

#include <functional>
#include <string>

namespace holdfast::inline v1::adapters {

namespace control {
inline constexpr abi::Dword resourceUnknown = 0x01000000;
inline constexpr abi::Dword resourceEnumPrivateProperties = 0x01000079;
inline constexpr abi::Dword resourceGetReadOnlyPrivateProperties = 0x0100007D;
inline constexpr abi::Dword resourceGetPrivateProperties = 0x01000081;
inline constexpr abi::Dword resourceSetPrivateProperties = 0x01400086;
inline constexpr abi::Dword resourceValidatePrivateProperties = 0x01000089;
inline constexpr abi::Dword resourceGetPrivatePropertyFormats = 0x0100008D;
inline constexpr abi::Dword typeUnknown = 0x02000000;
inline constexpr abi::Dword typeEnumPrivateProperties = 0x02000079;
inline constexpr abi::Dword typeGetReadOnlyPrivateProperties = 0x0200007D;
inline constexpr abi::Dword typeGetPrivateProperties = 0x02000081;
inline constexpr abi::Dword typeSetPrivateProperties = 0x02400086;
inline constexpr abi::Dword typeValidatePrivateProperties = 0x02000089;
inline constexpr abi::Dword typeGetPrivatePropertyFormats = 0x0200008D;
inline constexpr abi::Dword typeGetPrivateResourcePropertyFormats = 0x02000091;
/**
 * holdfast's own, made with the arithmetic of CLUSCTL_USER_CODE (W-613): the answer is a DWORD of `TypeTrait`s. Who has never
 * heard of it answers "invalid function" (W-602).
 */
inline constexpr abi::Dword typeGetTraits = 0x02812119;
}  // namespace control

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

/** Reads the values now stored for the resource; may throw `Error`. Called only for the codes that need them. */
using StoredValues = std::function<PropertyBag()>;

/** Whether a list may set properties that the type does not describe (W-500). */
enum class UnknownProperties { allowed, refused };

/**
 * Answers a resource's code, or ERROR_INVALID_FUNCTION so that the monitor does its default (W-142, W-602). `*reason`, if
 * given, gets why a list was refused or a value could not be read; it never holds the value of a secret.
 *
 * @par Thread safety Pure but for `stored`. @par Budget `stored` is remote work and VALIDATE runs the author's validators,
 *      so only on a worker (D14, D16).
 * @par Errors Every std::exception becomes a code (W-105); anything else that a validator throws passes through to the
 *      worker, so that one which ends its own thread does not abort the process.
 */
[[nodiscard]] abi::Dword resourcePropertyControl(const AgentType& type, const StoredValues& stored,
                                                 const ControlCall& call, std::string* reason = nullptr);

/** Answers a resource type's code. The type itself has no private properties (W-1120: the resources' are not its own). */
[[nodiscard]] abi::Dword typePropertyControl(const AgentType& type, const ControlCall& call,
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

/** What GET_PRIVATE_PROPERTIES shows: stored values or defaults, and what is stored beyond the table; no secrets. */
[[nodiscard]] PropertyBag visibleProperties(const AgentType& type, const PropertyBag& stored);

}  // namespace holdfast::inline v1::adapters
