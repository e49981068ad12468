// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/dependencies.hpp>
#include <holdfast/operation.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v1 {

/** The engine's log levels (W-905). */
enum class LogLevel : std::uint8_t { information = 0, warning = 1, error = 2, severe = 3 };

/** Which program runs the resource. */
enum class Engine : std::uint8_t {
    unknown,
    failoverClustering,  ///< Windows Server Failover Clustering: the resource host (RHS)
    monitor,             ///< holdfast's own Resource Monitor, or a program that embeds it
    test,                ///< holdfast/testing.hpp
    pacemaker,           ///< Pacemaker, or whoever else calls an OCF agent
};

/** "Windows Server Failover Clustering", "holdfast monitor", ... */
[[nodiscard]] std::string_view engineName(Engine engine) noexcept;

/** Why a resource goes offline, where the engine says so (W-650); the numbers are those of the control code. */
enum class StateChangeReason : std::uint32_t {
    unknown = 0,
    move = 1,        ///< its group is moved by people
    failover = 2,    ///< its group fails over
    failedMove = 3,  ///< a move is taken back
    shutdown = 4,    ///< the node shuts down
    rundown = 5,     ///< the cluster service ends
};

/** "move", "failover", ... */
[[nodiscard]] std::string_view stateChangeName(StateChangeReason reason) noexcept;

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

    /** The resource's name as the engine knows it now (UTF-8): it may be renamed while it runs (W-651). */
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

    /** The program that runs the resource. */
    [[nodiscard]] virtual Engine engine() const noexcept { return Engine::unknown; }
    /**
     * What the engine said about the stop under way: `unknown` while nothing is being stopped, and from engines that do not
     * say it (W-650). On Windows only of a type whose characteristics ask for it.
     */
    [[nodiscard]] virtual StateChangeReason stateChangeReason() const noexcept { return StateChangeReason::unknown; }

    /**
     * What the resource depends on, with its values. The first call of a run, and the first after a notice, asks the engine.
     *
     * @par Budget Asking is remote work: at most 10 s. Call it from online() or a check and keep what terminate() will need.
     * @par Errors Throws `Error`: `timeout`, `notInstalled` where there is no such engine, or what the engine answered.
     */
    [[nodiscard]] virtual Dependencies dependencies() { return {}; }
    /** What the engine said about the dependencies since the run began, oldest first; at most the last 64. */
    [[nodiscard]] virtual std::vector<DependencyNotice> dependencyNotices() const { return {}; }

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
