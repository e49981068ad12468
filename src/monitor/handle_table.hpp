// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/monitor/host.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace holdfast::inline v1::monitor {

/** Where a callback of an agent goes. */
class CallbackTarget {
public:
    virtual ~CallbackTarget() = default;
    [[nodiscard]] virtual abi::ExitState statusReported(ResourceNumber resource,
                                                        const abi::ResourceStatus& status) noexcept = 0;
    virtual void failureSignalled(ResourceNumber resource, abi::FailureType type, abi::Dword code) noexcept = 0;
    virtual void logged(ResourceNumber resource, abi::Dword level, std::string text) noexcept = 0;
    virtual void stray(std::string_view callback, std::uint64_t handle) noexcept = 0;
    /** The agent's library asks that its flight recorder be written out. */
    // NOLINTNEXTLINE(performance-unnecessary-value-param): who overrides it keeps what it is given
    virtual void flightAlarm(ResourceNumber /*resource*/, std::string /*reason*/) noexcept {}
};

/**
 * The RESOURCE_HANDLEs of this process: numbers that are never used twice and never point to anything (W-106, W-1136).
 *
 * One table per process, because the callbacks of a V1 library carry nothing but the handle.
 *
 * @par Thread safety Every member from any thread.
 */
class HandleTable {
public:
    struct Found {
        std::shared_ptr<CallbackTarget> target;  ///< null if the handle names nothing open
        ResourceNumber resource{};
    };
    [[nodiscard]] std::uint64_t insert(std::weak_ptr<CallbackTarget> target, ResourceNumber resource);
    void erase(std::uint64_t handle);
    [[nodiscard]] Found find(std::uint64_t handle) const;
    /** Tells a host of this process that somebody used a handle that is not open (W-117). */
    void reportStray(std::string_view callback, std::uint64_t handle) const noexcept;

private:
    struct Entry {
        std::weak_ptr<CallbackTarget> target;
        ResourceNumber resource{};
    };
    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, Entry> entries_;
    std::uint64_t next_{0x10001};
};

[[nodiscard]] HandleTable& handles() noexcept;

}  // namespace holdfast::inline v1::monitor
