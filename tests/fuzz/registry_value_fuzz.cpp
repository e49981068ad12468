// SPDX-License-Identifier: BSL-1.0
/// Any bytes under any registry type (W-539): the value can be said, and is the same once it was written back. And any bytes as a
/// text: what becomes UTF-8 is UTF-8, and the same after a way through UTF-16.
#include "fuzz_target.hpp"
#include "well_formed.hpp"

#include <holdfast/abi/registry_value.hpp>
#include <holdfast/abi/wide.hpp>

#include <string>
#include <vector>

using namespace holdfast;
using fuzz::promise;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Picker input{data, size};
    const auto type = static_cast<abi::RegistryType>(input.number<std::uint32_t>() & 0x1F);
    const auto expected = static_cast<PropertyFormat>(input.number<std::uint16_t>() & 0x1F);
    const auto rest = input.take(size);
    const std::vector<abi::Byte> bytes(rest.begin(), rest.end());

    const auto value = abi::fromRegistry(type, bytes, expected);
    promise(!value.absent(), "W-539 what is there is a value");
    promise(fuzz::isUtf8(valueText(value)) && fuzz::isUtf8(formatName(value.format())), "W-539 a value can be said");
    const auto stored = abi::toRegistry(value);
    promise(stored.type == type, "W-539 a value keeps its registry type");
    const auto again = abi::fromRegistry(stored.type, stored.data, expected);
    promise(again == value, "W-539 a value that is written back is the same");
    promise(abi::toRegistry(again).data == stored.data, "W-539 and so are its bytes");

    const std::string text{fuzz::textOf(bytes.data(), bytes.size())};
    const auto once = abi::toUtf8(abi::toWide(text));
    promise(fuzz::isUtf8(once), "a text of UTF-16 is UTF-8");
    promise(abi::toUtf8(abi::toWide(once)) == once, "UTF-8 survives UTF-16");
    if (fuzz::isUtf8(text)) promise(once == text, "what is UTF-8 already stays as it is");
    return 0;
}
