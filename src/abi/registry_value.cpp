// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/registry_value.hpp>
#include <holdfast/abi/wide.hpp>

#include "text_bytes.hpp"

#include <cstring>

namespace holdfast::inline v1::abi {
namespace {

template <typename Number>
RegistryValue number(RegistryType type, Number value) {
    RegistryValue out{type, std::vector<Byte>(sizeof value)};
    std::memcpy(out.data.data(), &value, sizeof value);
    return out;
}

template <typename Number>
Number read(std::span<const Byte> data) {
    Number value{};
    std::memcpy(&value, data.data(), sizeof value);
    return value;
}

Bytes copied(std::span<const Byte> data) {
    Bytes out(data.size());
    if (!data.empty()) std::memcpy(out.data(), data.data(), data.size());
    return out;
}

}  // namespace

RegistryValue toRegistry(const PropertyValue& value) {
    const auto type = value.format() == PropertyFormat::unknown ? value.foreignType() : registryTypeOf(value.format());
    return std::visit(
        [&](const auto& data) -> RegistryValue {
            using Data = std::decay_t<decltype(data)>;
            if constexpr (std::is_same_v<Data, std::monostate>) {
                return {};
            } else if constexpr (std::is_same_v<Data, std::string>) {
                return {type, textBytes(data)};
            } else if constexpr (std::is_same_v<Data, Strings>) {
                return {type, multiTextBytes(data)};
            } else if constexpr (std::is_same_v<Data, Bytes>) {
                RegistryValue out{type, std::vector<Byte>(data.size())};
                if (!data.empty()) std::memcpy(out.data.data(), data.data(), data.size());
                return out;
            } else {
                return number(type, data);
            }
        },
        value.data());
}

PropertyValue fromRegistry(RegistryType type, std::span<const Byte> data, PropertyFormat expected) {
    const bool text = type == RegistryType::sz || type == RegistryType::expandSz || type == RegistryType::multiSz;
    // Other tools may have left out the terminating NUL, or written more than one: both read the same.
    if (text && data.size() % 2 == 0) {
        const auto wide = wideOf(data);
        if (type == RegistryType::sz) return PropertyValue::sz(firstText(wide));
        if (type == RegistryType::expandSz) return PropertyValue::expandSz(firstText(wide));
        return PropertyValue::multiSz(multiText(wide));
    }
    if (type == RegistryType::dword && data.size() == 4) {
        if (expected == PropertyFormat::longInteger) return PropertyValue::longInteger(read<std::int32_t>(data));
        return PropertyValue::dword(read<std::uint32_t>(data));
    }
    if (type == RegistryType::qword && data.size() == 8) {
        if (expected == PropertyFormat::largeInteger) return PropertyValue::largeInteger(read<std::int64_t>(data));
        if (expected == PropertyFormat::fileTime) return PropertyValue::fileTime(read<std::uint64_t>(data));
        return PropertyValue::ulargeInteger(read<std::uint64_t>(data));
    }
    if (type == RegistryType::binary) {
        if (expected == PropertyFormat::securityDescriptor) return PropertyValue::securityDescriptor(copied(data));
        return PropertyValue::binary(copied(data));
    }
    return PropertyValue::foreign(type, copied(data));
}

}  // namespace holdfast::inline v1::abi
