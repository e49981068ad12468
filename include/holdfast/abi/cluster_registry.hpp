// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The cluster registry and the thread's last error, as the host gives them at run time.

#include <holdfast/abi/host.hpp>
#include <holdfast/abi/registry_value.hpp>
#include <holdfast/agent_type.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v1::abi {

/**
 * Reads and writes private properties.
 *
 * @par Thread safety Immutable; every member from any thread. Reading and writing is remote work: only on a worker (D14),
 *      never in an entry point's frame. `setLastError` is local and may be called anywhere.
 * @par Errors Reads and writes throw `Error` with the registry's code translated (abi/error_table.hpp), and `ErrorCode::notInstalled`
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

    /**
     * As `open`, for writing too; read-only where the database grants no more. Creates nothing, so it may be used in Open.
     */
    [[nodiscard]] std::optional<Key> openForWriting(KeyHandle parent, std::string_view subkey) const;
    /** The key, made if it does not exist: never while Open, Online, Offline, Terminate or Close runs (W-800). */
    [[nodiscard]] Key create(KeyHandle parent, std::string_view subkey) const;

    /**
     * The key of a resource type. A host of ours finds it beside `beside`; on Windows the cluster is opened for it, which is
     * remote work (`typeKeysAreLocal`). Nothing if there is no such type, or the host cannot say.
     */
    [[nodiscard]] std::optional<Key> openType(std::string_view typeName, KeyHandle beside = nullptr) const;
    /** Whether `openType` is local, so that Open may ask for it. */
    [[nodiscard]] bool typeKeysAreLocal() const noexcept;

    /**
     * Writes those of `changes` whose stored value differs (W-534); an absent value deletes. All of them or none: in one
     * batch where the host has batches, otherwise value by value, and what was written is taken back when one fails.
     *
     * @par Errors As above; the message says so if something could not be taken back.
     * @return How many values were written or deleted.
     */
    std::size_t write(KeyHandle key, const PropertyBag& changes) const;

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
    struct Change;
    [[nodiscard]] const HostFunctions& host() const;
    [[nodiscard]] std::optional<Key> openWith(KeyHandle parent, std::string_view subkey, Dword access) const;
    void writeBatch(KeyHandle key, std::span<const Change> changes) const;
    void writeEach(KeyHandle key, std::span<const Change> changes) const;
    [[nodiscard]] Dword apply(KeyHandle key, const WideChar* name, const std::optional<RegistryValue>& value) const;

    const HostFunctions* host_{nullptr};
    std::string_view absence_;  // static text: an object that outlives everything needs no destructor
};

}  // namespace holdfast::inline v1::abi
