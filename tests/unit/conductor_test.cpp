// SPDX-License-Identifier: BSL-1.0
// The order of resources: by example, and over every order of events of small graphs.
#include "monitor/conductor.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::monitor;
using core::MonitorState;
using Kind = core::MonitorEvent::Kind;

namespace {

/** A conductor with what it is told and what it asks. */
struct Talk {
    explicit Talk(Conductor::Places places) : conductor{std::move(places)} {}

    Conductor::Requests becomes(std::size_t resource, MonitorState state, bool closed = false, bool restart = false) {
        return note(conductor.changed(resource, {state, restart, closed, taken[resource]}));
    }
    /** Every request counts as taken: the tests by example answer at once. */
    Conductor::Requests note(Conductor::Requests requests) {
        for (const auto& request : requests) ++taken[request.resource];
        return requests;
    }
    Conductor conductor;
    std::map<std::size_t, std::uint32_t> taken;
};

bool only(const Conductor::Requests& requests, std::size_t resource, Kind kind) {
    return requests.size() == 1 && requests[0].resource == resource && requests[0].kind == kind;
}

Conductor::Places chain(const std::string& group = {}) {
    return {{0, {{}, group}}, {1, {{0}, group}}, {2, {{1}, group}}};
}

}  // namespace

TEST_CASE("W-412 the conductor: a chain of three goes up and down in order") {
    Talk talk{chain()};
    for (std::size_t i = 0; i < 3; ++i) CHECK(talk.becomes(i, MonitorState::opened).empty());
    CHECK(only(talk.note(talk.conductor.start()), 0, Kind::online));
    CHECK(talk.becomes(0, MonitorState::onlinePending).empty());
    CHECK(only(talk.becomes(0, MonitorState::online), 1, Kind::online));
    CHECK(only(talk.becomes(1, MonitorState::online), 2, Kind::online));
    CHECK(talk.becomes(2, MonitorState::online).empty());

    SECTION("down: dependents first, then everything is closed") {
        CHECK(only(talk.note(talk.conductor.stop()), 2, Kind::offline));
        CHECK(talk.becomes(2, MonitorState::offlinePending).empty());
        CHECK(only(talk.becomes(2, MonitorState::opened), 1, Kind::offline));
        CHECK(only(talk.becomes(1, MonitorState::opened), 0, Kind::offline));
        CHECK(talk.becomes(0, MonitorState::opened).size() == 3);  // shutdown
        for (std::size_t i = 0; i < 3; ++i) (void)talk.becomes(i, MonitorState::closed, true);
        CHECK(talk.conductor.phase() == Conductor::Phase::stopped);
    }
    SECTION("a failed provider takes its dependents along; it waits for them, and they come back with it") {
        CHECK(only(talk.becomes(0, MonitorState::terminating), 2, Kind::offline));
        CHECK(talk.becomes(0, MonitorState::failed, false, true).empty());
        CHECK_FALSE(talk.conductor.mayRestart(0));
        CHECK(only(talk.becomes(2, MonitorState::opened), 1, Kind::offline));
        CHECK(only(talk.becomes(1, MonitorState::opened), 0, Kind::online));
        CHECK(only(talk.becomes(0, MonitorState::online), 1, Kind::online));
        CHECK(only(talk.becomes(1, MonitorState::online), 2, Kind::online));
    }
    SECTION("nothing depends on it any more: a restart that is due goes ahead") {
        (void)talk.becomes(2, MonitorState::failed, false, true);
        CHECK(talk.conductor.mayRestart(2));
    }
    SECTION("what an administrator does not want stays down, and so does what stands on it") {
        CHECK(only(talk.note(talk.conductor.want(1, false)), 2, Kind::offline));
        CHECK(only(talk.becomes(2, MonitorState::opened), 1, Kind::offline));
        CHECK(talk.becomes(1, MonitorState::opened).empty());
        CHECK(only(talk.note(talk.conductor.want(1, true)), 1, Kind::online));
    }
    SECTION("a second stop terminates everybody") {
        (void)talk.note(talk.conductor.stop());
        const auto requests = talk.note(talk.conductor.stop());
        REQUIRE(requests.size() == 3);
        for (const auto& request : requests) CHECK(request.kind == Kind::terminate);
    }
    SECTION("one that is dead holds nobody up, and only its policy or people bring it back") {
        CHECK(only(talk.becomes(1, MonitorState::dead), 2, Kind::offline));
        CHECK(talk.becomes(2, MonitorState::opened).empty());
        CHECK(talk.becomes(1, MonitorState::unloaded).empty());  // it has a host again
        CHECK(only(talk.note(talk.conductor.want(1, true)), 1, Kind::online));
        CHECK(only(talk.becomes(1, MonitorState::online), 2, Kind::online));
    }
    SECTION("W-402 an Online that is wanted while there is no host begins once there is one") {
        (void)talk.note(talk.conductor.want(2, false));
        CHECK(talk.becomes(2, MonitorState::dead, false, true).empty());  // before its Offline is done
        CHECK(talk.note(talk.conductor.want(2, true)).empty());
        CHECK(talk.becomes(2, MonitorState::dead).empty());
        CHECK(only(talk.becomes(2, MonitorState::unloaded), 2, Kind::online));
    }
    SECTION("D17 one that is removed is not gone until its dead host is proved dead") {
        CHECK(only(talk.note(talk.conductor.arrange({{0, {}}, {1, {{0}}}, {3, {{1}, {}, true, {2}}}})), 2,
                   Kind::offline));
        (void)talk.becomes(3, MonitorState::opened);
        CHECK(talk.becomes(2, MonitorState::dead, false, true).empty());
        CHECK(talk.conductor.has(2));
        CHECK(only(talk.becomes(2, MonitorState::unloaded), 2, Kind::remove));
        CHECK(only(talk.becomes(2, MonitorState::closed, true), 3, Kind::online));
    }
    SECTION("D17 one that is removed and dies in its Close is not gone before that, either") {
        CHECK(only(talk.note(talk.conductor.arrange({{0, {}}, {1, {{0}}}, {3, {{1}, {}, true, {2}}}})), 2,
                   Kind::offline));
        (void)talk.becomes(3, MonitorState::opened);
        CHECK(only(talk.becomes(2, MonitorState::opened), 2, Kind::remove));
        CHECK(talk.becomes(2, MonitorState::dead, true, true).empty());
        CHECK(talk.conductor.has(2));
        CHECK(only(talk.becomes(2, MonitorState::unloaded, true), 3, Kind::online));
        CHECK_FALSE(talk.conductor.has(2));
    }
    SECTION("D17 W-412 what stands on something goes before it, dead or not, with all that its host left") {
        (void)talk.becomes(2, MonitorState::dead, false, true);
        CHECK(talk.note(talk.conductor.want(1, false)).empty());
        CHECK(only(talk.becomes(2, MonitorState::unloaded), 2, Kind::offline));  // it was to come back
        CHECK(only(talk.becomes(2, MonitorState::unloaded), 1, Kind::offline));
    }
    SECTION("W-402 one whose host dies while it goes down with its provider comes back with it all the same") {
        CHECK(only(talk.becomes(0, MonitorState::terminating), 2, Kind::offline));
        (void)talk.becomes(0, MonitorState::failed, false, true);
        CHECK_FALSE(talk.conductor.mayRestart(0));
        CHECK(talk.becomes(2, MonitorState::dead, false, true).empty());
        (void)talk.becomes(2, MonitorState::unloaded, false, true);  // seen with the revival that is still to follow
        // Its first Offline ended with the host. Only what is asked of it is answered, so it has to be asked anew.
        CHECK(only(talk.note(talk.conductor.revive(2)), 2, Kind::offline));
        (void)talk.becomes(2, MonitorState::unloaded);
        CHECK(only(talk.becomes(1, MonitorState::opened), 0, Kind::online));
        CHECK(only(talk.becomes(0, MonitorState::online), 1, Kind::online));
        CHECK(only(talk.becomes(1, MonitorState::online), 2, Kind::online));
    }
    SECTION("what is removed goes down before what it stands on and is closed") {
        CHECK(only(talk.note(talk.conductor.arrange({{0, {}}, {2, {{0}}}})), 1, Kind::offline));
        CHECK(only(talk.becomes(1, MonitorState::opened), 1, Kind::remove));
        CHECK(talk.becomes(1, MonitorState::closed, true).empty());
        CHECK_FALSE(talk.conductor.has(1));
        CHECK(talk.conductor.gone() == std::vector<std::size_t>{1});
        CHECK(talk.becomes(1, MonitorState::closed, true).empty());  // a late word from it
    }
    SECTION("what takes the place of another waits for its end") {
        const auto requests = talk.note(talk.conductor.arrange({{0, {}}, {1, {{0}}}, {3, {{1}, {}, true, {2}}}}));
        CHECK(only(requests, 2, Kind::offline));
        (void)talk.becomes(3, MonitorState::opened);
        CHECK(only(talk.becomes(2, MonitorState::opened), 2, Kind::remove));
        CHECK(only(talk.becomes(2, MonitorState::closed, true), 3, Kind::online));
    }
}

