// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/expand.hpp>
#include <holdfast/abi/property_list.hpp>

#include "text_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace holdfast::inline v1::abi {
namespace {

class Writer {
public:
    void number(Dword value) { append(&value, sizeof value); }

    void entry(Dword itsSyntax, std::span<const Byte> data) {
        number(itsSyntax);
        number(static_cast<Dword>(data.size()));  // W-502: without the padding
        append(data.data(), data.size());
        bytes_.resize((bytes_.size() + 3) / 4 * 4);  // W-504: zeros
    }
    void name(std::string_view text) { entry(syntax::name, textBytes(text)); }
    void value(PropertyFormat format, std::span<const Byte> data) {
        entry(syntax::listValue | static_cast<Dword>(format), data);
    }
    void endMark() { number(syntax::endMark); }
    /** The number at the very front, known only at the end. */
    void setCount(Dword count) { std::memcpy(bytes_.data(), &count, sizeof count); }

    [[nodiscard]] std::vector<Byte> take() { return std::move(bytes_); }

private:
    void append(const void* data, std::size_t size) {
        const auto at = bytes_.size();
        bytes_.resize(at + size);
        if (size != 0) std::memcpy(bytes_.data() + at, data, size);
    }
    std::vector<Byte> bytes_;
};

std::vector<Byte> valueBytes(const PropertyValue& value) {
    return std::visit(
        [&](const auto& data) -> std::vector<Byte> {
            using Data = std::decay_t<decltype(data)>;
            if constexpr (std::is_same_v<Data, std::monostate>) {
                return {};
            } else if constexpr (std::is_same_v<Data, std::string>) {
                return textBytes(data);
            } else if constexpr (std::is_same_v<Data, Strings>) {
                return multiTextBytes(data);
            } else {
                const void* from = nullptr;
                std::size_t size = 0;
                if constexpr (std::is_same_v<Data, Bytes>) {
                    from = data.data(), size = data.size();
                } else {
                    from = &data, size = value.format() == PropertyFormat::word ? sizeof(Word) : sizeof data;
                }
                std::vector<Byte> out(size);
                if (size != 0) std::memcpy(out.data(), from, size);
                return out;
            }
        },
        value.data());
}

}  // namespace

std::vector<Byte> writePropertyList(std::span<const ListedProperty> properties) {
    Writer writer;
    writer.number(0);
    Dword count = 0;
    for (const auto& property : properties) {
        const auto writable = [](const PropertyValue& value) {
            return !value.absent() && value.format() != PropertyFormat::unknown;
        };
        if (std::none_of(property.values.begin(), property.values.end(), writable)) continue;
        writer.name(property.name);
        for (const auto& value : property.values) {
            if (writable(value)) writer.value(value.format(), valueBytes(value));
        }
        writer.endMark();
        ++count;
    }
    writer.setCount(count);
    return writer.take();
}

std::vector<Byte> writePropertyList(const PropertyBag& bag, ListUse use) {
    std::vector<ListedProperty> properties;
    properties.reserve(bag.size());
    for (const auto& [name, value] : bag) {
        properties.push_back({name, {value}});
        if (use == ListUse::answer && value.format() == PropertyFormat::expandSz) {
            properties.back().values.push_back(PropertyValue::expandedSz(expandEnvironment(*value.as<std::string>())));
        }
    }
    return writePropertyList(properties);
}

std::vector<Byte> writeFormatList(std::span<const PropertyDescription> properties) {
    std::vector<ListedProperty> list;
    list.reserve(properties.size());
    for (const auto& property : properties) {
        list.push_back({property.name, {PropertyValue::word(static_cast<std::uint16_t>(property.format))}});
    }
    return writePropertyList(list);
}

std::vector<Byte> writeNameList(std::span<const PropertyDescription> properties) {
    Strings names;
    names.reserve(properties.size());
    for (const auto& property : properties) names.push_back(property.name);
    return writeNames(names);
}

std::vector<Byte> writeNames(const Strings& names) { return multiTextBytes(names); }

std::vector<Byte> writeDependencyList(std::span<const RequiredDependency> dependencies) {
    Writer writer;
    for (const auto& dependency : dependencies) {
        if (const auto* type = std::get_if<std::string>(&dependency)) {
            writer.name(*type);
        } else {
            const auto number = static_cast<Dword>(std::get<ResourceClass>(dependency));
            std::vector<Byte> bytes(sizeof number);
            std::memcpy(bytes.data(), &number, sizeof number);
            writer.entry(syntax::resourceClass, bytes);
        }
    }
    writer.endMark();
    return writer.take();
}

Dword copyAnswer(std::span<const Byte> answer, void* out, Dword outSize, Dword* bytesReturned) noexcept {
    if (bytesReturned) *bytesReturned = static_cast<Dword>(answer.size());
    if (answer.empty()) return code::success;
    if (!out || outSize < answer.size()) return code::moreData;
    std::memcpy(out, answer.data(), answer.size());
    return code::success;
}

}  // namespace holdfast::inline v1::abi
