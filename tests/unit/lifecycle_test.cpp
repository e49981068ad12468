// SPDX-License-Identifier: BSL-1.0

/// The agent-side machine, race by race and rule by rule, without time or threads.

#include <holdfast/core/lifecycle.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <optional>
#include <vector>

using namespace holdfast::core;
using Kind = Action::Kind;
using holdfast::StopReason;

namespace {

/** One machine and what it last wanted. */
class Bench {
public:
    explicit Bench(const Policy& policy = {}, Milliseconds syncGrace = Milliseconds{0}) : machine{policy, syncGrace} {}

    Bench& request(Request what) { return on(Event::requested(what)); }
    Bench& workEnds(Outcome outcome = Outcome::succeeded) {
        return on(Event::ended(machine.workJob(), machine.workId(), outcome));
    }
    Bench& terminateEnds() { return on(Event::ended(Job::terminate, machine.terminateId(), Outcome::succeeded)); }
    Bench& expire(Timer timer, bool stalled = false) {
        return on(Event::expired(timer, machine.timer(timer), stalled));
    }
    Bench& on(const Event& event) {
        const Actions actions = machine.on(event, now);
        last.assign(actions.begin(), actions.end());
        return *this;
    }
    Bench& online() { return request(Request::online).workEnds(); }

    [[nodiscard]] const Action* find(Kind kind) const {
        const auto found =
            std::find_if(last.begin(), last.end(), [&](const Action& action) { return action.kind == kind; });
        return found == last.end() ? nullptr : &*found;
    }
    [[nodiscard]] bool wants(Kind kind) const { return find(kind) != nullptr; }
    [[nodiscard]] std::optional<Job> started() const {
        const Action* const action = find(Kind::startJob);
        return action == nullptr ? std::nullopt : std::optional{action->job};
    }
    [[nodiscard]] std::optional<Status> reported() const {
        const Action* const action = find(Kind::report);
        return action == nullptr ? std::nullopt : std::optional{action->status};
    }
    [[nodiscard]] std::optional<Answer> answered(Request request) const {
        for (const Action& action : last) {
            if (action.kind == Kind::reply && action.request == request) return action.answer;
        }
        return std::nullopt;
    }
    [[nodiscard]] std::size_t position(Kind kind) const {
        return static_cast<std::size_t>(
            std::find_if(last.begin(), last.end(), [&](const Action& a) { return a.kind == kind; }) - last.begin());
    }

    Lifecycle machine;
    std::vector<Action> last;
    Time now{0};
};

}  // namespace

TEST_CASE("W-240 Terminate wins over an Online that is about to be reported") {
    Bench bench;
    bench.request(Request::online).request(Request::terminate);
    CHECK(bench.wants(Kind::closeReports));
    CHECK(bench.wants(Kind::requestStop));
    bench.workEnds();  // it succeeded all the same
    CHECK_FALSE(bench.reported());
    CHECK(bench.started() == Job::terminate);
    bench.terminateEnds();
    CHECK(bench.answered(Request::terminate) == Answer::done);
    CHECK(bench.machine.phase() == Phase::offline);
    CHECK(bench.machine.clean());
}

TEST_CASE("W-240 if the report wins, Terminate kills an online entity") {
    Bench bench;
    bench.online();
    CHECK(bench.reported() == Status::online);
    bench.request(Request::terminate);
    CHECK(bench.started() == Job::terminate);
}

TEST_CASE("W-240 an Online or Offline that runs into a Terminate starts nothing") {
    Bench bench;
    bench.online().request(Request::terminate);
    bench.request(Request::online);
    CHECK(bench.answered(Request::online) == Answer::invalidState);
    CHECK_FALSE(bench.started());
    bench.request(Request::offline);
    CHECK(bench.answered(Request::offline) == Answer::invalidState);
}

TEST_CASE("W-241 the answer pending leaves before any work starts, so no report can overtake it in the machine") {
    Bench bench;
    bench.request(Request::online);
    CHECK(bench.answered(Request::online) == Answer::pending);
    CHECK(bench.position(Kind::reply) < bench.position(Kind::startJob));
}

