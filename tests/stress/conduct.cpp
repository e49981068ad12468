// SPDX-License-Identifier: BSL-1.0
#include "conduct.hpp"

#include <holdfast/resource.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

namespace stress {

using namespace std::chrono_literals;
using holdfast::Check;
using holdfast::Context;
using holdfast::Operation;
using holdfast::Presence;
using holdfast::Verdict;

namespace {

/** One at a time (D5), terminate() apart. */
class Inside {
public:
    explicit Inside(Subject& subject) : subject_{subject}, ends_{subject.ends.load()} {
        subject_.members.fetch_add(1);
        room().judge->expect(subject_.inside.fetch_add(1) == 0, "D5 two members ran at a time", subject_.number);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { subject_.inside.fetch_sub(1); }
    /** Whether a terminate() began meanwhile: it did not wait for us any longer. */
    [[nodiscard]] bool overtaken() const { return subject_.ends.load() != ends_; }

private:
    Subject& subject_;
    const std::uint64_t ends_;
};

class Chance {
public:
    explicit Chance(Subject& subject) : random_{draw(subject)} {}
    bool percent(unsigned part) { return random_() % 100 < part; }
    std::chrono::microseconds upTo(std::chrono::microseconds most) {
        return std::chrono::microseconds{random_() % static_cast<std::uint64_t>(most.count())};
    }

private:
    std::mt19937_64 random_;
};

/** What every operation may do: be slow, throw, wait until it is told to stop, or not listen for a while. */
void misbehave(Chance& chance, Operation& operation) {
    if (chance.percent(40)) return;
    if (chance.percent(15)) throw std::runtime_error{"100% of %1!s! is gone"};
    if (chance.percent(5)) throw 42;
    if (chance.percent(20)) operation.sleepFor(1h);
    if (chance.percent(25)) {
        std::this_thread::sleep_for(chance.upTo(400ms));  // deaf: longer than the grace in half of all cases
        return;
    }
    for (int step = 0; step < 5; ++step) {
        operation.sleepFor(std::chrono::duration_cast<std::chrono::milliseconds>(chance.upTo(4ms)));
        operation.checkpoint("step");
    }
}

Verdict anyVerdict(Chance& chance, Check& check) {
    if (chance.percent(80)) return Verdict::alive();
    if (chance.percent(30)) return Verdict::failed("as it happens");
    if (chance.percent(20)) throw std::runtime_error{"the check is lost"};
    if (chance.percent(30)) std::this_thread::sleep_for(chance.upTo(250ms));
    if (chance.percent(30)) check.sleepFor(1h);
    return Verdict::alive();
}

class Unruly final : public holdfast::Resource {
public:
    Unruly(Context& context, Subject& subject) : context_{context}, subject_{subject} {
        Chance chance{subject_};
        if (chance.percent(3)) throw std::runtime_error{"no object today"};
        subject_.objects.fetch_add(1);
    }
    ~Unruly() override {
        leaving_.store(true);
        if (observer_.joinable()) observer_.join();
        subject_.objects.fetch_sub(1);
    }
    Unruly(const Unruly&) = delete;
    Unruly& operator=(const Unruly&) = delete;

