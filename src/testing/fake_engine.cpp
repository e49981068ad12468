// SPDX-License-Identifier: BSL-1.0

#include <holdfast/testing.hpp>

#include <holdfast/exec/entry_points.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace holdfast::inline v1::testing {
namespace {

const char* stateName(core::Status status) noexcept {
    switch (status) {
        case core::Status::onlinePending: return "OnlinePending";
        case core::Status::offlinePending: return "OfflinePending";
        case core::Status::online: return "Online";
        case core::Status::offline: return "Offline";
        case core::Status::failed: return "Failed";
    }
    return "?";
}

FakeEngine::Answer toAnswer(const exec::Instance::Result& result) noexcept {
    if (!result) return FakeEngine::Answer::failed;
    switch (*result) {
        case core::Answer::done: return FakeEngine::Answer::done;
        case core::Answer::pending: return FakeEngine::Answer::pending;
        case core::Answer::invalidState:
        case core::Answer::closed: return FakeEngine::Answer::refused;
        case core::Answer::failed: return FakeEngine::Answer::failed;
    }
    return FakeEngine::Answer::failed;
}

}  // namespace

ManualTime::ManualTime() : clock_{std::make_shared<exec::ManualClock>()} {
    if (exec::Runtime::isRunning()) throw std::logic_error{"ManualTime: close every resource first"};
    exec::Runtime::Options options;
    options.clock = clock_;
    exec::Runtime::setOptions(options);
}

ManualTime::~ManualTime() { exec::Runtime::setOptions({}); }

class FakeEngine::Link final : public exec::EngineLink {
public:
    explicit Link(PropertyBag properties) : properties_{std::move(properties)} {}

    bool report(const exec::StatusReport& status) noexcept override {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return !blocked_; });
        reports_.push_back({stateName(status.status), status.checkPoint});
        changed_.notify_all();
        return !terminate_;
    }
    void log(LogLevel level, std::string_view text) noexcept override {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return !blocked_; });
        lines_.push_back({level, std::string{text}});
        changed_.notify_all();
    }
    [[nodiscard]] PropertyBag readProperties() override {
        const std::lock_guard lock{mutex_};
        return properties_;
    }

    [[nodiscard]] Dependencies readDependencies(const std::string&) override {
        const std::lock_guard lock{mutex_};
        return dependencies_;
    }
    [[nodiscard]] Engine engine() const noexcept override { return Engine::test; }

    template <typename Condition>
    bool wait(const Condition& condition) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, patience, [&] { return condition(*this); });
    }

    mutable std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    PropertyBag properties_;
    Dependencies dependencies_;
    std::vector<Report> reports_;
    std::vector<LogLine> lines_;
    bool terminate_{false};
    bool blocked_{false};
};

FakeEngine::FakeEngine(std::shared_ptr<const AgentType> type, PropertyBag properties, std::string name,
                       std::chrono::milliseconds syncGrace)
    : link_{std::make_shared<Link>(std::move(properties))},
      id_{exec::openInstance({std::move(name), std::move(type), link_, syncGrace})} {}

FakeEngine::~FakeEngine() {
    block(false);
    static_cast<void>(close());
}

FakeEngine::Answer FakeEngine::online() {
    const auto instance = exec::findInstance(id_);
    return instance ? toAnswer(instance->online()) : Answer::refused;
}

FakeEngine::Answer FakeEngine::offline() {
    const auto instance = exec::findInstance(id_);
    return instance ? toAnswer(instance->offline()) : Answer::refused;
}

FakeEngine::Answer FakeEngine::terminate() {
    const auto instance = exec::findInstance(id_);
    return instance ? toAnswer(instance->terminate()) : Answer::refused;
}

bool FakeEngine::close() { return exec::closeInstance(std::exchange(id_, nullptr)) != exec::Closed::wedged; }

bool FakeEngine::isAlive() const { return exec::isHealthy(id_); }

bool FakeEngine::failureSignalled() const {
    const auto instance = exec::findInstance(id_);
    return instance && instance->reporter().event().wait(std::chrono::milliseconds{0});
}

bool FakeEngine::waitForFailure() const {
    const auto instance = exec::findInstance(id_);
    return instance && instance->reporter().event().wait(patience);
}

bool FakeEngine::bringOnline() {
    forgetReports();
    const Answer answer = online();
    return answer == Answer::done || (answer == Answer::pending && waitFor("Online"));
}

bool FakeEngine::takeOffline() {
    forgetReports();
    const Answer answer = offline();
    return answer == Answer::done || (answer == Answer::pending && waitFor("Offline"));
}

bool FakeEngine::waitFor(std::string_view state) {
    // Any other final state ends the wait: the operation is over.
    link_->wait([&](const Link& link) {
        return std::any_of(link.reports_.begin(), link.reports_.end(), [&](const Report& report) {
            return report.state == state || report.state.find("Pending") == std::string::npos;
        });
    });
    const std::vector<Report> seen = reports();
    return std::any_of(seen.begin(), seen.end(), [&](const Report& report) { return report.state == state; });
}

bool FakeEngine::waitForLog(std::string_view text) {
    return link_->wait([&](const Link& link) {
        return std::any_of(link.lines_.begin(), link.lines_.end(),
                           [&](const LogLine& line) { return line.text.find(text) != std::string::npos; });
    });
}

std::vector<Report> FakeEngine::reports() const {
    const std::lock_guard lock{link_->mutex_};
    return link_->reports_;
}

std::vector<LogLine> FakeEngine::log() const {
    const std::lock_guard lock{link_->mutex_};
    return link_->lines_;
}

void FakeEngine::forgetReports() {
    const std::lock_guard lock{link_->mutex_};
    link_->reports_.clear();
}

void FakeEngine::setProperties(PropertyBag properties) {
    const std::lock_guard lock{link_->mutex_};
    link_->properties_ = std::move(properties);
}

void FakeEngine::setDependencies(Dependencies dependencies) {
    const std::lock_guard lock{link_->mutex_};
    link_->dependencies_ = std::move(dependencies);
}

void FakeEngine::announce(StateChangeReason reason) {
    if (const auto instance = exec::findInstance(id_)) instance->noteStateChange(reason);
}

void FakeEngine::rename(std::string name) {
    if (const auto instance = exec::findInstance(id_)) instance->rename(std::move(name));
}

void FakeEngine::notify(DependencyNotice notice) {
    if (const auto instance = exec::findInstance(id_)) instance->noteDependency(std::move(notice));
}

void FakeEngine::answerTerminate(bool yes) {
    const std::lock_guard lock{link_->mutex_};
    link_->terminate_ = yes;
}

void FakeEngine::block(bool yes) {
    {
        const std::lock_guard lock{link_->mutex_};
        link_->blocked_ = yes;
    }
    link_->changed_.notify_all();
}

}  // namespace holdfast::inline v1::testing
