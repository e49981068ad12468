// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/monitor_events.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace holdfast::inline v1::monitor {

/**
 * Decides which resource is asked for what, from the states of all (W-412): providers first up, dependents first down.
 *
 * Pure: told of every change, it returns the requests to make.
 *
 * @par Thread safety One owner at a time.
 */
class Conductor {
public:
    enum class Phase { preparing, running, stopping, terminating, closing, stopped };

    /** What one resource looks like from outside. */
    struct View {
        core::MonitorState state{core::MonitorState::unloaded};
        bool restartPending{false};
        bool closed{false};  ///< its close request has ended
    };
    struct Request {
        std::size_t resource;
        core::MonitorEvent::Kind kind;
    };
    using Requests = std::vector<Request>;

    /** `providers[i]` are the resources that resource i depends on. */
    explicit Conductor(std::vector<std::vector<std::size_t>> providers);

    [[nodiscard]] Requests changed(std::size_t resource, const View& view);
    [[nodiscard]] Requests start();
    /** The first call goes gracefully, the second terminates. */
    [[nodiscard]] Requests stop();
    /** An administrator's wish; outlives failures. */
    [[nodiscard]] Requests want(std::size_t resource, bool online);

    /** 0 depends on nothing; n depends on something of rank n - 1. */
    [[nodiscard]] std::uint32_t rank(std::size_t resource) const;
    /**
     * Its host is gone, whatever it said last: until its own word comes nothing that depends on it is started. What shared the
     * host must all be lost before one of them is revived.
     */
    [[nodiscard]] Requests lost(std::size_t resource);
    /** Its own word has come: `changed` has been told of the host's death. */
    void heard(std::size_t resource) { members_[resource].lost = false; }
    /** Its host died through no fault of its own, and there is a new one: it is as good as never asked. */
    [[nodiscard]] Requests revive(std::size_t resource);

    [[nodiscard]] Phase phase() const noexcept { return phase_; }
    /** Nothing works, nothing is being started and nothing will be: only people can help. */
    [[nodiscard]] bool hopeless() const;

private:
    enum class Asked { nothing, up, down };
    struct Member {
        View view;
        std::vector<std::size_t> providers;
        std::vector<std::size_t> dependents;
        Asked asked{Asked::nothing};
        bool wanted{true};
        bool lost{false};
    };

    [[nodiscard]] Requests next();
    void conduct(Requests& requests);
    void lower(Requests& requests);
    [[nodiscard]] static bool isDown(const Member& member) noexcept;
    [[nodiscard]] static bool isOnline(const Member& member) noexcept;
    [[nodiscard]] bool mayWork(const Member& member) const;

    std::vector<Member> members_;
    Phase phase_{Phase::preparing};
};

}  // namespace holdfast::inline v1::monitor
