// SPDX-License-Identifier: BSL-1.0
/// Any bytes as a property list (section 6): what parses survives writing and reading, what does not is answered with a code of
/// 6.4 and an offset inside it. The unit tests replay the corpus too (property_list_test): a file that parses begins with "good-".
#include "fuzz_target.hpp"

#include <holdfast/abi/property_list.hpp>
#include <holdfast/abi/registry_value.hpp>
#include <holdfast/abi/wide.hpp>

#include <memory>

using namespace holdfast;
using namespace holdfast::abi;
using fuzz::promise;

namespace {

void checkValues(std::span<const Byte> bytes) {
    const auto values = readValueList(bytes);
    promise(values.end <= bytes.size(), "W-506 the end of a value list is inside the buffer");
    if (values.code != code::success) {
        promise(values.code == code::invalidData || values.code == code::insufficientBuffer, "W-520 13 or 122");
        promise(!values.problem.empty(), "a refusal says why");
        return;
    }
    for (const auto& entry : values.entries) {
        promise(entry.offset <= bytes.size() && entry.data.size() <= bytes.size(), "W-507 an entry is inside");
        promise(entry.data.empty() || (entry.data.data() >= bytes.data() &&
                                       entry.data.data() + entry.data.size() <= bytes.data() + bytes.size()),
                "W-507 an entry's data are inside the buffer");
    }
}

/** What a registry keeps of a value is the value: its bytes read back to the same, as far as a type says its format. */
void checkStored(const PropertyValue& value) {
    if (registryTypeOf(value.format()) == RegistryType::none) return;
    const auto stored = toRegistry(value);
    const auto again = fromRegistry(stored.type, stored.data, value.format());
    const auto twice = toRegistry(again);
    promise(twice.type == stored.type && twice.data == stored.data, "W-539 what a registry keeps reads back the same");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // A copy of exactly that size: AddressSanitizer sees one byte too many. It begins at an odd address (W-508).
    const auto copy = std::make_unique<Byte[]>(size + 1);
    if (size != 0) std::memcpy(copy.get() + 1, data, size);
    const std::span<const Byte> bytes{copy.get() + 1, size};

    const auto list = readPropertyList(bytes.data(), size);
    promise(list.offset <= size, "an offset is inside the input");
    checkValues(bytes);
    if (list.code != code::success) {
        promise(list.code == code::invalidData || list.code == code::insufficientBuffer, "W-520 13 or 122");
        promise(!list.problem.empty(), "a refusal says why");
        promise(list.properties.empty(), "W-520 what is refused is refused as a whole");
        return 0;
    }
    promise(list.problem.empty(), "W-520 success has no problem");
    const auto written = writePropertyList(list.properties);
    // Replacing what is no UTF-16 may lengthen nothing, so the limit holds for the second list as for the first.
    const auto again = readPropertyList(written.data(), written.size());
    promise(again.code == code::success, "W-520 what was written reads");
    promise(again.offset == written.size(), "W-503 what was written is read to its end");
    promise(again.properties.size() == list.properties.size(), "W-505 no property is lost");
    for (std::size_t index = 0; index < again.properties.size(); ++index) {
        promise(again.properties[index].name == list.properties[index].name, "a name survives");
        promise(again.properties[index].values == list.properties[index].values, "W-505 every value survives");
        for (const auto& value : again.properties[index].values) checkStored(value);
    }
    promise(writePropertyList(again.properties) == written, "writing what was read is the same bytes");

    // W-141, W-630: an answer is copied whole or not at all.
    const auto room = static_cast<Dword>(size > written.size() ? written.size() : size);
    const auto out = std::make_unique<Byte[]>(room + 1U);
    std::memset(out.get(), 0xA5, room + 1U);
    Dword returned = 0;
    const Dword code = copyAnswer(written, out.get(), room, &returned);
    promise(returned == written.size(), "W-535 the size is that of the whole answer");
    promise(code == (room >= written.size() ? code::success : code::moreData), "W-630 0 or 234");
    promise(out[room] == 0xA5, "W-141 nothing is written behind the buffer");
    if (code == code::moreData && room > 0) promise(out[0] == 0xA5, "W-630 with 234 nothing is written");
    return 0;
}