TEST_CASE("a group that is held goes down as a whole, says so once, and comes back when it is released or asked for") {
    Talk talk{{{0, {}}, {1, {{0}, "g"}}, {2, {{1}, "g"}}, {3, {{}, "other"}}}};
    for (std::size_t i = 0; i < 4; ++i) (void)talk.becomes(i, MonitorState::opened);
    (void)talk.note(talk.conductor.start());
    for (std::size_t i = 0; i < 4; ++i) (void)talk.becomes(i, MonitorState::online);
    (void)talk.becomes(2, MonitorState::failed);
    CHECK(talk.note(talk.conductor.hold("g", true)).size() == 2);  // what failed is down already
    CHECK(talk.conductor.fallen().empty());
    CHECK(talk.becomes(2, MonitorState::opened).empty());
    CHECK(talk.conductor.fallen().empty());
    CHECK(talk.becomes(1, MonitorState::opened).empty());
    CHECK(talk.conductor.fallen() == std::vector<std::string>{"g"});
    CHECK(talk.conductor.fallen().empty());
    SECTION("released") { CHECK(only(talk.note(talk.conductor.release("g")), 1, Kind::online)); }
    SECTION("asked for") {
        CHECK(only(talk.note(talk.conductor.want(2, true)), 1, Kind::online));
        CHECK_FALSE(talk.conductor.isHeld("g"));
    }
}

