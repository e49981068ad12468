// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/cluster_registry.hpp>
#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/wide.hpp>

#include "host_binding.hpp"
#include "registry_failure.hpp"

#include <algorithm>

namespace holdfast::inline v1::abi {

[[noreturn]] void detail::fail(std::string_view action, std::string_view what, Dword code) {
    throw Error{errorCodeOf(code),
                fmt::format("cannot {} {} in the cluster registry: {}", action, what, win32Text(code))};
}

namespace {

constexpr Dword keyRead = 0x20019;               // KEY_READ
constexpr Dword keyReadWrite = 0x2001F;          // KEY_READ | KEY_WRITE
constexpr std::size_t largestValue = 2'097'152;  // W-513
constexpr int attempts = 8;                      // a value may grow between asking its size and reading it

using detail::fail;

void checkSize(std::string_view name, Dword size) {
    if (size > largestValue) {
        throw Error::make(ErrorCode::configuration, "property \"{}\": {} bytes in the cluster registry, more than {}",
                          name, size, largestValue);
    }
}

PropertyFormat expectedFormat(const AgentType& type, std::string_view name) {
    for (const auto& property : type.properties()) {
        if (samePropertyName(property.name, name)) return property.format;
    }
    return PropertyFormat::unknown;
}

}  // namespace

ClusterRegistry::ClusterRegistry(const HostFunctions* functions) noexcept {
    if (!functions) {
        absence_ = "the host program exports no HoldfastHost, so private properties cannot be read";
    } else if (functions->version != 1 || functions->size < smallestHostFunctions) {
        absence_ = "the host program's HoldfastHost is of a version that this library does not know";
    } else {
        host_ = functions;
    }
}

const ClusterRegistry& ClusterRegistry::ofHost() {
    static const ClusterRegistry registry{bindHost()};
    return registry;
}

const HostFunctions& ClusterRegistry::host() const {
    if (!host_) throw Error{ErrorCode::notInstalled, std::string{absence_}};
    return *host_;
}

std::optional<ClusterRegistry::Key> ClusterRegistry::open(KeyHandle parent, std::string_view subkey) const {
    return openWith(parent, subkey, keyRead);
}

std::optional<ClusterRegistry::Key> ClusterRegistry::openForWriting(KeyHandle parent, std::string_view subkey) const {
    try {
        return openWith(parent, subkey, keyReadWrite);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::permission) throw;
        return open(parent, subkey);  // reading goes on; a later write says why it cannot be
    }
}

std::optional<ClusterRegistry::Key> ClusterRegistry::openWith(KeyHandle parent, std::string_view subkey,
                                                              Dword access) const {
    const auto& functions = host();
    KeyHandle handle{};
    const auto code = static_cast<Dword>(functions.clusterRegOpenKey(parent, toWide(subkey).c_str(), access, &handle));
    if (code == code::fileNotFound) return std::nullopt;
    if (code != code::success) fail("open key", subkey, code);
    return Key{functions, handle};
}

std::optional<RegistryValue> ClusterRegistry::read(KeyHandle key, std::string_view name) const {
    const auto& functions = host();
    const auto wideName = toWide(name);
    std::vector<Byte> data(256);
    for (int attempt = 0; attempt < attempts; ++attempt) {
        Dword type{};
        auto size = static_cast<Dword>(data.size());
        const auto code = functions.clusterRegQueryValue(key, wideName.c_str(), &type, data.data(), &size);
        if (code == code::fileNotFound) return std::nullopt;
        if (code == code::success && size <= data.size()) {
            data.resize(size);
            return RegistryValue{static_cast<RegistryType>(type), std::move(data)};
        }
        if (code != code::moreData) fail("read property", name, code);
        checkSize(name, size);
        data.resize(std::max<std::size_t>(size, data.size() * 2));
    }
    fail("read property", name, code::moreData);
}

PropertyBag ClusterRegistry::readBag(KeyHandle resourceKey, const AgentType& type) const {
    const auto parameters = open(resourceKey, "Parameters");
    return parameters ? readParameters(parameters->get(), type) : PropertyBag{};
}

PropertyBag ClusterRegistry::readParameters(KeyHandle parameters, const AgentType& type) const {
    const auto& functions = host();
    PropertyBag bag;
    // By name first: an enumeration skips a value when another is deleted meanwhile, and a skipped one would silently
    // become its default.
    for (const auto& property : type.properties()) {
        if (auto value = read(parameters, property.name)) {
            bag.set(property.name, fromRegistry(value->type, value->data, property.format));
        }
    }
    WideString name(256, WideChar{});
    std::vector<Byte> data(1024);
    int retries = 0;
    for (Dword index = 0;;) {
        auto nameSize = static_cast<Dword>(name.size());
        auto size = static_cast<Dword>(data.size());
        Dword found{};
        const auto code =
            functions.clusterRegEnumValue(parameters, index, name.data(), &nameSize, &found, data.data(), &size);
        if (code == code::noMoreItems) return bag;
        if (code == code::moreData && ++retries < attempts) {
            checkSize("?", size);
            name.resize(std::max<std::size_t>(nameSize + std::size_t{1}, name.size() * 2));
            data.resize(std::max<std::size_t>(size, data.size() * 2));
            continue;
        }
        if (code != code::success || nameSize > name.size() || size > data.size()) fail("list", "properties", code);
        const auto text = toUtf8(WideView{name.data(), nameSize});
        if (expectedFormat(type, text) == PropertyFormat::unknown) {
            bag.set(text, fromRegistry(static_cast<RegistryType>(found), {data.data(), size}, PropertyFormat::unknown));
        }
        ++index;
        retries = 0;
    }
}

void ClusterRegistry::setLastError(Dword code) const noexcept {
    if (host_) {
        host_->setLastError(code);
    } else {
        setSystemLastError(code);
    }
}

}  // namespace holdfast::inline v1::abi
