// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the agents of one schedule run, and how they behave.

#include "machine/machine.hpp"
#include "plan.hpp"
#include "theatre.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sim {

/** The thing that must stay available: outside of every process, as a database is, but it dies with the one that started it. */
struct Entity {
    std::vector<ProcessNumber> copies;  ///< who started each that runs
    bool broken{false};                 ///< runs and answers no more
    Instant brokenAt{never};            ///< since then, also while it has exited
    Instant exitedAt{never};            ///< since then it is gone by itself
    Instant delayedWhenBroken{0};
};

/** One resource as its author's code sees it. */
struct Role {
    Entity entity;
    std::map<Member, std::uint32_t> calls;
    struct Live {
        Member member;
        ProcessNumber process;
        bool deaf;
        std::uint64_t id;
        Instant since;
    };
    std::vector<Live> live;  ///< members other than terminate() that run now
    std::vector<Live> terminating;
    std::map<const void*, std::pair<ProcessNumber, holdfast::Context*>> objects;
    Instant idleSince{0};               ///< no member has run since then
    Instant startedAt{never};           ///< the last online() that did its work ended then, and nothing stopped it
    Instant deafUntil{-1'000 * oneMs};  ///< the last call that did not listen to its stop ended then
    Instant reportedAt{never};          ///< its code reported a failure of this run then
    Instant diedAt{never};              ///< its process ended then, and it with it
    Instant causeAt{-1'000 * oneMs};    ///< something that may be taken for a failure happened last then
    bool excused{false};                ///< and that was in this run
    std::uint64_t onlines{0};
};

class Stage final : public Theatre {
public:
    Stage(const Plan& plan, Machine& machine, std::function<void(std::string)> violated);

    void enter(std::string_view resource, const void* object, holdfast::Context& context) override;
    void leave(std::string_view resource, const void* object) override;
    void online(std::string_view resource, holdfast::Operation& operation) override;
    void offline(std::string_view resource, holdfast::Operation& operation) override;
    void terminate(std::string_view resource) noexcept override;
    holdfast::Verdict isAlive(std::string_view resource, holdfast::Check& check) override;
    bool repair(std::string_view resource, holdfast::Check& check) override;

    [[nodiscard]] Role& role(std::uint32_t resource) { return roles_.at(resource); }
    [[nodiscard]] const std::vector<Role>& roles() const noexcept { return roles_; }
    /** Whatever of its code ran is gone; what it started dies in a moment. */
    void processEnded(ProcessNumber process, bool orderly);
    [[nodiscard]] bool remains(ProcessNumber process) const;
    void breakEntity(std::uint32_t resource);
    void exitEntity(std::uint32_t resource);
    /** What unusual deeds of this member can take, all of them. */
    [[nodiscard]] Instant deedsOf(Member member) const;
    /** And of this resource; more than 0 if there are any. */
    [[nodiscard]] Instant deedsOf(Member member, std::uint32_t resource) const;
    /** What happened, if it is kept. */
    std::function<void(std::string)> tell;

private:
    class Call;
    const Deed* deed(std::uint32_t resource, Member member);
    [[nodiscard]] static std::uint32_t number(std::string_view resource);
    void act(const Deed& deed, holdfast::Stoppable& stoppable, holdfast::Operation* operation);
    void start(std::uint32_t resource);
    void stop(std::uint32_t resource);
    void excuse(Role& role) const;

    const Plan& plan_;
    Machine& machine_;
    std::function<void(std::string)> violated_;
    std::vector<Role> roles_;
    std::uint64_t nextCall_{0};
};

}  // namespace sim
