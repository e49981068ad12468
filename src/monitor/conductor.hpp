// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/monitor_events.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor {

/**
 * Decides which resource is asked for what, from the states of all (W-412): providers first up, dependents first down;
 * a provider that failed starts again when what depends on it is down; a group that is held goes down as a whole.
 *
 * Pure: told of every change, it returns the requests to make. Resources have numbers that are never used twice.
 *
 * @par Thread safety One owner at a time.
 */
class Conductor {
public:
    enum class Phase { preparing, running, stopping, terminating, closing, stopped };

    /** What one resource looks like from outside. */
    struct View {
        core::MonitorState state{core::MonitorState::unloaded};
        bool restartPending{false};  ///< or, of one that is dead, its host is not proved dead yet
        bool closed{false};          ///< its close request has ended
        std::uint32_t taken{0};      ///< how many requests it has taken so far: an older picture decides nothing
        bool broken{false};          ///< it could not be opened, or its host died at work: the restart policy goes on

        auto operator<=>(const View&) const = default;
    };
    struct Request {
        std::size_t resource;
        core::MonitorEvent::Kind kind;
    };
    using Requests = std::vector<Request>;

    /** The place of a resource among the others. */
    struct Place {
        std::vector<std::size_t> providers;
        std::string group{};               ///< empty: none
        bool wanted{true};                 ///< of one that is new
        std::vector<std::size_t> after{};  ///< of one that is new: it must not work before these are closed
    };
    using Places = std::map<std::size_t, Place>;

    explicit Conductor(Places places);

    [[nodiscard]] Requests changed(std::size_t resource, const View& view);
    [[nodiscard]] Requests start();
    /** The first call goes gracefully, the second terminates. */
    [[nodiscard]] Requests stop();
    /** An administrator's wish; outlives failures. Online lets a held group go. */
    [[nodiscard]] Requests want(std::size_t resource, bool online);
    /** The restart that was pending is due; its view follows. False: not yet, a request to start follows in time. */
    [[nodiscard]] bool mayRestart(std::size_t resource);
    /** New places for all; who has none any more goes offline and is removed. */
    [[nodiscard]] Requests arrange(Places places);

    /** The group goes offline in order and stays so; `returns`: until `release`, otherwise until people ask. */
    [[nodiscard]] Requests hold(const std::string& group, bool returns);
    /** The group was held when the monitor ended: it is from the start. */
    void keep(const std::string& group) { holds_[group] = {false, true}; }
    [[nodiscard]] bool isHeld(const std::string& group) const { return holds_.contains(group); }
    [[nodiscard]] std::string groupOf(std::size_t resource) const;
    [[nodiscard]] Requests release(const std::string& group);
    /** Held groups that have gone down entirely; each is told once. */
    [[nodiscard]] std::vector<std::string> fallen();

    /** Who has been removed since this was asked last. */
    [[nodiscard]] std::vector<std::size_t> gone() { return std::exchange(gone_, {}); }

    /**
     * Its host is gone, whatever it said last: until its own word comes nothing that depends on it is started. What shared the
     * host must all be lost before one of them is revived.
     */
    [[nodiscard]] Requests lost(std::size_t resource);
    /** Its own word has come: `changed` has been told of the host's death. */
    [[nodiscard]] Requests heard(std::size_t resource);
    /** Its host died through no fault of its own, and there is a new one: it is as good as never asked. */
    [[nodiscard]] Requests revive(std::size_t resource);

    [[nodiscard]] Phase phase() const noexcept { return phase_; }
    [[nodiscard]] bool has(std::size_t resource) const { return members_.contains(resource); }
    /** Nothing works, nothing is being started and nothing will be: only people can help. */
    [[nodiscard]] bool hopeless() const;

    auto operator<=>(const Conductor&) const = default;

private:
    enum class Asked { nothing, up, down, close };
    struct Member {
        View view;
        std::vector<std::size_t> providers;
        std::vector<std::size_t> dependents;
        std::vector<std::size_t> after;
        std::string group;
        Asked asked{Asked::nothing};
        std::uint32_t sent{0};  ///< requests
        bool wanted{true};
        bool lost{false};
        bool leaving{false};
        bool restartDue{false};

        auto operator<=>(const Member&) const = default;
    };
    struct Hold {
        bool returns{false};
        bool told{false};

        auto operator<=>(const Hold&) const = default;
    };

    [[nodiscard]] Requests next();
    void conduct(Requests& requests);
    void raise(std::size_t number, Member& member, Requests& requests) const;
    static void ask(std::size_t number, Member& member, core::MonitorEvent::Kind kind, Requests& requests);
    void dismiss(Requests& requests);
    void lower(Requests& requests);
    void connect();
    [[nodiscard]] static bool isDown(const Member& member) noexcept;
    [[nodiscard]] static bool isOnline(const Member& member) noexcept;
    [[nodiscard]] static bool isCurrent(const Member& member) noexcept { return member.view.taken == member.sent; }
    [[nodiscard]] static bool isQuiet(const Member& member) noexcept;
    [[nodiscard]] bool isFree(const Member& member) const;
    [[nodiscard]] bool isAllowed(const Member& member) const;
    [[nodiscard]] bool mayWork(const Member& member) const;
    template <typename Holds>
    [[nodiscard]] bool all(const std::vector<std::size_t>& start, std::vector<std::size_t> Member::*next,
                           const Holds& holds) const;

    std::map<std::size_t, Member> members_;
    std::map<std::string, Hold> holds_;
    std::vector<std::size_t> gone_;
    Phase phase_{Phase::preparing};
};

}  // namespace holdfast::inline v1::monitor