namespace {

/** What a resource's machine does, as far as the others can tell. */
enum class Work { opened, starting, online, stopping, failing, failed, closing, closed };

bool works(Work work) {
    return work == Work::starting || work == Work::online || work == Work::stopping || work == Work::failing;
}

MonitorState stateOf(Work work) {
    switch (work) {
        case Work::opened: return MonitorState::opened;
        case Work::starting: return MonitorState::onlineCalled;
        case Work::online: return MonitorState::online;
        case Work::stopping: return MonitorState::offlineCalled;
        case Work::failing: return MonitorState::terminating;
        case Work::failed: return MonitorState::failed;
        case Work::closing:
        case Work::closed: return MonitorState::closed;
    }
    return MonitorState::dead;
}

struct Resource {
    Work work{Work::opened};
    bool restart{false};      ///< pending
    bool due{false};          ///< its timer has run out
    bool wantOffline{false};  ///< once the call on the stack is over
    bool wantOnline{false};
    bool unpublished{false};  ///< the conductor has not been told yet
    std::uint32_t taken{0};
    std::deque<Kind> requests;

    auto operator<=>(const Resource&) const = default;
};

/** How a world came about: for people, no part of it. */
struct Trail {
    std::string text;
    bool operator==(const Trail&) const { return true; }
    std::strong_ordering operator<=>(const Trail&) const { return std::strong_ordering::equal; }
};

/** Machines, a conductor, and what may still go wrong; every step is one thing that may happen next. */
struct World {
    Conductor conductor;
    std::map<std::size_t, Resource> resources;
    std::map<std::size_t, std::vector<std::size_t>> providers;
    int failures{0};
    int wishes{0};
    int holds{0};
    int reloads{0};
    bool held{false};  ///< and not released yet
    bool fallen{false};
    std::set<std::size_t> unwanted;
    Trail trail;

