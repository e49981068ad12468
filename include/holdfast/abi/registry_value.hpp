// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A property value as the cluster registry keeps it.

#include <holdfast/property.hpp>

#include <span>
#include <vector>

namespace holdfast::inline v1::abi {

struct RegistryValue {
    RegistryType type{RegistryType::none};
    std::vector<Byte> data;
};

/** Strings become UTF-16 with their NUL; an absent value has type `none`. */
[[nodiscard]] RegistryValue toRegistry(const PropertyValue& value);

/**
 * What a registry type and its bytes mean. `expected` settles only what the type leaves open (DWORD or LONG, unsigned or
 * signed 64 bits, bytes or security descriptor). What fits no format comes back as `PropertyValue::foreign` (W-539).
 */
[[nodiscard]] PropertyValue fromRegistry(RegistryType type, std::span<const Byte> data, PropertyFormat expected);

}  // namespace holdfast::inline v1::abi
