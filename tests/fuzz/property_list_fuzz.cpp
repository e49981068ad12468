// SPDX-License-Identifier: BSL-1.0
/// libFuzzer target: any bytes as a property list. What parses must survive writing and reading.
///   clang++ -std=c++20 -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/property_list_fuzz.cpp
///     src/abi/{property,property_list,property_list_writer,expand,wide}.cpp -lfmt
///   ./a.out tests/fuzz/property_list_corpus
/// The ordinary suite replays the corpus (property_list_test); a file that parses begins with "good-".
#include <holdfast/abi/property_list.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast::abi;
    const auto list = readPropertyList(data, size);
    if (list.code != code::success) return 0;
    const auto written = writePropertyList(list.properties);
    // Replacing what is no UTF-16 may lengthen nothing, so the limit holds for the second list as for the first.
    const auto again = readPropertyList(written.data(), written.size());
    if (again.code != code::success || again.properties.size() != list.properties.size()) std::abort();
    for (std::size_t index = 0; index < again.properties.size(); ++index) {
        if (again.properties[index].values != list.properties[index].values) std::abort();
    }
    return 0;
}
