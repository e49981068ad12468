// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Control codes: how they are composed (7.1), the ones that holdfast answers, and the names of those a library may see.

#include <holdfast/abi/resapi.hpp>

#include <span>
#include <string_view>

namespace holdfast::inline v1::abi {

/** What a code is about: bits 24 to 31 (W-612). */
enum class ControlObject : Byte {
    resource = 1,
    resourceType = 2,
    group = 3,
    node = 4,
    network = 5,
    netInterface = 6,
    cluster = 7,
    groupSet = 8,
    affinityRule = 9,
    user = 128,
};

/** What a caller must be allowed to: bits 0 and 1. */
enum class ControlAccess : Byte { any = 0, read = 1, write = 2 };

namespace control {

inline constexpr Dword internalBit = 1U << 20U;
inline constexpr Dword userBit = 1U << 21U;  ///< by mask; the macro of the header puts it two bits higher (W-613)
inline constexpr Dword modifyBit = 1U << 22U;
inline constexpr Dword globalBit = 1U << 23U;

/** The code of a function that applications may send (W-601). */
[[nodiscard]] constexpr Dword external(ControlObject object, Dword function, ControlAccess access,
                                       bool modify = false) noexcept {
    return static_cast<Dword>(object) << 24U | (modify ? modifyBit : 0) | function << 2U | static_cast<Dword>(access);
}
/** The code of a function that only the Cluster service sends (W-603). */
[[nodiscard]] constexpr Dword internal(ControlObject object, Dword function, ControlAccess access,
                                       bool modify = false) noexcept {
    return external(object, function, access, modify) | internalBit;
}
/** CLUSCTL_USER_CODE with the access added, which the macro leaves out (W-613). `function` below 2^18. */
[[nodiscard]] constexpr Dword user(ControlObject object, Dword function, ControlAccess access) noexcept {
    return static_cast<Dword>(object) << 24U | (userBit + function) << 2U | static_cast<Dword>(access);
}
/** The largest function number that leaves the bits above alone. */
inline constexpr Dword highestUserFunction = (1U << 18U) - 1;

/** As the header's extraction macros (W-604): the function keeps access, internal and user bits. */
[[nodiscard]] constexpr Dword functionField(Dword code) noexcept { return code & 0x003F'FFFFU; }
[[nodiscard]] constexpr ControlAccess accessOf(Dword code) noexcept { return static_cast<ControlAccess>(code & 3U); }
[[nodiscard]] constexpr ControlObject objectOf(Dword code) noexcept { return static_cast<ControlObject>(code >> 24U); }

inline constexpr Dword resourceUnknown = external(ControlObject::resource, 0, ControlAccess::any);
inline constexpr Dword resourceGetCharacteristics = external(ControlObject::resource, 1, ControlAccess::read);
inline constexpr Dword resourceGetClassInfo = external(ControlObject::resource, 3, ControlAccess::read);
inline constexpr Dword resourceGetRequiredDependencies = external(ControlObject::resource, 4, ControlAccess::read);
inline constexpr Dword resourceEnumPrivateProperties = external(ControlObject::resource, 30, ControlAccess::read);
inline constexpr Dword resourceGetReadOnlyPrivateProperties =
    external(ControlObject::resource, 31, ControlAccess::read);
inline constexpr Dword resourceGetPrivateProperties = external(ControlObject::resource, 32, ControlAccess::read);
inline constexpr Dword resourceSetPrivateProperties = external(ControlObject::resource, 33, ControlAccess::write, true);
inline constexpr Dword resourceValidatePrivateProperties = external(ControlObject::resource, 34, ControlAccess::read);
inline constexpr Dword resourceGetPrivatePropertyFormats = external(ControlObject::resource, 35, ControlAccess::read);

inline constexpr Dword resourceDelete = internal(ControlObject::resource, 1, ControlAccess::write, true);
inline constexpr Dword resourceInstallNode = internal(ControlObject::resource, 2, ControlAccess::write, true);
inline constexpr Dword resourceEvictNode = internal(ControlObject::resource, 3, ControlAccess::write, true);
inline constexpr Dword resourceAddDependency = internal(ControlObject::resource, 4, ControlAccess::write, true);
inline constexpr Dword resourceRemoveDependency = internal(ControlObject::resource, 5, ControlAccess::write, true);
inline constexpr Dword resourceAddOwner = internal(ControlObject::resource, 6, ControlAccess::write, true);
inline constexpr Dword resourceRemoveOwner = internal(ControlObject::resource, 7, ControlAccess::write, true);
inline constexpr Dword resourceSetName = internal(ControlObject::resource, 9, ControlAccess::write, true);
inline constexpr Dword resourceClusterNameChanged = internal(ControlObject::resource, 10, ControlAccess::write, true);
inline constexpr Dword resourceClusterVersionChanged =
    internal(ControlObject::resource, 11, ControlAccess::write, true);
inline constexpr Dword resourceStateChangeReason = internal(ControlObject::resource, 19, ControlAccess::write, true);
inline constexpr Dword resourceProviderStateChange = internal(ControlObject::resource, 20, ControlAccess::write, true);
inline constexpr Dword resourceLeavingGroup = internal(ControlObject::resource, 21, ControlAccess::write, true);
inline constexpr Dword resourceJoiningGroup = internal(ControlObject::resource, 22, ControlAccess::write, true);

inline constexpr Dword typeUnknown = external(ControlObject::resourceType, 0, ControlAccess::any);
inline constexpr Dword typeGetCharacteristics = external(ControlObject::resourceType, 1, ControlAccess::read);
inline constexpr Dword typeGetClassInfo = external(ControlObject::resourceType, 3, ControlAccess::read);
inline constexpr Dword typeGetRequiredDependencies = external(ControlObject::resourceType, 4, ControlAccess::read);
inline constexpr Dword typeEnumPrivateProperties = external(ControlObject::resourceType, 30, ControlAccess::read);
inline constexpr Dword typeGetReadOnlyPrivateProperties =
    external(ControlObject::resourceType, 31, ControlAccess::read);
inline constexpr Dword typeGetPrivateProperties = external(ControlObject::resourceType, 32, ControlAccess::read);
inline constexpr Dword typeSetPrivateProperties = external(ControlObject::resourceType, 33, ControlAccess::write, true);
inline constexpr Dword typeValidatePrivateProperties = external(ControlObject::resourceType, 34, ControlAccess::read);
inline constexpr Dword typeGetPrivatePropertyFormats = external(ControlObject::resourceType, 35, ControlAccess::read);
inline constexpr Dword typeGetPrivateResourcePropertyFormats =
    external(ControlObject::resourceType, 36, ControlAccess::read);
inline constexpr Dword typeStartingPhase1 = internal(ControlObject::resourceType, 13, ControlAccess::write, true);
inline constexpr Dword typeStartingPhase2 = internal(ControlObject::resourceType, 14, ControlAccess::write, true);

/** The user function of resource types that is holdfast's own: an author cannot have it. */
inline constexpr Dword traitsFunction = 0x4846;
/** The answer is a DWORD of `TypeTrait`s. Who has never heard of it answers "invalid function" (W-602). */
inline constexpr Dword typeGetTraits = user(ControlObject::resourceType, traitsFunction, ControlAccess::read);
/** Holdfast's own, too. */
inline constexpr Dword descriptionFunction = 0x4847;
/** UTF-8 JSON without a terminating NUL, see docs/describe.md; asked of the table that Startup gives for a whole library. */
inline constexpr Dword typeGetDescription = user(ControlObject::resourceType, descriptionFunction, ControlAccess::read);

}  // namespace control

/** A code and its name without CLUSCTL_RESOURCE_ or CLUSCTL_RESOURCE_TYPE_. */
struct ControlName {
    Dword code;
    std::string_view name;
};
/** Every code of 7.2 and 7.3, in the order of its value within resources, then types. */
[[nodiscard]] std::span<const ControlName> controlNames() noexcept;
/** The name of a code, or empty. */
[[nodiscard]] std::string_view controlName(Dword code) noexcept;

/**
 * Whether a code may be a user code: bit 23 is set and the rest is no known global code (W-613). What the author declared
 * is matched by its whole value, so this is for tools that show codes.
 */
[[nodiscard]] bool isUserControl(Dword code) noexcept;

}  // namespace holdfast::inline v1::abi