TEST_CASE("W-242 a direct Offline overtakes a pending Online", "[W-234]") {
    Bench bench;
    bench.request(Request::online).request(Request::offline);
    CHECK(bench.answered(Request::offline) == Answer::pending);
    CHECK(bench.find(Kind::requestStop)->stop == StopReason::offline);
    SECTION("that then succeeds: offline() runs") {
        bench.workEnds();
        CHECK(bench.started() == Job::offline);
        bench.workEnds();
        CHECK(bench.reported() == Status::offline);
    }
    SECTION("that then fails: terminate() cleans up") {
        bench.workEnds(Outcome::failed);
        CHECK(bench.started() == Job::terminate);
        bench.terminateEnds();
        CHECK(bench.reported() == Status::offline);
    }
    SECTION("that ignores its stop: terminate() overlaps it") {
        bench.expire(Timer::grace);
        CHECK(bench.started() == Job::terminate);
        bench.terminateEnds();
        CHECK(bench.reported() == Status::offline);
        bench.workEnds();
        CHECK(bench.started() == Job::terminate);  // and undoes it when it ends
    }
}

TEST_CASE("W-243 Online during a pending Offline is refused and changes nothing") {
    Bench bench;
    bench.online().request(Request::offline).request(Request::online);
    CHECK(bench.answered(Request::online) == Answer::invalidState);
    CHECK(bench.last.size() == 1);
    bench.workEnds();
    CHECK(bench.reported() == Status::offline);
}

TEST_CASE("W-244 Close with a pending operation runs the Terminate logic") {
    Bench bench;
    bench.request(Request::online).request(Request::close);
    CHECK(bench.find(Kind::requestStop)->stop == StopReason::close);
    bench.workEnds(Outcome::failed);
    CHECK(bench.started() == Job::terminate);
    CHECK(bench.find(Kind::startJob)->destroy);
    bench.terminateEnds();
    CHECK(bench.answered(Request::close) == Answer::done);
    CHECK(bench.position(Kind::release) < bench.position(Kind::reply));
}

TEST_CASE("W-245 Terminate while a check runs: the object is not destroyed under it", "[W-332]") {
    Bench bench;
    bench.online().expire(Timer::checkDue);
    CHECK(bench.started() == Job::check);
    bench.request(Request::terminate);
    CHECK(bench.find(Kind::setVerdict)->health == Health::none);
    bench.expire(Timer::grace);
    CHECK(bench.started() == Job::terminate);
    CHECK_FALSE(bench.find(Kind::startJob)->destroy);
    bench.terminateEnds();
    CHECK(bench.answered(Request::terminate) == Answer::done);
    bench.workEnds(Outcome::failed);
    CHECK_FALSE(bench.wants(Kind::signalFailure));  // its verdict is of no interest any more
    CHECK(bench.find(Kind::startJob)->destroy);
}

TEST_CASE("W-246 a failure reported just as Offline starts is not signalled, and Online resets the event") {
    Bench bench;
    bench.online();
    const Generation run = bench.machine.generation();
    bench.request(Request::offline).on(Event::reported(run));
    CHECK(bench.last.empty());
    bench.workEnds().request(Request::online);
    CHECK(bench.position(Kind::resetEvent) < bench.position(Kind::reply));  // D12
}

TEST_CASE("W-247 Terminate twice, and during a stop's own terminate()") {
    Bench bench;
    bench.online().request(Request::terminate).request(Request::terminate);
    CHECK_FALSE(bench.started());
    bench.terminateEnds();
    CHECK(bench.answered(Request::terminate) == Answer::done);
    bench.request(Request::terminate);
    CHECK(bench.answered(Request::terminate) == Answer::done);  // nothing to do
    CHECK_FALSE(bench.started());
}

TEST_CASE("W-248 a limit that expires as the operation ends leaves one final report") {
    Bench bench;
    bench.request(Request::online).expire(Timer::limit);
    CHECK(bench.reported() == Status::failed);
    bench.workEnds();
    CHECK_FALSE(bench.reported());
    Bench other;
    other.request(Request::online);
    const TimerId limit = other.machine.timer(Timer::limit);
    other.workEnds();
    CHECK(other.reported() == Status::online);
    other.on(Event::expired(Timer::limit, limit));
    CHECK(other.last.empty());
}

