// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A cluster registry in memory: what the portable Resource Monitor and the tests give to agent libraries.

#include <holdfast/abi/host.hpp>
#include <holdfast/abi/registry_value.hpp>
#include <holdfast/property.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::inline v1::monitor {

/**
 * A tree of keys with values. Paths are UTF-8 with backslashes ("Resources\\orders\\Parameters"), compared without case.
 *
 * @par Thread safety Every member, and every function of `hostFunctions()`, from any thread.
 */
class MemoryRegistry {
public:
    /** An open key: what Open gets as ResourceKey. Closed with this object; must not outlive use by the library. */
    class Key {
    public:
        Key() = default;
        explicit Key(abi::KeyHandle handle) noexcept : handle_{handle} {}
        Key(Key&& other) noexcept;
        Key& operator=(Key&& other) noexcept;
        ~Key();
        [[nodiscard]] abi::KeyHandle get() const noexcept { return handle_; }

    private:
        abi::KeyHandle handle_{};
    };

    MemoryRegistry();
    MemoryRegistry(const MemoryRegistry&) = delete;
    MemoryRegistry& operator=(const MemoryRegistry&) = delete;
    ~MemoryRegistry();

    /** Opens the key, creating what is missing of its path. */
    [[nodiscard]] Key open(std::string_view path);

    /** Sets one value under `path`, creating the key; an absent value deletes it. */
    void set(std::string_view path, std::string_view name, const PropertyValue& value);
    void setRaw(std::string_view path, std::string_view name, abi::RegistryValue value);
    /** Sets every value of `bag`, at one moment for every reader; leaves other values alone. */
    void set(std::string_view path, const PropertyBag& bag);
    /** The values under `path`; empty if there is no such key. Types that leave a choice read as DWORD, ULARGE, BINARY. */
    [[nodiscard]] PropertyBag values(std::string_view path) const;
    /** Deletes a key with all below it; handles to it answer 1018 (marked for deletion) from then on. */
    void erase(std::string_view path);

    /** Called before each host function that names a key of this tree; a code other than 0 is answered in its place. */
    void intercept(std::function<abi::Dword(std::string_view function)> hook);

    /** Keys open in this process, over every tree: flat if nobody leaks. */
    [[nodiscard]] static std::size_t openKeys();

private:
    struct Tree;
    std::shared_ptr<Tree> tree_;
    friend struct HostAccess;
};

/** What HoldfastHost gives to libraries: the functions over every MemoryRegistry of this process. */
[[nodiscard]] const abi::HostFunctions& hostFunctions() noexcept;

/**
 * From now on HostFunctions::injectedFault is `fault`: for a program that verifies agents. Call it once, before any library
 * is loaded.
 */
void offerFaults(abi::Dword(HOLDFAST_STDCALL* fault)(abi::ResourceHandle, const char* call)) noexcept;

}  // namespace holdfast::inline v1::monitor

#if defined(_WIN32)
#define HOLDFAST_HOST_EXPORT __declspec(dllexport)
#else
#define HOLDFAST_HOST_EXPORT __attribute__((visibility("default")))
#endif

/** Defined in src/monitor/host_functions.cpp; a program that hosts libraries links it in and exports it (-rdynamic). */
extern "C" HOLDFAST_HOST_EXPORT const holdfast::abi::HostFunctions* HoldfastHost(holdfast::abi::Dword version);
