// SPDX-License-Identifier: BSL-1.0
#pragma once

// A service manager that is made up: it records the calls, and does what a test tells it.

#include <holdfast/error.hpp>
#include <holdfast/service/roles.hpp>

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::test {

/** One service, as its manager and its processes are. */
class RecordedService {
public:
    // What a test sets before it begins; guarded by `mutex` once it has.
    struct Script {
        service::State state{service::State::stopped};
        bool disabled{false};
        bool startHangs{false};              ///< START_PENDING for ever, with one checkpoint
        bool stopIgnored{false};             ///< a request to stop is taken, and nothing comes of it
        bool managerIsBlind{false};          ///< it goes on saying "running" after the process died (Wine)
        bool dies{false};                    ///< instead of coming up
        bool lingers{false};                 ///< the process stays a little after the manager calls it stopped
        std::chrono::milliseconds delay{0};  ///< of each word of the manager's
    };

    void set(const std::function<void(Script&)>& change) {
        const std::lock_guard lock{mutex_};
        change(script_);
        if (script_.state != service::State::stopped && process_ == 0) process_ = ++lastProcess_;
    }
    /** The process ends by itself. */
    void die(const std::string& how) {
        std::function<void(std::string)> told;
        {
            const std::lock_guard lock{mutex_};
            deadProcess_ = process_;
            if (!script_.managerIsBlind) script_.state = service::State::stopped, process_ = 0;
            told = std::exchange(watcher_, nullptr);
        }
        if (told) told(how);
    }
    [[nodiscard]] std::vector<std::string> calls() const {
        const std::lock_guard lock{mutex_};
        return calls_;
    }
    void forget() {
        const std::lock_guard lock{mutex_};
        calls_.clear();
    }
    [[nodiscard]] bool automatic() const { return automatic_; }
    [[nodiscard]] bool restartsItself() const { return restartsItself_; }
    [[nodiscard]] std::vector<service::EnvironmentVariable> environment() const {
        const std::lock_guard lock{mutex_};
        return environment_;
    }
    [[nodiscard]] service::State state() const {
        const std::lock_guard lock{mutex_};
        return script_.state;
    }

    service::Manager manager() {
        return {std::make_unique<Control>(*this), std::make_unique<Configuration>(*this),
                std::make_unique<Processes>(*this)};
    }

private:
    class Control final : public service::Control {
    public:
        explicit Control(RecordedService& service) : service_{service} {}
        service::Status status() override {
            service_.wait("");
            const std::lock_guard lock{service_.mutex_};
            service::Status status{service_.script_.state, service_.process_, 0, "RUNNING", {}};
            if (status.state == service::State::starting) status.text = "START_PENDING", status.checkPoint = 1;
            if (status.state == service::State::stopping) status.text = "STOP_PENDING";
            if (status.state == service::State::stopped) status.text = "STOPPED", status.ending = "exit code 7";
            return status;
        }
        void start(const Strings& arguments) override {
            service_.wait(fmt::format("start({})", arguments.size()));
            const std::lock_guard lock{service_.mutex_};
            if (service_.script_.dies) return;
            service_.process_ = ++service_.lastProcess_;
            service_.deadProcess_ = 0;
            service_.script_.state = service_.script_.startHangs ? service::State::starting : service::State::running;
        }
        bool requestStop() override {
            service_.wait("stop");
            const std::lock_guard lock{service_.mutex_};
            if (service_.script_.stopIgnored) return service_.script_.state = service::State::stopping, true;
            service_.script_.state = service::State::stopped;
            if (!service_.script_.lingers) service_.deadProcess_ = service_.process_;
            service_.process_ = 0;
            return true;
        }

    private:
        RecordedService& service_;
    };

    class Configuration final : public service::Configuration {
    public:
        explicit Configuration(RecordedService& service) : service_{service} {}
        void setEnvironment(const std::vector<service::EnvironmentVariable>& variables) override {
            service_.wait("environment");
            const std::lock_guard lock{service_.mutex_};
            service_.environment_ = variables;
        }
        void removeEnvironment() override {
            service_.wait("no environment");
            const std::lock_guard lock{service_.mutex_};
            service_.environment_.clear();
        }
        void setStartParameters() override {
            service_.wait("start parameters");
            const std::lock_guard lock{service_.mutex_};
            if (service_.script_.disabled) throw Error{ErrorCode::configuration, "service \"s\" is disabled"};
            service_.automatic_ = false;
            service_.restartsItself_ = false;
        }

    private:
        RecordedService& service_;
    };

    class Processes final : public service::Processes {
    public:
        explicit Processes(RecordedService& service) : service_{service} {}
        void attach(std::int64_t process) override {
            const std::lock_guard lock{service_.mutex_};
            attached_ = process;
        }
        void watch(std::function<void(std::string)> ended) override {
            const std::lock_guard lock{service_.mutex_};
            service_.watcher_ = std::move(ended);
        }
        void unwatch() noexcept override {
            const std::lock_guard lock{service_.mutex_};
            service_.watcher_ = nullptr;
        }
        std::int64_t attached() const noexcept override {
            const std::lock_guard lock{service_.mutex_};
            return attached_;
        }
        bool alive() const noexcept override {
            const std::lock_guard lock{service_.mutex_};
            return attached_ != 0 && attached_ != service_.deadProcess_;
        }
        bool killAll(std::chrono::milliseconds) noexcept override {
            const std::lock_guard lock{service_.mutex_};
            if (attached_ == 0 || attached_ == service_.deadProcess_) return true;
            service_.calls_.emplace_back("kill");
            service_.deadProcess_ = attached_;
            if (!service_.script_.managerIsBlind)
                service_.script_.state = service::State::stopped, service_.process_ = 0;
            return true;
        }

    private:
        RecordedService& service_;
        std::int64_t attached_{0};
    };

    void wait(const std::string& call) {
        std::chrono::milliseconds delay{0};
        {
            const std::lock_guard lock{mutex_};
            if (!call.empty()) calls_.push_back(call);
            delay = script_.delay;
        }
        std::this_thread::sleep_for(delay);
    }

    mutable std::mutex mutex_;  // guards all below
    Script script_;
    std::vector<std::string> calls_;
    std::vector<service::EnvironmentVariable> environment_;
    std::function<void(std::string)> watcher_;
    std::int64_t process_{0};
    std::int64_t lastProcess_{100};
    std::int64_t deadProcess_{0};
    bool automatic_{true};
    bool restartsItself_{true};
};

}  // namespace holdfast::test