TEST_CASE("W-249 what attempt n says during attempt n+1 is dropped") {
    Bench bench;
    bench.request(Request::online);
    const JobId stale = bench.machine.workId();
    const Generation staleRun = bench.machine.generation();
    bench.request(Request::terminate).workEnds().terminateEnds().request(Request::online);
    bench.on(Event::progressed(stale));
    CHECK(bench.last.empty());
    bench.on(Event::ended(Job::online, stale, Outcome::succeeded));
    CHECK(bench.last.empty());
    bench.on(Event::reported(staleRun));
    CHECK(bench.last.empty());
    bench.on(Event::stoppedByEngine(staleRun));
    CHECK(bench.last.empty());
}

TEST_CASE("D4 checkpoints inside 100 ms are coalesced to one report") {
    Bench bench;
    bench.request(Request::online).on(Event::progressed(bench.machine.workId()));
    CHECK(bench.reported() == Status::onlinePending);
    const std::uint32_t first = bench.find(Kind::report)->checkPoint;
    bench.on(Event::progressed(bench.machine.workId()));
    CHECK_FALSE(bench.reported());
    bench.on(Event::progressed(bench.machine.workId()));
    bench.expire(Timer::coalesce);
    CHECK(bench.find(Kind::report)->checkPoint == first + 1);
    bench.expire(Timer::coalesce);
    CHECK_FALSE(bench.reported());
}

TEST_CASE("D6 above the cap Online fails fast, Offline goes by terminate(), a check is no failure") {
    Bench bench;
    bench.request(Request::online).workEnds(Outcome::rejected);
    CHECK(bench.reported() == Status::failed);
    CHECK(bench.find(Kind::report)->reason == Reason::overloaded);
    CHECK(bench.machine.clean());
    bench.online().expire(Timer::checkDue).workEnds(Outcome::rejected);
    CHECK(bench.find(Kind::setVerdict)->health == Health::alive);
    bench.request(Request::offline).workEnds(Outcome::rejected);
    CHECK(bench.started() == Job::terminate);
    bench.terminateEnds();
    CHECK(bench.reported() == Status::offline);
}

TEST_CASE("D4 a deadline that expired in a suspended process starts again") {
    Bench bench;
    bench.online().expire(Timer::checkDue).expire(Timer::checkTimeout, true);
    CHECK_FALSE(bench.wants(Kind::signalFailure));
    CHECK(bench.machine.timer(Timer::checkTimeout) != 0);
    bench.expire(Timer::checkTimeout);
    CHECK(bench.wants(Kind::signalFailure));
}

TEST_CASE("W-1123 the verdict is set before the failure is signalled") {
    Bench bench;
    bench.online().on(Event::reported(bench.machine.generation()));
    CHECK(bench.position(Kind::setVerdict) < bench.position(Kind::signalFailure));
}

