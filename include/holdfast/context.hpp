// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/operation.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v1 {

/** The engine's log levels (W-905). */
enum class LogLevel : std::uint8_t { information = 0, warning = 1, error = 2, severe = 3 };

/**
 * What the object knows of its surroundings, from construction to destruction.
 *
 * @par Thread safety Every member from any thread, also from threads the author started, until the object is destroyed.
 */
class Context {
public:
    Context() = default;
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    virtual ~Context() = default;

    /** The resource's name as the engine knows it (UTF-8). */
    [[nodiscard]] virtual std::string resourceName() const = 0;
    /** The resource type's name. */
    [[nodiscard]] virtual std::string typeName() const = 0;
    /** This node's host name. */
    [[nodiscard]] virtual std::string nodeName() const = 0;
    /** Why the run is being stopped; `none` while it is not. */
    [[nodiscard]] virtual StopReason stopReason() const noexcept = 0;
    /**
     * The engine's host died and this is its successor restoring what it hosted, so the entity may be running (W-115): the
     * flag "recover monitor state" of OpenV2 (for the first Online after it) or of OnlineV2. probe() tells for certain.
     */
    [[nodiscard]] virtual bool recovering() const noexcept { return false; }
    /** While going offline: the node it moves to, if the engine said so (OfflineV2); otherwise empty. */
    [[nodiscard]] virtual std::string destinationNode() const { return {}; }

    /**
     * Tells the engine that the resource failed, now, instead of waiting for the next check (W-320, D12).
     *
     * Ignored outside the run this object was built for; while online() still runs it fails that online.
     *
     * @par Budget Does not block.
     */
    virtual void reportFailure(std::string_view reason) noexcept = 0;

    /** Writes one line to the engine's log; lines longer than 500 characters are cut (W-905). Does not block. */
    virtual void log(LogLevel level, std::string_view text) noexcept = 0;

    template <typename... Args>
    void info(fmt::format_string<Args...> format, Args&&... args) {
        log(LogLevel::information, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void warning(fmt::format_string<Args...> format, Args&&... args) {
        log(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void error(fmt::format_string<Args...> format, Args&&... args) {
        log(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
    }
};

}  // namespace holdfast::inline v1