    auto operator<=>(const World&) const = default;
};

class Exploration {
public:
    explicit Exploration(World start) {
        take(start, start.conductor.start());
        todo_.push_back(std::move(start));
    }

    std::size_t run() {
        while (!todo_.empty() && good_) {
            const World world = std::move(todo_.front());
            todo_.pop_front();
            if (!seen_.insert(world).second) continue;
            bool moved = false;
            for (const auto& [number, resource] : world.resources) moved = step(world, number) || moved;
            moved = released(world) || moved;
            people(world);
            if (!moved) settled(world);
        }
        return seen_.size();
    }
    [[nodiscard]] bool good() const { return good_; }

private:
    void require(bool holds, const char* what) {
        if (holds || !good_) return;
        good_ = false;
        FAIL_CHECK(what << trail_);
    }

    /** Requests go out; what the conductor may ask for is checked here. */
    void take(World& world, const Conductor::Requests& requests) {
        trail_ = world.trail.text;
        for (const auto& request : requests) {
            world.trail.text += (request.kind == Kind::online    ? " up"
                                 : request.kind == Kind::offline ? " down"
                                                                 : " remove") +
                                std::to_string(request.resource);
            trail_ = world.trail.text;
            auto& resource = world.resources.at(request.resource);
            if (request.kind == Kind::online) {
                require(resource.requests.empty() || resource.requests.back() == Kind::offline,
                        "it is asked to come online twice");
                require(resource.work != Work::online || resource.unpublished || !resource.requests.empty() ||
                            resource.wantOffline,
                        "it is asked to come online while it works");
            }
            if (request.kind == Kind::offline || request.kind == Kind::remove) {
                for (const auto& [number, providers] : world.providers) {
                    if (std::find(providers.begin(), providers.end(), request.resource) == providers.end()) continue;
                    require(!works(world.resources.at(number).work) && world.resources.at(number).requests.empty(),
                            "it is taken offline while a dependent works");
                }
                require(resource.requests.empty() || resource.requests.back() == Kind::online,
                        "it is asked to go offline twice");
            }
            resource.requests.push_back(request.kind);
        }
        for (const auto& group : world.conductor.fallen()) {
            require(group == "g", "only the group that is held falls");
            for (const auto& [number, resource] : world.resources) {
                if (world.conductor.groupOf(number) != "g") continue;
                require(!works(resource.work) && resource.requests.empty(), "a group falls while a member works");
            }
            world.fallen = true;
        }
        (void)world.conductor.gone();
    }

    /** W-412: nobody works on something that was taken away, except that its provider has just failed. */
    void check(const World& world) {
        for (const auto& [number, providers] : world.providers) {
            if (!works(world.resources.at(number).work)) continue;
            for (const std::size_t provider : providers) {
                const Work work = world.resources.at(provider).work;
                require(work == Work::online || work == Work::failing || work == Work::failed,
                        "a dependent works without its provider");
            }
        }
    }

    void follow(World next) {
        trail_ = next.trail.text;
        check(next);
        todo_.push_back(std::move(next));
    }

    void becomes(World& world, std::size_t number, Work work) {
        auto& resource = world.resources.at(number);
        resource.work = work;
        resource.unpublished = true;
        if (work == Work::online && resource.wantOffline) resource.work = Work::stopping;
        if (work == Work::opened || work == Work::failed) {
            resource.wantOffline = false;
            if (resource.wantOnline) resource.work = Work::starting;
            resource.wantOnline = false;
        }
    }