TEST_CASE("HealthPolicy forgets timeouts that left the window, and only those") {
    Policy policy;
    policy.timeoutTolerance = 2;
    policy.failureWindow = Milliseconds{1'000};
    HealthPolicy health;
    CHECK(health.timedOut(0, policy) == HealthPolicy::Next::tolerated);
    CHECK(health.timedOut(600, policy) == HealthPolicy::Next::tolerated);
    CHECK(health.timedOut(1'100, policy) == HealthPolicy::Next::tolerated);  // the first is forgotten
    CHECK(health.timedOut(1'200, policy) == HealthPolicy::Next::fail);
    policy.failureWindow = Milliseconds{0};
    HealthPolicy elephant;
    CHECK(elephant.timedOut(0, policy) == HealthPolicy::Next::tolerated);
    CHECK(elephant.timedOut(1'000'000, policy) == HealthPolicy::Next::tolerated);
    CHECK(elephant.timedOut(2'000'000, policy) == HealthPolicy::Next::fail);
}

TEST_CASE("HealthPolicy tries one repair per episode, before the failure counts") {
    Policy policy;
    policy.repairs = true;
    policy.failureTolerance = 1;
    HealthPolicy health;
    CHECK(health.checkEnded(false, policy) == HealthPolicy::Next::repair);
    CHECK(health.repairEnded(true, policy) == HealthPolicy::Next::checkNow);
    CHECK(health.checkEnded(false, policy) == HealthPolicy::Next::tolerated);
    CHECK(health.checkEnded(false, policy) == HealthPolicy::Next::fail);
    CHECK(health.checkEnded(true, policy) == HealthPolicy::Next::alive);
    CHECK(health.checkEnded(false, policy) == HealthPolicy::Next::repair);
    CHECK(health.repairEnded(false, policy) == HealthPolicy::Next::tolerated);
}

TEST_CASE("Every n-th check is the thorough one") {
    Policy policy;
    policy.thoroughEvery = 3;
    HealthPolicy health;
    int thorough = 0;
    for (int i = 0; i < 9; ++i) thorough += health.thoroughIsDue(policy) ? 1 : 0;
    CHECK(thorough == 3);
    policy.thoroughEvery = 1;
    CHECK(health.thoroughIsDue(policy));
}

TEST_CASE("D14 the policy read at Online holds from then on, and only the running online() may bring it") {
    Policy read;
    read.onlineLimit = Milliseconds{5'000};
    read.checkInterval = Milliseconds{77};
    Bench bench;
    bench.request(Request::online).on(Event::read(bench.machine.workId(), read));
    REQUIRE(bench.wants(Kind::armTimer));
    CHECK(bench.find(Kind::armTimer)->timer == Timer::limit);
    CHECK(bench.find(Kind::armTimer)->duration == read.onlineLimit);
    bench.workEnds();
    CHECK(bench.machine.policy().checkInterval == read.checkInterval);
    bench.expire(Timer::checkDue).on(Event::read(bench.machine.workId(), Policy{}));
    CHECK(bench.machine.policy().checkInterval == read.checkInterval);  // a check brings none
    bench.workEnds().request(Request::offline).workEnds().request(Request::online);
    bench.on(Event::read(bench.machine.workId() + 1, Policy{}));
    CHECK(bench.machine.policy().checkInterval == read.checkInterval);  // nor does a stale call
}

TEST_CASE("L-065 a policy that changes while online counts from the next pause on, and nowhere else") {
    Policy changed;
    changed.checkInterval = Milliseconds{77};
    Bench bench;
    bench.on(Event::changed(changed));
    CHECK(bench.machine.policy().checkInterval != changed.checkInterval);  // offline: the next Online reads its own
    bench.request(Request::online).on(Event::changed(changed));
    CHECK(bench.machine.policy().checkInterval != changed.checkInterval);
    bench.workEnds();
    bench.on(Event::changed(changed));
    REQUIRE(bench.wants(Kind::armTimer));
    CHECK(bench.find(Kind::armTimer)->timer == Timer::checkDue);
    CHECK(bench.find(Kind::armTimer)->duration == changed.checkInterval);
    bench.expire(Timer::checkDue).on(Event::changed(Policy{}));
    CHECK(bench.last.empty());  // a check under way keeps its time-out
}

TEST_CASE("D2 progress made during the sync grace is reported when the answer is pending after all") {
    Bench bench{Policy{}, Milliseconds{200}};
    bench.request(Request::online).on(Event::progressed(bench.machine.workId()));
    CHECK_FALSE(bench.reported());
    bench.expire(Timer::syncGrace);
    CHECK(bench.answered(Request::online) == Answer::pending);
    CHECK(bench.reported() == Status::onlinePending);
}

TEST_CASE("W-301 a look that failed is followed by a thorough check, and the count begins again") {
    Policy policy;
    policy.thoroughEvery = 3;
    HealthPolicy health;
    CHECK_FALSE(health.thoroughIsDue(policy));
    CHECK(health.lookEnded(false) == HealthPolicy::Next::checkNow);
    CHECK_FALSE(health.thoroughIsDue(policy));
    CHECK_FALSE(health.thoroughIsDue(policy));
    CHECK(health.thoroughIsDue(policy));
}

TEST_CASE("D4 a stall during Terminate does not give terminate() up") {
    Bench bench;
    bench.online().request(Request::terminate).expire(Timer::terminateTimeout, true);
    CHECK_FALSE(bench.answered(Request::terminate));
    bench.expire(Timer::terminateTimeout);
    CHECK(bench.answered(Request::terminate) == Answer::failed);
}
