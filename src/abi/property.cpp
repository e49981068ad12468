// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/wide.hpp>
#include <holdfast/property.hpp>

#include <algorithm>
#include <iterator>
#include <type_traits>

namespace holdfast::inline v1 {
namespace {

constexpr std::size_t longestText = 120;

std::string quoted(const std::string& text) {
    std::string out{"\""};
    std::size_t cut = std::min(text.size(), longestText);
    // Not in the middle of a character.
    while (cut < text.size() && cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    for (std::size_t index = 0; index < cut; ++index) {
        const auto byte = static_cast<unsigned char>(text[index]);
        if (byte < 0x20 || byte == 0x7F) {
            out += fmt::format("\\x{:02X}", byte);
        } else {
            out.push_back(text[index]);
        }
    }
    return out + (cut < text.size() ? "...\"" : "\"");
}

std::string message(const std::string& property, const std::string& value, const std::string& rule) {
    if (value.empty()) return fmt::format("property \"{}\": {}", property, rule);
    return fmt::format("property \"{}\": {} {}", property, value, rule);
}

}  // namespace

std::string formatName(PropertyFormat format) {
    switch (format) {
        case PropertyFormat::unknown: return "UNKNOWN";
        case PropertyFormat::binary: return "BINARY";
        case PropertyFormat::dword: return "DWORD";
        case PropertyFormat::sz: return "SZ";
        case PropertyFormat::expandSz: return "EXPAND_SZ";
        case PropertyFormat::multiSz: return "MULTI_SZ";
        case PropertyFormat::ulargeInteger: return "ULARGE_INTEGER";
        case PropertyFormat::longInteger: return "LONG";
        case PropertyFormat::expandedSz: return "EXPANDED_SZ";
        case PropertyFormat::securityDescriptor: return "SECURITY_DESCRIPTOR";
        case PropertyFormat::largeInteger: return "LARGE_INTEGER";
        case PropertyFormat::word: return "WORD";
        case PropertyFormat::fileTime: return "FILETIME";
        case PropertyFormat::valueList: return "VALUE_LIST";
        case PropertyFormat::propertyList: return "PROPERTY_LIST";
        case PropertyFormat::user: return "USER";
    }
    return fmt::format("format {}", static_cast<unsigned>(format));  // of a vendor's, above USER
}

abi::RegistryType registryTypeOf(PropertyFormat format) noexcept {
    using abi::RegistryType;
    switch (format) {
        case PropertyFormat::binary:
        case PropertyFormat::securityDescriptor: return RegistryType::binary;
        case PropertyFormat::dword:
        case PropertyFormat::word:
        case PropertyFormat::longInteger: return RegistryType::dword;
        case PropertyFormat::sz: return RegistryType::sz;
        case PropertyFormat::expandSz: return RegistryType::expandSz;
        case PropertyFormat::multiSz: return RegistryType::multiSz;
        case PropertyFormat::ulargeInteger:
        case PropertyFormat::largeInteger:
        case PropertyFormat::fileTime: return RegistryType::qword;
        default: return RegistryType::none;
    }
}

std::string registryTypeName(abi::RegistryType type) {
    using abi::RegistryType;
    switch (type) {
        case RegistryType::none: return "REG_NONE";
        case RegistryType::sz: return "REG_SZ";
        case RegistryType::expandSz: return "REG_EXPAND_SZ";
        case RegistryType::binary: return "REG_BINARY";
        case RegistryType::dword: return "REG_DWORD";
        case RegistryType::multiSz: return "REG_MULTI_SZ";
        case RegistryType::qword: return "REG_QWORD";
    }
    return fmt::format("registry type {}", static_cast<unsigned>(type));
}

std::string valueText(const PropertyValue& value) {
    return std::visit(
        [](const auto& data) -> std::string {
            using Data = std::decay_t<decltype(data)>;
            if constexpr (std::is_same_v<Data, std::monostate>) {
                return "nothing";
            } else if constexpr (std::is_integral_v<Data>) {
                return fmt::format("{}", data);
            } else if constexpr (std::is_same_v<Data, std::string>) {
                return quoted(data);
            } else if constexpr (std::is_same_v<Data, Strings>) {
                std::string out{"["};
                for (const auto& text : data) {
                    if (out.size() > longestText) return out + ", ...]";
                    out += (out.size() > 1 ? ", " : "") + quoted(text);
                }
                return out + "]";
            } else {
                return fmt::format("{} byte{}", data.size(), data.size() == 1 ? "" : "s");
            }
        },
        value.data());
}

bool samePropertyName(std::string_view left, std::string_view right) noexcept {
    return abi::equalsIgnoringCase(left, right);
}

void PropertyBag::set(std::string_view name, PropertyValue value) {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return samePropertyName(entry.first, name); });
    if (found != entries_.end()) {
        found->second = std::move(value);
    } else {
        entries_.emplace_back(std::string{name}, std::move(value));
    }
}

bool PropertyBag::erase(std::string_view name) noexcept {
    return std::erase_if(entries_, [&](const Entry& entry) { return samePropertyName(entry.first, name); }) != 0;
}

const PropertyValue* PropertyBag::find(std::string_view name) const noexcept {
    for (const auto& entry : entries_) {
        if (samePropertyName(entry.first, name)) return entry.second.absent() ? nullptr : &entry.second;
    }
    return nullptr;
}

PropertyError::PropertyError(std::string property, std::string value, std::string rule)
    : Error{ErrorCode::configuration, message(property, value, rule)},
      property_{std::move(property)},
      value_{std::move(value)},
      rule_{std::move(rule)} {}

}  // namespace holdfast::inline v1
