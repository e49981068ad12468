// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The cluster registry and the thread's last error, as the host gives them at run time.

#include <holdfast/abi/host.hpp>
#include <holdfast/abi/registry_value.hpp>
#include <holdfast/agent_type.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v1::abi {

/**
 * Reads a resource's private properties.
 *
 * @par Thread safety Immutable; every member from any thread. Reading is remote work: only on a worker (D14), never in an
 *      entry point's frame. `setLastError` is local and may be called anywhere.
 * @par Errors Reads throw `Error` with the registry's code translated (abi/error_table.hpp), and `ErrorCode::notInstalled`
 *      when the host offers no registry.
 */
class ClusterRegistry {
public:
    /** A key opened here, closed with it. */
    class Key {
    public:
        Key(const HostFunctions& host, KeyHandle handle) noexcept : host_{&host}, handle_{handle} {}
        Key(Key&& other) noexcept : host_{other.host_}, handle_{std::exchange(other.handle_, nullptr)} {}
        Key& operator=(Key&& other) noexcept {
            std::swap(host_, other.host_);
            std::swap(handle_, other.handle_);
            return *this;
        }
        ~Key() {
            if (handle_) host_->clusterRegCloseKey(handle_);
        }
        [[nodiscard]] KeyHandle get() const noexcept { return handle_; }

    private:
        const HostFunctions* host_;
        KeyHandle handle_;
    };

    /** Of these functions; null means that there is no host. `functions` must outlive the object. */
    explicit ClusterRegistry(const HostFunctions* functions) noexcept;

    /**
     * Of this process: what its program exports as HoldfastHost, else, on Windows, the system's clusapi.dll.
     *
     * The first call may load a library, so not from DllMain; the answer is kept for the life of the process.
     */
    [[nodiscard]] static const ClusterRegistry& ofHost();

    [[nodiscard]] bool available() const noexcept { return host_ != nullptr; }
    /** Why `available()` is false, for the log. */
    [[nodiscard]] std::string_view absence() const noexcept { return absence_; }

    /** Nothing if the key does not exist. The parent stays the caller's: it is never closed here (W-109). */
    [[nodiscard]] std::optional<Key> open(KeyHandle parent, std::string_view subkey) const;

    /** Nothing if the value does not exist. */
    [[nodiscard]] std::optional<RegistryValue> read(KeyHandle key, std::string_view name) const;

    /**
     * The private properties under `resourceKey`'s "Parameters" (W-113; no such key: none are set). Values whose type fits
     * no format are kept as they are, and so are those that the type does not describe.
     */
    [[nodiscard]] PropertyBag readBag(KeyHandle resourceKey, const AgentType& type) const;
    /** The same, of a "Parameters" key that is open already. */
    [[nodiscard]] PropertyBag readParameters(KeyHandle parameters, const AgentType& type) const;

    /** As SetLastError, where the host has it; otherwise nothing. */
    void setLastError(Dword code) const noexcept;

private:
    [[nodiscard]] const HostFunctions& host() const;

    const HostFunctions* host_{nullptr};
    std::string_view absence_;  // static text: an object that outlives everything needs no destructor
};

}  // namespace holdfast::inline v1::abi
