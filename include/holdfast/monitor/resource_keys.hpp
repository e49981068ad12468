// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/resapi.hpp>
#include <holdfast/dependencies.hpp>
#include <holdfast/property.hpp>

#include <memory>
#include <string>
#include <vector>

namespace holdfast::inline v1::monitor {

/**
 * Keys of the system's own registry that resources get as ResourceKey. Paths are those of `HostedResource::registryPath`, and
 * for resource types those of `typeKeyPath`.
 *
 * @par Thread safety Every member from any thread.
 */
class ResourceKeys {
public:
    ResourceKeys() = default;
    ResourceKeys(const ResourceKeys&) = delete;
    ResourceKeys& operator=(const ResourceKeys&) = delete;
    /** Removes whatever was made. */
    virtual ~ResourceKeys() = default;

    /** Opens the key with its `Parameters`, making what is missing; null if that fails. The caller closes it. */
    [[nodiscard]] virtual abi::KeyHandle open(const std::string& path) = 0;
    virtual void close(abi::KeyHandle key) noexcept = 0;
    /** Sets the values below `Parameters`; deletes those that are absent. */
    virtual void store(const std::string& path, const PropertyBag& changes) = 0;
    /** What is below `Parameters` now, whoever wrote it. Types that leave a choice read as DWORD, ULARGE, BINARY. */
    [[nodiscard]] virtual PropertyBag values(const std::string& path) = 0;
    /** As `writeDependencyKeys` does it: `Dependencies\<n>` below the key, in place of what was there. */
    virtual void storeDependencies(const std::string& path, const std::vector<Dependency>& dependencies) = 0;
    /** Empty: everything that was made. */
    virtual void erase(const std::string& path) noexcept = 0;
};

/**
 * On Windows below HKEY_CURRENT_USER\Software\holdfast\Cluster, in a key of this process that lasts no longer than it, or than the
 * system: so an agent may use any function of the registry, and so do substitutes of clusapi.dll. Null elsewhere: there the
 * functions of `HoldfastHost` over a MemoryRegistry are all there is.
 */
[[nodiscard]] std::unique_ptr<ResourceKeys> systemKeys();

}  // namespace holdfast::inline v1::monitor