    void online(Operation& operation) override {
        const Inside inside{subject_};
        Chance chance{subject_};
        if (chance.percent(20)) observe(chance);  // it reports before, while and after something runs
        misbehave(chance, operation);
        start(inside);
        if (chance.percent(3)) context_.reportFailure("it runs, and has failed already");
        // W-132: what was begun before it went wrong is terminate()'s.
        if (chance.percent(5)) throw std::runtime_error{"it ran, and then this"};
    }
    void offline(Operation& operation) override {
        const Inside inside{subject_};
        Chance chance{subject_};
        misbehave(chance, operation);
        subject_.running.store(false);
    }
    void terminate() noexcept override {
        subject_.terminating.fetch_add(1);
        subject_.ends.fetch_add(1);
        Chance chance{subject_};
        if (chance.percent(30)) std::this_thread::sleep_for(chance.upTo(20ms));
        // Terminate waits for it, so an author has 300 ms for it; two Terminates beside each other run it twice.
        if (chance.percent(3)) std::this_thread::sleep_for(chance.upTo(80ms));
        subject_.running.store(false);
        subject_.terminating.fetch_sub(1);
    }
    Verdict isAlive(Check& check) override {
        const Inside inside{subject_};
        Chance chance{subject_};
        if (chance.percent(1)) context_.reportFailure("seen by the check");
        return anyVerdict(chance, check);
    }
    bool repair(Check&) override {
        const Inside inside{subject_};
        return Chance{subject_}.percent(50);
    }
    Presence probe(Check&) override {
        const Inside inside{subject_};
        return Chance{subject_}.percent(10) ? Presence::notRunning : Presence::unknown;
    }

private:
    void start(const Inside& inside) {
        // Not known until it runs: a terminate() that begins after that finds it, one that began before does not.
        subject_.late.store(true);
        room().judge->expect(!subject_.running.exchange(true), "W-124 a second copy was started", subject_.number);
        subject_.late.store(inside.overtaken());
    }
    /** A thread of the author's that reports a failure at any time, or several times. */
    void observe(Chance& chance) {
        const auto least = chance.upTo(60ms);
        const bool twice = chance.percent(30);
        observer_ = std::thread{[this, least, twice] {
            const auto until = Steady::now() + least;
            while (!leaving_.load() && Steady::now() < until) std::this_thread::sleep_for(1ms);
            context_.reportFailure("100% of %1!s! failed");
            if (twice) context_.reportFailure("and again");
        }};
    }

    Context& context_;
    Subject& subject_;
    std::atomic<bool> leaving_{false};
    std::thread observer_;  // of the thread that runs online(), then of the destructor
};

class Type final : public holdfast::AgentType {
public:
    [[nodiscard]] const std::string& name() const noexcept override { return name_; }
    [[nodiscard]] const std::string& description() const noexcept override { return name_; }
    [[nodiscard]] const std::vector<holdfast::PropertyDescription>& properties() const noexcept override {
        return none_;
    }
    void validate(const holdfast::PropertyBag& /*values*/) const override {}
    [[nodiscard]] holdfast::TableVersion tableVersion() const noexcept override { return holdfast::TableVersion::v4; }
    [[nodiscard]] holdfast::core::Policy policy(const holdfast::PropertyBag& /*values*/) const override {
        holdfast::core::Policy policy;
        policy.checkInterval = 10ms;
        policy.checkTimeout = 200ms;
        policy.failureTolerance = 1;
        policy.timeoutTolerance = 1;
        policy.onlineLimit = 2s;
        policy.offlineLimit = 2s;
        policy.heartbeat = 100ms;
        policy.terminateTimeout = 2s;
        policy.predecessorTimeout = 2s;
        policy.repairs = true;
        return policy;
    }
    [[nodiscard]] std::unique_ptr<holdfast::Resource> build(Context& context,
                                                            const holdfast::PropertyBag& /*values*/) const override {
        const auto number = static_cast<std::size_t>(std::strtoul(context.resourceName().c_str(), nullptr, 10));
        return std::make_unique<Unruly>(context, room().at(number));
    }

private:
    std::string name_{"Unruly"};
    std::vector<holdfast::PropertyDescription> none_;
};

}  // namespace

Room& room() {
    static Room one;
    return one;
}

std::mt19937_64 draw(Subject& subject) {
    const std::uint64_t count = subject.draws.fetch_add(1);
    std::seed_seq seeds{room().seed, static_cast<std::uint64_t>(subject.number), subject.life, count};
    return std::mt19937_64{seeds};
}

const holdfast::AgentTypes& types() {
    static const holdfast::AgentTypes all{std::make_shared<Type>()};
    return all;
}

}  // namespace stress
