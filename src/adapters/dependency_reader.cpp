// SPDX-License-Identifier: BSL-1.0
#include "dependency_reader.hpp"

#include "abi/host_binding.hpp"

#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/wide.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace holdfast::inline v1::adapters {
namespace {

using abi::Byte;
using abi::ClusterRegistry;
using abi::Dword;

constexpr std::size_t largestValue = 2'097'152;  // W-513
constexpr int mostDependencies = 1'000;

std::string text(const ClusterRegistry& registry, abi::KeyHandle key, std::string_view name) {
    const auto value = registry.read(key, name);
    if (!value) return {};
    const PropertyValue typed = abi::fromRegistry(value->type, value->data, PropertyFormat::sz);
    const auto* found = typed.as<std::string>();
    return found == nullptr ? std::string{} : *found;
}

PropertyBag values(const abi::HostFunctions& functions, abi::KeyHandle key) {
    PropertyBag bag;
    abi::WideString name(256, abi::WideChar{});
    std::vector<Byte> data(1'024);
    for (Dword index = 0;;) {
        auto nameSize = static_cast<Dword>(name.size());
        auto size = static_cast<Dword>(data.size());
        Dword type = 0;
        const Dword code = functions.clusterRegEnumValue(key, index, name.data(), &nameSize, &type, data.data(), &size);
        if (code == abi::code::noMoreItems) return bag;
        const bool larger = nameSize >= name.size() || size > data.size();
        if (code == abi::code::moreData && larger && size <= largestValue && nameSize <= largestValue) {
            name.resize(std::max<std::size_t>(nameSize + std::size_t{1}, name.size()));
            data.resize(std::max<std::size_t>(size, data.size()));
            continue;
        }
        if (code != abi::code::success || larger) {
            throw Error::make(abi::errorCodeOf(code), "cannot list the properties of a dependency: {}",
                              abi::win32Text(code));
        }
        bag.set(abi::toUtf8(abi::WideView{name.data(), nameSize}),
                abi::fromRegistry(static_cast<abi::RegistryType>(type), {data.data(), size}, PropertyFormat::unknown));
        ++index;
    }
}

}  // namespace

bool hostIsHoldfast() noexcept {
    static const bool is = abi::hostExport() != nullptr;
    return is;
}

Dependencies readDependencyKeys(const abi::HostFunctions& functions, abi::KeyHandle resourceKey) {
    const ClusterRegistry registry{&functions};
    std::vector<Dependency> list;
    for (int index = 0; index < mostDependencies; ++index) {
        const auto key = registry.open(resourceKey, fmt::format("Dependencies\\{}", index));
        if (!key) break;
        Dependency dependency{text(registry, key->get(), "Name"), text(registry, key->get(), "Type"), {}, {}};
        if (const auto parameters = registry.open(key->get(), "Parameters"))
            dependency.properties = values(functions, parameters->get());
        list.push_back(std::move(dependency));
    }
    return Dependencies{std::move(list)};
}

}  // namespace holdfast::inline v1::adapters