    /** What this resource may do next: tell, take a request, end what it does, fail. */
    bool step(const World& world, std::size_t number) {
        const auto& now = world.resources.at(number);
        if (now.unpublished) {
            World next = world;
            next.resources.at(number).unpublished = false;
            next.trail.text += "\n" + std::to_string(number) + " tells " + std::to_string(static_cast<int>(now.work));
            take(next,
                 next.conductor.changed(number, {stateOf(now.work), now.restart, now.work == Work::closed, now.taken}));
            follow(std::move(next));
            return true;  // on its strand nothing else happens before
        }
        bool moved = false;
        if (!now.requests.empty()) {
            World next = world;
            auto& resource = next.resources.at(number);
            const Kind kind = resource.requests.front();
            resource.requests.pop_front();
            ++resource.taken;
            resource.unpublished = true;
            next.trail.text += "\n" + std::to_string(number) + " takes " + std::to_string(static_cast<int>(kind));
            request(next, number, kind);
            follow(std::move(next));
            moved = true;
        }
        const auto ends = [&](Work to, bool restart = false) {
            World next = world;
            next.trail.text += "\n" + std::to_string(number) + " becomes " + std::to_string(static_cast<int>(to));
            becomes(next, number, to);
            next.resources.at(number).restart = restart;
            next.resources.at(number).due = false;
            follow(std::move(next));
            moved = true;
        };
        switch (now.work) {
            case Work::starting: ends(Work::online); break;
            case Work::stopping: ends(Work::opened); break;
            case Work::closing: ends(Work::closed); break;
            case Work::failing:
                if (now.wantOffline)
                    ends(Work::opened);
                else
                    ends(Work::failed, true);
                break;
            case Work::failed:
                if (now.restart && !now.due) {
                    World next = world;
                    auto& resource = next.resources.at(number);
                    resource.due = true;
                    next.trail.text += "\n" + std::to_string(number) + " restart due";
                    if (next.conductor.mayRestart(number)) {
                        resource.restart = false;
                        becomes(next, number, Work::starting);
                    }
                    moved = true;
                    follow(std::move(next));
                }
                break;
            default: break;
        }
        if (world.failures > 0 && (now.work == Work::online || now.work == Work::starting)) {
            World next = world;
            --next.failures;
            next.trail.text += "\n" + std::to_string(number) + " fails";
            becomes(next, number, Work::failing);
            follow(std::move(next));
        }
        return moved;
    }

    void request(World& world, std::size_t number, Kind kind) {
        auto& resource = world.resources.at(number);
        switch (kind) {
            case Kind::online:
                resource.restart = false;
                if (resource.work == Work::opened || resource.work == Work::failed) {
                    resource.work = Work::starting;
                } else if (resource.work == Work::online || resource.work == Work::starting) {
                    require(resource.wantOffline || resource.work == Work::online, "it is started twice");
                    resource.wantOffline = false;  // the later request wins
                } else {
                    resource.wantOnline = true;
                }
                break;
            case Kind::offline:
                resource.restart = resource.wantOnline = false;
                if (resource.work == Work::failed) resource.work = Work::opened;
                if (resource.work == Work::online) resource.work = Work::stopping;
                if (resource.work == Work::starting || resource.work == Work::failing) resource.wantOffline = true;
                break;
            case Kind::remove:
                require(resource.work == Work::opened, "one that works is closed");
                resource.work = Work::closing;
                break;
            default: require(false, "an unexpected request");
        }
    }

    bool released(const World& world) {
        if (!world.fallen) return false;
        World next = world;
        next.fallen = next.held = false;
        take(next, next.conductor.release("g"));
        follow(std::move(next));
        return true;
    }

