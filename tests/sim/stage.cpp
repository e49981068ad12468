// SPDX-License-Identifier: BSL-1.0
#include "stage.hpp"

#include "processes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <thread>

namespace sim {

using holdfast::Verdict;

Stage::Stage(const Plan& plan, Machine& machine, std::function<void(std::string)> violated)
    : tell{[](const std::string&) {}},
      plan_{plan},
      machine_{machine},
      violated_{std::move(violated)},
      roles_(plan.resources) {}

std::uint32_t Stage::number(std::string_view resource) {
    std::uint32_t number = 0;
    std::from_chars(resource.data() + 1, resource.data() + resource.size(), number);
    return number;
}

/** One call of a member, noted while it runs, and the rules about which may run together. */
class Stage::Call {
public:
    Call(Stage& stage, std::uint32_t resource, Member member, const char* name)
        : stage_{stage}, resource_{resource}, member_{member}, id_{++stage.nextCall_} {
        Role& role = stage.role(resource);
        const ProcessNumber process = stage.machine_.process();
        const auto here = [&](const Role::Live& live) { return live.process == process; };
        stage.tell(fmt::format("r{}: {} begins in process {}", resource, name, process));
        if (member == Member::terminate) {
            if (std::any_of(role.terminating.begin(), role.terminating.end(), here))
                stage.violated_(fmt::format("r{}: terminate() overlaps itself (D5)", resource));
            // What listens to its stop has ended before its grace has (D7), if it was not kept waiting.
            const Instant now = stage.machine_.now();
            const bool kept = stage.machine_.delaysBetween(now - 1'000 * oneMs, now) != 0;
            if (!kept && std::any_of(role.live.begin(), role.live.end(),
                                     [&](const Role::Live& live) { return here(live) && !live.deaf; }))
                stage.violated_(
                    fmt::format("r{}: terminate() begins beside a member that listens to its stop (D5)", resource));
            role.terminating.push_back({member, process, false, id_, now});
            return;
        }
        if (std::any_of(role.live.begin(), role.live.end(), here) ||
            std::any_of(role.terminating.begin(), role.terminating.end(), here))
            stage.violated_(fmt::format("r{}: {} begins while another member runs (D5)", resource, name));
        role.live.push_back({member, process, false, id_, stage.machine_.now()});
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
        Role& role = stage_.role(resource_);
        auto& list = member_ == Member::terminate ? role.terminating : role.live;
        if (std::any_of(list.begin(), list.end(), [&](const Role::Live& live) { return live.id == id_ && live.deaf; }))
            role.deafUntil = stage_.machine_.now();
        std::erase_if(list, [&](const Role::Live& live) { return live.id == id_; });
        if (role.live.empty() && role.terminating.empty()) role.idleSince = stage_.machine_.now();
    }
    void becomesDeaf() {
        for (auto& live : stage_.role(resource_).live) live.deaf = live.deaf || live.id == id_;
    }

private:
    Stage& stage_;
    const std::uint32_t resource_;
    const Member member_;
    const std::uint64_t id_;
};

const Deed* Stage::deed(std::uint32_t resource, Member member) {
    const std::uint32_t nth = role(resource).calls[member]++;
    const auto found = std::find_if(plan_.deeds.begin(), plan_.deeds.end(), [&](const Deed& deed) {
        return deed.resource == resource && deed.member == member && deed.nth == nth;
    });
    if (found == plan_.deeds.end()) return nullptr;
    if (member == Member::check || member == Member::repair || found->kind == Deed::Kind::reports)
        excuse(role(resource));
    return &*found;
}

Instant Stage::deedsOf(Member member) const {
    Instant all = 0;
    for (const Deed& deed : plan_.deeds) {
        if (deed.member == member) all += deed.length;
    }
    return all;
}

Instant Stage::deedsOf(Member member, std::uint32_t resource) const {
    Instant all = 0;
    for (const Deed& deed : plan_.deeds) {
        if (deed.member == member && deed.resource == resource) all += deed.length + 1;
    }
    return all;
}

void Stage::act(const Deed& deed, holdfast::Stoppable& stoppable, holdfast::Operation* operation) {
    const std::chrono::milliseconds length{deed.length / oneMs};
    switch (deed.kind) {
        case Deed::Kind::slow: {
            for (auto left = length; left.count() > 0; left -= std::chrono::milliseconds{250}) {
                if (operation != nullptr) operation->checkpoint("working");
                stoppable.sleepFor(std::min(left, std::chrono::milliseconds{250}));
            }
            break;
        }
        case Deed::Kind::deaf: machine_.sleepUntil(machine_.now() + deed.length); break;
        case Deed::Kind::crashes:
            tell(fmt::format("r{}: the process crashes", deed.resource));
            processes->end(machine_.process(), {true, SIGSEGV});
            break;
        case Deed::Kind::odd: throw 42;  // NOLINT(hicpp-exception-baseclass): what an author may do
        case Deed::Kind::fails: throw holdfast::Error{"as planned"};
        case Deed::Kind::reports:
            // One that is reported while it stops interests nobody.
            if (deed.member != Member::offline) role(deed.resource).reportedAt = machine_.now();
            for (const auto& [object, known] : role(deed.resource).objects) {
                if (known.first == machine_.process()) known.second->reportFailure("as planned");
            }
            break;
        case Deed::Kind::half: break;
    }
}

void Stage::excuse(Role& role) const {
    role.excused = true;
    role.causeAt = machine_.now();
}

void Stage::start(std::uint32_t resource) {
    Entity& entity = role(resource).entity;
    tell(fmt::format("r{}: the entity starts", resource));
    if (!entity.copies.empty()) violated_(fmt::format("r{}: a second copy starts", resource));
    entity.copies.push_back(machine_.process());
    entity.broken = false;
    entity.brokenAt = entity.exitedAt = never;
    role(resource).diedAt = never;
}

void Stage::stop(std::uint32_t resource) {
    Entity& entity = role(resource).entity;
    role(resource).reportedAt = role(resource).diedAt = never;
    if (!entity.copies.empty()) tell(fmt::format("r{}: the entity ends", resource));
    entity.copies.clear();
    entity.broken = false;
    entity.brokenAt = entity.exitedAt = never;
}

void Stage::enter(std::string_view resource, const void* object, holdfast::Context& context) {
    role(number(resource)).objects.emplace(object, std::pair{machine_.process(), &context});
}

void Stage::leave(std::string_view resource, const void* object) {
    Role& it = role(number(resource));
    it.objects.erase(object);
    const ProcessNumber process = machine_.process();
    if (std::any_of(it.live.begin(), it.live.end(), [&](const Role::Live& live) { return live.process == process; }))
        violated_(fmt::format("{}: its object is destroyed while a member runs (D14)", resource));
}

void Stage::online(std::string_view resource, holdfast::Operation& operation) {
    const std::uint32_t r = number(resource);
    Call call{*this, r, Member::online, "online()"};
    Role& it = role(r);
    ++it.onlines;
    it.startedAt = it.reportedAt = it.diedAt = never;
    it.excused = false;
    const Deed* const unusual = deed(r, Member::online);
    if (unusual != nullptr) {
        if (unusual->kind == Deed::Kind::deaf) call.becomesDeaf();
        act(*unusual, operation, &operation);
    }
    start(r);
    if (unusual != nullptr && unusual->kind == Deed::Kind::half) throw holdfast::Error{"as planned, half-way"};
    if (!operation.stopRequested() && (unusual == nullptr || unusual->kind != Deed::Kind::reports))
        it.startedAt = machine_.now();
}

void Stage::offline(std::string_view resource, holdfast::Operation& operation) {
    const std::uint32_t r = number(resource);
    Call call{*this, r, Member::offline, "offline()"};
    const Deed* const unusual = deed(r, Member::offline);
    if (unusual != nullptr) {
        if (unusual->kind == Deed::Kind::deaf) call.becomesDeaf();
        act(*unusual, operation, &operation);
    }
    stop(r);
    if (unusual != nullptr && unusual->kind == Deed::Kind::half) throw holdfast::Error{"as planned, half-way"};
}

void Stage::terminate(std::string_view resource) noexcept {
    const std::uint32_t r = number(resource);
    const Call call{*this, r, Member::terminate, "terminate()"};
    const Deed* const unusual = deed(r, Member::terminate);
    if (unusual != nullptr) {
        if (unusual->kind == Deed::Kind::crashes) processes->end(machine_.process(), {true, SIGSEGV});
        const bool first = unusual->kind == Deed::Kind::deaf;
        if (first) stop(r);
        machine_.sleepUntil(machine_.now() + unusual->length);
        if (first) return;
    }
    if (!plan_.sabotage) stop(r);
}

Verdict Stage::isAlive(std::string_view resource, holdfast::Check& check) {
    const std::uint32_t r = number(resource);
    Call call{*this, r, Member::check, "isAlive()"};
    const Deed* const unusual = deed(r, Member::check);
    const Entity& entity = role(r).entity;
    const auto ran = [&] { return !entity.copies.empty() && !entity.broken && entity.exitedAt == never; };
    const bool before = ran();
    if (unusual != nullptr) {
        if (unusual->kind == Deed::Kind::deaf) call.becomesDeaf();
        if (unusual->kind == Deed::Kind::fails) return Verdict::failed("as planned");
        act(*unusual, check, nullptr);
    } else {
        machine_.point();
    }
    return before && ran() ? Verdict::alive() : Verdict::failed("it does not answer");
}

bool Stage::repair(std::string_view resource, holdfast::Check& check) {
    const std::uint32_t r = number(resource);
    Call call{*this, r, Member::repair, "repair()"};
    const Deed* const unusual = deed(r, Member::repair);
    if (unusual == nullptr) return false;
    if (unusual->kind == Deed::Kind::deaf) call.becomesDeaf();
    act(*unusual, check, nullptr);
    Entity& entity = role(r).entity;
    if (entity.copies.empty() || entity.exitedAt != never) return false;
    entity.broken = false;
    entity.brokenAt = never;
    tell(fmt::format("r{}: repaired", r));
    return true;
}

void Stage::processEnded(ProcessNumber process, bool orderly) {
    for (std::uint32_t r = 0; r < roles_.size(); ++r) {
        Role& it = roles_[r];
        const auto here = [&](const Role::Live& live) { return live.process == process; };
        const bool ran = std::find(it.entity.copies.begin(), it.entity.copies.end(), process) != it.entity.copies.end();
        const bool deaf =
            std::any_of(it.live.begin(), it.live.end(), [&](const Role::Live& live) { return live.deaf; });
        const auto calls = std::erase_if(it.live, here) + std::erase_if(it.terminating, here);
        const auto objects =
            std::erase_if(it.objects, [&](const auto& object) { return object.second.first == process; });
        // A call that was kept from the processor may be as wedged as a deaf one.
        const bool calm = machine_.delaysBetween(machine_.now() - 2'000 * oneMs, machine_.now()) == 0;
        if (orderly && calm && !deaf && machine_.now() - it.deafUntil > 1'000 * oneMs &&
            deedsOf(Member::terminate, r) == 0) {
            if (calls != 0) violated_(fmt::format("r{}: its host has left while its author's code runs (D8)", r));
            if (objects != 0) violated_(fmt::format("r{}: its host has left with an object of it (D8, D14)", r));
        }
        if (ran) it.diedAt = machine_.now();
        if (!ran && calls == 0 && objects == 0) continue;  // another's
        it.startedAt = it.reportedAt = never;
        it.idleSince = machine_.now();
    }
    if (!remains(process)) return;
    const ProcessNumber before = machine_.enter(0);  // the system's own work
    machine_.start([this, process]() -> void* {
        machine_.sleepUntil(machine_.now() + machine_.chance().below(50) * oneMs);
        for (std::uint32_t r = 0; r < roles_.size(); ++r) {
            Entity& entity = roles_[r].entity;
            if (std::erase(entity.copies, process) == 0) continue;
            tell(fmt::format("r{}: the entity has died with process {}", r, process));
            entity.broken = false;
            entity.brokenAt = entity.exitedAt = never;
        }
        return nullptr;
    });
    machine_.enter(before);
}

bool Stage::remains(ProcessNumber process) const {
    return std::any_of(roles_.begin(), roles_.end(), [&](const Role& role) {
        return std::find(role.entity.copies.begin(), role.entity.copies.end(), process) != role.entity.copies.end();
    });
}

void Stage::breakEntity(std::uint32_t resource) {
    Entity& entity = role(resource).entity;
    if (entity.copies.empty() || entity.broken || entity.exitedAt != never) return;
    tell(fmt::format("r{}: the entity breaks", resource));
    entity.broken = true;
    excuse(role(resource));
    entity.brokenAt = machine_.now();
    entity.delayedWhenBroken = machine_.delayed();
}

void Stage::exitEntity(std::uint32_t resource) {
    Role& it = role(resource);
    Entity& entity = it.entity;
    if (entity.copies.empty() || entity.exitedAt != never) return;
    tell(fmt::format("r{}: the entity exits", resource));
    entity.exitedAt = machine_.now();
    excuse(it);
    if (entity.brokenAt == never) entity.brokenAt = machine_.now();
    entity.delayedWhenBroken = machine_.delayed();
    const ProcessNumber owner = entity.copies.front();
    for (const auto& [object, known] : it.objects) {
        if (known.first != owner) continue;
        // On a thread of the agent's own, as its watch of the process would.
        const ProcessNumber before = machine_.enter(owner);
        machine_.start([this, r = resource, object = object, context = known.second]() -> void* {
            // While the object lives, as an author who joins the watch in the destructor would.
            const auto& objects = role(r).objects;
            const auto found = objects.find(object);  // another may have been made in its place
            if (found != objects.end() && found->second.second == context) context->reportFailure("the process exited");
            return nullptr;
        });
        machine_.enter(before);
    }
}

}  // namespace sim
