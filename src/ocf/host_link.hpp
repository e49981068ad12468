// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "logger.hpp"
#include "parameters.hpp"

#include <holdfast/exec/engine_link.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace holdfast::inline v1::ocf {

/** What a run that could not go on leaves behind. */
struct Failure {
    ErrorCode code{ErrorCode::failed};
    bool everywhere{false};  ///< the parameters themselves are wrong, on every node (L-045)
    std::string reason;
};

/** The way from the one resource of a resident host to the host's own thread. @par Thread safety All of it. */
class HostLink final : public exec::EngineLink {
public:
    struct Events {
        std::function<void(core::Status, Failure)> reported;  ///< a final status
        std::function<void(std::string)> failed;              ///< a run failed; why
        std::function<std::string()> clear;                   ///< ends what an earlier host left; what lives on
        std::function<void()> checked;  ///< isAlive() or looksAlive() ended; what follows is not yet known
    };
    HostLink(std::shared_ptr<const AgentType> type, std::shared_ptr<Logger> logger, Events events)
        : type_{std::move(type)}, logger_{std::move(logger)}, events_{std::move(events)} {}

    /**
     * For the next Online. `adoptOnly`: it may take over what runs, and start nothing. `clear`: an earlier host died, and what it
     * left is ended before anything starts.
     */
    void prepare(Parameters parameters, bool adoptOnly, bool clear);
    /** What probe() said in the last Online; empty if it did not come so far. */
    [[nodiscard]] std::optional<Presence> found() const;
    /** The last checkpoint of the operation; empty if it said nothing. */
    [[nodiscard]] std::string lastStep() const;
    /** The last line that said what is wrong. */
    [[nodiscard]] std::string lastError() const;

    bool report(const exec::StatusReport& status) noexcept override;
    void log(LogLevel level, std::string_view text) noexcept override;
    void signalFailure(ErrorCode code) noexcept override;
    [[nodiscard]] PropertyBag readProperties() override;
    [[nodiscard]] Engine engine() const noexcept override { return Engine::pacemaker; }
    [[nodiscard]] bool mayStart(Presence found) noexcept override;
    void enterCall(const char* call) noexcept override;
    void leaveCall() noexcept override;

private:
    const std::shared_ptr<const AgentType> type_;
    const std::shared_ptr<Logger> logger_;
    const Events events_;
    mutable std::mutex mutex_;  // guards all below
    Parameters parameters_;
    bool adoptOnly_{false};
    bool clear_{false};
    bool wrongEverywhere_{false};
    bool refused_{false};  ///< nothing was found, and nothing may be started
    std::optional<Presence> found_;
    std::string lastStep_;
    std::string lastError_;
};

}  // namespace holdfast::inline v1::ocf