    void people(const World& world) {
        for (const auto& [number, resource] : world.resources) {
            if (world.wishes == 0 || resource.work == Work::closing || resource.work == Work::closed) continue;
            World next = world;
            --next.wishes;
            const bool online = next.unwanted.contains(number);
            if (online)
                next.unwanted.erase(number);
            else
                next.unwanted.insert(number);
            next.trail.text += "\nwant " + std::to_string(number) + (online ? " online" : " offline");
            take(next, next.conductor.want(number, online));
            follow(std::move(next));
        }
        if (world.holds > 0) {
            World next = world;
            --next.holds;
            next.held = true;
            next.trail.text += "\nhold";
            take(next, next.conductor.hold("g", true));
            follow(std::move(next));
        }
        if (world.reloads > 0) {  // the middle of a chain is removed: the last one stands on the first from now on
            World next = world;
            --next.reloads;
            next.providers[2] = {0};
            next.trail.text += "\nreload";
            take(next, next.conductor.arrange({{0, {}}, {2, {{0}}}}));
            follow(std::move(next));
        }
    }

    /** Nothing happens by itself any more: who may work does, and nobody else. */
    void settled(const World& world) {
        trail_ = world.trail.text;
        for (const auto& [number, resource] : world.resources) {
            if (!world.conductor.has(number)) {
                require(resource.work == Work::closed, "one that is gone is not closed");
                continue;
            }
            require(wanted(world, number) ? resource.work == Work::online : resource.work == Work::opened,
                    "it rests in the wrong state");
        }
        require(!world.held || world.fallen || world.conductor.isHeld("g") == false, "a held group never falls");
    }

    static bool wanted(const World& world, std::size_t number) {
        const auto& providers = world.providers.at(number);
        return !world.unwanted.contains(number) &&
               std::all_of(providers.begin(), providers.end(), [&](std::size_t p) { return wanted(world, p); });
    }

    std::deque<World> todo_;
    std::set<World> seen_;
    std::string trail_;
    bool good_{true};
};

World worldOf(const Conductor::Places& places) {
    World world{Conductor{places}, {}, {}, 0, 0, 0, 0, false, false, {}, {}};
    for (const auto& [number, place] : places) {
        world.providers[number] = place.providers;
        world.resources[number];
        REQUIRE(world.conductor.changed(number, {MonitorState::opened, false, false, 0}).empty());
    }
    return world;
}

}  // namespace

TEST_CASE(
    "W-412 over every order of events a dependent never works without its provider, and all end where they belong") {
    struct Graph {
        std::string name;
        Conductor::Places places;
        int failures;
        int wishes;
        int holds;
        int reloads;
    };
    const std::vector<Graph> graphs{
        {"a pair that fails", {{0, {}}, {1, {{0}}}}, 4, 2, 0, 0},
        {"a pair that people switch", {{0, {}}, {1, {{0}}}}, 1, 3, 0, 0},
        {"a chain", chain(), 2, 2, 0, 0},
        {"two providers", {{0, {}}, {1, {}}, {2, {{0, 1}}}}, 2, 1, 0, 0},
        {"two dependents", {{0, {}}, {1, {{0}}}, {2, {{0}}}}, 2, 1, 0, 0},
        {"a pair in a group that fails over", {{0, {{}, "g"}}, {1, {{0}, "g"}}}, 2, 1, 1, 0},
        {"a group on a disk of its own", {{0, {}}, {1, {{0}, "g"}}, {2, {{1}, "g"}}}, 2, 0, 1, 0},
        {"a chain that loses its middle", chain(), 2, 1, 0, 1},
    };
    for (const auto& graph : graphs) {
        INFO(graph.name);
        World world = worldOf(graph.places);
        world.failures = graph.failures;
        world.wishes = graph.wishes;
        world.holds = graph.holds;
        world.reloads = graph.reloads;
        Exploration exploration{std::move(world)};
        const auto states = exploration.run();
        CHECK(exploration.good());
        CHECK(states > 100);
        UNSCOPED_INFO(graph.name << ": " << states << " states");
    }
}
