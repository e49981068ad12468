// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/cluster_registry.hpp>
#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/wide.hpp>

#include "registry_failure.hpp"

#include <vector>

namespace holdfast::inline v1::abi {
namespace {

constexpr Dword keyRead = 0x20019;       // KEY_READ
constexpr Dword keyReadWrite = 0x2001F;  // KEY_READ | KEY_WRITE
constexpr Dword typeNotFound = 5078;     // ERROR_CLUSTER_RESOURCE_TYPE_NOT_FOUND

bool same(const std::optional<RegistryValue>& left, const std::optional<RegistryValue>& right) {
    if (!left || !right) return left.has_value() == right.has_value();
    return left->type == right->type && left->data == right->data;
}

/** An open cluster, for as long as one question takes. */
class Cluster {
public:
    Cluster(ClusterHandle handle, decltype(HostFunctions::closeCluster) close) : handle_{handle}, close_{close} {}
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;
    ~Cluster() {
        if (handle_) close_(handle_);
    }
    [[nodiscard]] ClusterHandle get() const noexcept { return handle_; }

private:
    ClusterHandle handle_;
    decltype(HostFunctions::closeCluster) close_;
};

}  // namespace

struct ClusterRegistry::Change {
    std::string name;
    WideString wideName;
    std::optional<RegistryValue> before;
    std::optional<RegistryValue> after;
};

ClusterRegistry::Key ClusterRegistry::create(KeyHandle parent, std::string_view subkey) const {
    const auto& functions = host();
    const auto createKey = offered(&functions, &HostFunctions::clusterRegCreateKey);
    if (!createKey) detail::fail("create key", subkey, code::notSupported);
    KeyHandle handle{};
    const auto code =
        static_cast<Dword>(createKey(parent, toWide(subkey).c_str(), 0, keyReadWrite, nullptr, &handle, nullptr));
    if (code != code::success) detail::fail("create key", subkey, code);
    return Key{functions, handle};
}

bool ClusterRegistry::typeKeysAreLocal() const noexcept {
    return offered(host_, &HostFunctions::openTypeKey) != nullptr;
}

std::optional<ClusterRegistry::Key> ClusterRegistry::openType(std::string_view typeName, KeyHandle beside) const {
    const auto& functions = host();
    const auto name = toWide(typeName);
    if (const auto local = offered(&functions, &HostFunctions::openTypeKey)) {
        KeyHandle handle{};
        const auto code = static_cast<Dword>(local(beside, name.c_str(), &handle));
        if (code == code::fileNotFound) return std::nullopt;
        if (code != code::success) detail::fail("open the key of resource type", typeName, code);
        return Key{functions, handle};
    }
    const auto open = offered(&functions, &HostFunctions::openCluster);
    const auto close = offered(&functions, &HostFunctions::closeCluster);
    const auto typeKey = offered(&functions, &HostFunctions::getClusterResourceTypeKey);
    if (!open || !close || !typeKey) return std::nullopt;  // a host without types: nothing is set on them
    const Cluster cluster{open(nullptr), close};
    if (!cluster.get()) detail::fail("open the cluster to read resource type", typeName, functions.getLastError());
    KeyHandle handle = typeKey(cluster.get(), name.c_str(), keyReadWrite);
    Dword code = handle ? code::success : functions.getLastError();
    if (code == code::accessDenied) {  // reading goes on; a write says why it cannot be
        handle = typeKey(cluster.get(), name.c_str(), keyRead);
        code = handle ? code::success : functions.getLastError();
    }
    if (handle) return Key{functions, handle};
    if (code == code::fileNotFound || code == typeNotFound) return std::nullopt;
    detail::fail("open the key of resource type", typeName, code);
}

std::size_t ClusterRegistry::write(KeyHandle key, const PropertyBag& changes) const {
    std::vector<Change> differing;
    for (const auto& [name, value] : changes) {
        Change change{name, toWide(name), read(key, name), std::nullopt};
        if (!value.absent()) change.after = toRegistry(value);
        if (!same(change.before, change.after)) differing.push_back(std::move(change));  // W-534
    }
    if (differing.empty()) return 0;
    const bool batches = offered(host_, &HostFunctions::clusterRegCreateBatch) != nullptr &&
                         offered(host_, &HostFunctions::clusterRegBatchAddCommand) != nullptr &&
                         offered(host_, &HostFunctions::clusterRegCloseBatch) != nullptr;
    if (batches && differing.size() > 1) {
        writeBatch(key, differing);
    } else {
        writeEach(key, differing);
    }
    return differing.size();
}

void ClusterRegistry::writeBatch(KeyHandle key, std::span<const Change> changes) const {
    const auto& functions = host();
    BatchHandle batch{};
    auto code = static_cast<Dword>(functions.clusterRegCreateBatch(key, &batch));
    if (code == code::notSupported) return writeEach(key, changes);
    if (code != code::success) detail::fail("begin to write", "properties", code);
    for (const auto& change : changes) {
        const auto command = change.after ? BatchCommand::setValue : BatchCommand::deleteValue;
        const auto type = change.after ? static_cast<Dword>(change.after->type) : Dword{0};
        const auto* data = change.after && !change.after->data.empty() ? change.after->data.data() : nullptr;
        const auto size = change.after ? static_cast<Dword>(change.after->data.size()) : Dword{0};
        code = static_cast<Dword>(
            functions.clusterRegBatchAddCommand(batch, command, change.wideName.c_str(), type, data, size));
        if (code == code::success) continue;
        functions.clusterRegCloseBatch(batch, 0, nullptr);
        detail::fail("write property", change.name, code);
    }
    std::int32_t failed = -1;
    code = static_cast<Dword>(functions.clusterRegCloseBatch(batch, 1, &failed));
    if (code == code::success) return;
    const bool known = failed >= 0 && static_cast<std::size_t>(failed) < changes.size();
    detail::fail("write property",
                 known ? std::string_view{changes[static_cast<std::size_t>(failed)].name} : "of a list", code);
}

void ClusterRegistry::writeEach(KeyHandle key, std::span<const Change> changes) const {
    std::size_t done = 0;
    Dword code = code::success;
    while (done < changes.size()) {
        code = apply(key, changes[done].wideName.c_str(), changes[done].after);
        if (code != code::success) break;
        ++done;
    }
    if (code == code::success) return;
    std::string lost;
    for (std::size_t index = done; index-- > 0;) {
        const auto& change = changes[index];
        if (apply(key, change.wideName.c_str(), change.before) != code::success)
            lost += (lost.empty() ? "" : ", ") + change.name;
    }
    if (lost.empty()) detail::fail("write property", changes[done].name, code);
    throw Error{errorCodeOf(code),
                fmt::format("cannot write property {} in the cluster registry: {}; set again by hand what was written "
                            "before and could not be taken back: {}",
                            changes[done].name, win32Text(code), lost)};
}

Dword ClusterRegistry::apply(KeyHandle key, const WideChar* name, const std::optional<RegistryValue>& value) const {
    const auto& functions = host();
    if (value) {
        return functions.clusterRegSetValue(key, name, static_cast<Dword>(value->type), value->data.data(),
                                            static_cast<Dword>(value->data.size()));
    }
    const auto erase = offered(&functions, &HostFunctions::clusterRegDeleteValue);
    const Dword code = erase ? erase(key, name) : code::notSupported;
    return code == code::fileNotFound ? code::success : code;
}

}  // namespace holdfast::inline v1::abi
