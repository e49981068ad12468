// SPDX-License-Identifier: BSL-1.0
#pragma once

/// An agent whose every member does what the test says, and remembers who called it.

#include <holdfast/agent_type.hpp>
#include <holdfast/resource.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace scripted {

using holdfast::Check;
using holdfast::Context;
using holdfast::Operation;
using holdfast::Presence;
using holdfast::Verdict;

/** A door a call waits at until the test opens it: deaf to stops, as wedged code is. */
class Door {
public:
    Door() = default;
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;
    /** Whoever is still inside leaves before it is gone: a check that a test has given up may wake after the test's end. */
    ~Door() {
        open();
        std::unique_lock lock{mutex_};
        changed_.wait_for(lock, std::chrono::seconds{10}, [this] { return inside_ == 0; });
    }
    void open() {
        {
            const std::lock_guard lock{mutex_};
            open_ = true;
        }
        changed_.notify_all();
    }
    void waitDeaf() {
        std::unique_lock lock{mutex_};
        ++inside_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
        --inside_;
        changed_.notify_all();
    }
    bool waitForVisitor(int count = 1) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, std::chrono::seconds{10}, [&] { return inside_ >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_{false};
    int inside_{0};
};

struct Script {
    std::function<void(Operation&)> online = [](Operation&) {};
    std::function<void(Operation&)> offline = [](Operation&) {};
    std::function<void()> terminate = [] {};
    std::function<Verdict(Check&)> isAlive = [](Check&) { return Verdict::alive(); };
    std::function<Verdict(Check&)> looksAlive;
    std::function<bool(Check&)> repair;
    std::function<Presence(Check&)> probe = [](Check&) { return Presence::unknown; };
    std::function<bool(Operation&)> adopt = [](Operation&) { return false; };
    std::function<void(Context&)> construct = [](Context&) {};
    std::function<void()> destroy = [] {};
    holdfast::core::Policy policy;
    std::function<holdfast::core::Policy()> readPolicy;  // what the properties say at Online, if not `policy`

    std::atomic<int> onlines{0};
    std::atomic<int> offlines{0};
    std::atomic<int> terminates{0};
    std::atomic<int> checks{0};
    std::atomic<int> objects{0};       // alive now
    std::atomic<bool> running{false};  // the entity: online() sets it, offline() and terminate() clear it
    std::atomic<int> inside{0};        // members other than terminate() that run now
    std::atomic<int> overlaps{0};      // D5 violated
    std::atomic<Context*> context{nullptr};

    void note(const std::string& what) {
        const std::lock_guard lock{mutex};
        calls.push_back(what);
    }
    std::vector<std::string> history() {
        const std::lock_guard lock{mutex};
        return calls;
    }

private:
    std::mutex mutex;
    std::vector<std::string> calls;
};

/** A copy runs, so that a test may write the next line of the script while this one is wedged. */
template <typename Function, typename... Args>
auto call(Function function, Args&... args) {
    return function(args...);
}

class Agent final : public holdfast::Resource {
public:
    Agent(Context& context, std::shared_ptr<Script> script) : script_{std::move(script)} {
        script_->context = &context;
        call(script_->construct, context);
        ++script_->objects;  // a constructor that throws makes none
    }
    ~Agent() override {
        call(script_->destroy);
        --script_->objects;
    }
    void online(Operation& operation) override {
        const Inside inside{*script_, "online"};
        ++script_->onlines;
        call(script_->online, operation);
        script_->running = true;
        script_->note("online done");
    }
    void offline(Operation& operation) override {
        const Inside inside{*script_, "offline"};
        ++script_->offlines;
        call(script_->offline, operation);
        script_->running = false;
    }
    void terminate() noexcept override {
        script_->note("terminate");
        ++script_->terminates;
        call(script_->terminate);
        script_->running = false;
    }
    Verdict isAlive(Check& check) override {
        const Inside inside{*script_, "isAlive"};
        ++script_->checks;
        return call(script_->isAlive, check);
    }
    Verdict looksAlive(Check& check) override {
        const Inside inside{*script_, "looksAlive"};
        return script_->looksAlive ? call(script_->looksAlive, check) : Resource::looksAlive(check);
    }
    bool repair(Check& check) override {
        const Inside inside{*script_, "repair"};
        return script_->repair && call(script_->repair, check);
    }
    Presence probe(Check& check) override {
        const Inside inside{*script_, "probe"};
        return call(script_->probe, check);
    }
    bool adopt(Operation& operation) override {
        const Inside inside{*script_, "adopt"};
        return call(script_->adopt, operation);
    }

private:
    struct Inside {
        Inside(Script& script, const char* what) : script_{script} {
            if (++script_.inside != 1) ++script_.overlaps;
            script_.note(what);
        }
        ~Inside() { --script_.inside; }
        Script& script_;
    };
    std::shared_ptr<Script> script_;
};

class Type final : public holdfast::AgentType {
public:
    explicit Type(std::shared_ptr<Script> script) : script_{std::move(script)} {}
    [[nodiscard]] const std::string& name() const noexcept override { return name_; }
    [[nodiscard]] const std::string& description() const noexcept override { return name_; }
    [[nodiscard]] const std::vector<holdfast::PropertyDescription>& properties() const noexcept override {
        return none_;
    }
    void validate(const holdfast::PropertyBag&) const override {}
    void validateEach(const holdfast::PropertyBag&) const override {}
    [[nodiscard]] holdfast::core::Policy policy(const holdfast::PropertyBag&) const override {
        auto policy = script_->readPolicy ? script_->readPolicy() : script_->policy;
        policy.repairs = static_cast<bool>(script_->repair);
        return policy;
    }
    [[nodiscard]] std::unique_ptr<holdfast::Resource> build(Context& context,
                                                            const holdfast::PropertyBag&) const override {
        return std::make_unique<Agent>(context, script_);
    }

private:
    std::shared_ptr<Script> script_;
    std::string name_{"Scripted"};
    std::vector<holdfast::PropertyDescription> none_;
};

inline std::shared_ptr<const holdfast::AgentType> typeOf(const std::shared_ptr<Script>& script) {
    return std::make_shared<Type>(script);
}

/** Waits in real time for what another thread does; false after twenty seconds. */
template <typename Condition>
bool eventually(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return true;
}

}  // namespace scripted
