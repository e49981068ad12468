// SPDX-License-Identifier: BSL-1.0
// The engine from outside: preparing, starting, stopping, and what the host reports. The strands' work is in
// engine_unit.cpp.
#include "monitor/engine.hpp"

#include "monitor/dependency_check.hpp"

#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/monitor/in_process_host.hpp>
#include <holdfast/os/process.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>
#include <iterator>
#include <set>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

/** How long programs that are still queued get when the monitor ends. */
constexpr auto lastPrograms = std::chrono::seconds{5};

}  // namespace

ResourceMonitor::Engine::Engine(MonitorConfiguration configuration, MonitorOptions options)
    : configuration_{std::move(configuration)},
      options_{std::move(options)},
      journal_{options_.observer},
      work_{io_.get_executor()},
      name_{configuration_.name},
      conductor_{Conductor::Places{}} {
    programs_ = std::make_unique<ProgramQueues>(
        [this](const ProgramQueues::Run& run, ProgramQueues::Level level, std::string text) {
            const auto as = level == ProgramQueues::Level::information ? LogLevel::information
                            : level == ProgramQueues::Level::warning   ? LogLevel::warning
                                                                       : LogLevel::error;
            log(run.resource, as, run.what, std::move(text));
        });
}

void ResourceMonitor::Engine::begin() {
    openStore();
    if (!storeProblems_.empty()) return;  // another monitor has what is ours: no host, no resource; `prepare` says it
    if (options_.host) {
        host_ = options_.host(registry_, weak_from_this());
    } else {
        host_ = std::make_unique<InProcessHost>(registry_, weak_from_this());
    }
    const std::lock_guard lock{reloading_};
    std::vector<UnitPointer> fresh;
    auto ranks = ranksOf(configuration_);
    for (const auto& resource : configuration_.resources) fresh.push_back(addUnit(resource, ranks[resource.name]));
    programs_->timeout(configuration_.hookTimeout);
    {
        const std::lock_guard guard{conducting_};
        arrangeGroups(configuration_.groups);
        conductor_ = Conductor{placesOf(fresh, configuration_)};
        for (const auto& [name, group] : groups_) {
            if (store_ && store_->group(name).held && group.configuration.failover == GroupFailover::offline)
                conductor_.keep(name);
        }
    }
    {
        const std::lock_guard guard{views_};
        for (const auto& unit : fresh) order_.push_back(unit->index);
        notify_ = configuration_.notify;
        fence_ = configuration_.fence;
    }
    const os::BlockSignals blocked;  // signals are the program's
    for (unsigned i = 0; i < std::max(1U, options_.threads); ++i) threads_.emplace_back([this] { io_.run(); });
}

void ResourceMonitor::Engine::end() {
    ended_ = true;
    changed_.notify_all();
    programs_->finish(lastPrograms);
    io_.stop();
    for (auto& thread : threads_) thread.join();
    host_.reset();
    store_.reset();
}

std::vector<Problem> ResourceMonitor::Engine::prepare() {
    const std::lock_guard reloading{reloading_};
    auto problems = storeProblems_;
    auto wrong = checkResources(configuration_);
    std::move(wrong.begin(), wrong.end(), std::back_inserter(problems));
    if (!problems.empty()) return problems;
    if (!configuration_.trace.empty() && !journal_.trace(configuration_.trace)) {
        problems.push_back({{configuration_.trace.string(), 0}, "the trace file cannot be written"});
        return problems;
    }
    return prepareUnits(units());
}

void ResourceMonitor::Engine::start() {
    if (store_) {
        std::set<std::string> names;
        for (const auto& unit : units()) names.insert(unit->configuration.name);
        store_->keepOnly(names);
    }
    const std::lock_guard lock{conducting_};
    settle(conductor_.start());
}

void ResourceMonitor::Engine::stop() {
    const std::lock_guard lock{conducting_};
    {
        const std::lock_guard guard{views_};
        if (!stopping_) {
            stopping_ = true;
            for (const auto& [number, snapshot] : snapshots_) {
                outcome_.failedResource = outcome_.failedResource || snapshot.external == abi::ResourceState::failed;
            }
        }
        changed_.notify_all();
    }
    send(conductor_.stop());
    if (conductor_.phase() == Conductor::Phase::stopped) {
        const std::lock_guard guard{views_};
        stopped_ = true;
        changed_.notify_all();
    }
}

bool ResourceMonitor::Engine::waitStopped(std::chrono::milliseconds patience) {
    std::unique_lock lock{views_};
    return changed_.wait_for(lock, patience, [&] { return stopped_; });
}

ResourceMonitor::Engine::UnitPointer ResourceMonitor::Engine::unit(ResourceNumber number) const {
    const std::shared_lock lock{roster_};
    const auto found = units_.find(static_cast<std::size_t>(number));
    return found == units_.end() ? nullptr : found->second;
}

/** One that leaves may still be there under the name of its successor: the youngest is meant. */
ResourceMonitor::Engine::UnitPointer ResourceMonitor::Engine::find(std::string_view name) const {
    const std::lock_guard views{views_};
    const std::shared_lock lock{roster_};
    for (const std::size_t number : order_) {
        const auto found = units_.find(number);
        if (found != units_.end() && found->second->configuration.name == name) return found->second;
    }
    return nullptr;
}

std::vector<ResourceMonitor::Engine::UnitPointer> ResourceMonitor::Engine::units() const {
    const std::shared_lock lock{roster_};
    std::vector<UnitPointer> all;
    for (const auto& [number, unit] : units_) all.push_back(unit);
    return all;
}

bool ResourceMonitor::Engine::want(std::string_view name, bool online) {
    const auto target = find(name);
    if (!target) return false;
    {
        const std::lock_guard lock{conducting_};
        settle(conductor_.want(target->index, online));
        const auto group = groups_.find(conductor_.groupOf(target->index));
        if (online && group != groups_.end()) rememberGroup(group->second);
    }
    if (store_) store_->change(target->configuration.name, [&](StoredResource& stored) { stored.wanted = online; });
    const std::lock_guard lock{views_};
    if (const auto found = snapshots_.find(target->index); found != snapshots_.end()) found->second.wanted = online;
    return true;
}

bool ResourceMonitor::Engine::fail(std::string_view name, std::string_view reason) {
    const auto target = find(name);
    if (!target) return false;
    boost::asio::post(target->strand, [this, target, why = std::string{reason}] {
        const core::MonitorState state = target->machine.state();
        const bool isOnline = state == core::MonitorState::online || state == core::MonitorState::verifying;
        target->failWhy = isOnline ? why : std::string{};
        feed(*target, core::MonitorEvent::of(core::MonitorEvent::Kind::declareFailed));
    });
    return true;
}

void ResourceMonitor::Engine::setProperties(std::string_view name, std::vector<PropertySetting> settings,
                                            std::function<void(PropertyAnswer)> answer) {
    const auto target = find(name);
    if (!target) return answer({abi::code::resourceNotFound, {fmt::format("there is no resource '{}'", name)}});
    boost::asio::post(target->strand, [this, target, told = std::move(answer), wanted = std::move(settings)] {
        changeProperties(*target, wanted, told);
    });
}

PropertyAnswer ResourceMonitor::Engine::setProperties(std::string_view name, std::vector<PropertySetting> settings) {
    const auto promise = std::make_shared<std::promise<PropertyAnswer>>();
    auto future = promise->get_future();
    setProperties(name, std::move(settings),
                  [promise](PropertyAnswer answer) { promise->set_value(std::move(answer)); });
    while (future.wait_for(std::chrono::milliseconds{50}) != std::future_status::ready) {
        if (ended_) return {abi::code::invalidState, {"the monitor ended meanwhile; nothing was stored"}};
    }
    return future.get();
}

PropertyBag ResourceMonitor::Engine::properties(std::string_view name) const {
    const auto target = find(name);
    return target ? registry_.values(target->registryKey + "\\Parameters") : PropertyBag{};
}

std::vector<ResourceSnapshot> ResourceMonitor::Engine::snapshot() const {
    const std::lock_guard lock{views_};
    std::vector<ResourceSnapshot> all;
    for (const std::size_t number : order_) {
        if (const auto found = snapshots_.find(number); found != snapshots_.end()) all.push_back(found->second);
    }
    return all;
}

RunOutcome ResourceMonitor::Engine::outcome() const {
    RunOutcome outcome;
    {
        const std::lock_guard lock{views_};
        outcome = outcome_;
    }
    if (host_) outcome.running = host_->running();
    return outcome;
}

/** Sends the requests, and follows up what else the conductor has decided with them. */
void ResourceMonitor::Engine::settle(const Conductor::Requests& requests) {
    send(requests);
    for (const auto& group : conductor_.fallen()) groupFell(groups_.at(group));
    for (const std::size_t number : conductor_.gone()) {
        if (const auto target = unit(static_cast<ResourceNumber>(number)))
            boost::asio::post(target->strand, [this, target] { retire(*target); });
    }
}

void ResourceMonitor::Engine::send(const Conductor::Requests& requests) {
    for (const auto& request : requests) {
        const auto target = unit(static_cast<ResourceNumber>(request.resource));
        if (!target) continue;
        boost::asio::post(target->strand, [this, target, kind = request.kind] {
            ++target->requestsTaken;
            feed(*target, core::MonitorEvent::of(kind));
        });
    }
}

// --- what the host reports, on its threads ------------------------------------------------------------------------

void ResourceMonitor::Engine::callReturned(CallResult result) noexcept {
    CallRecord record;
    record.entryPoint = result.entryPoint;
    record.thread = result.thread;
    record.start = result.start;
    record.span = result.span;
    record.budget = budgetOf(result.entryPoint);
    record.code = result.code;
    record.controlCode = result.controlCode;
    record.threw = result.threw;
    const auto target = unit(result.resource);
    if (!target) return;
    if (result.called) journal_.take({std::chrono::system_clock::now(), target->configuration.name, record});
    boost::asio::post(target->strand, [this, target, taken = std::move(result)] { takeResult(*target, taken); });
}

void ResourceMonitor::Engine::statusReported(ResourceNumber resource, const ReportedStatus& status,
                                             std::function<void(abi::ExitState)> answer) noexcept {
    const auto target = unit(resource);
    if (!target) return answer(abi::ExitState::terminate);
    // W-248: decided on the strand.
    boost::asio::post(target->strand, [this, target, status, reply = std::move(answer)] {
        const auto exit = feed(*target, core::MonitorEvent::reported(status.report));
        journal_.take({std::chrono::system_clock::now(), target->configuration.name, StatusRecord{status, exit}});
        reply(exit);
    });
}

void ResourceMonitor::Engine::logged(ResourceNumber resource, abi::Dword level, std::string text) noexcept {
    const auto owner = unit(resource);
    if (!owner) return;
    // An agent's bytes need not be UTF-8; what records and answers are made of must be.
    boost::asio::post(owner->strand, [this, owner, level, line = abi::toUtf8(abi::toWide(text))]() mutable {
        Unit& target = *owner;
        if (target.controlRunning) target.controlLog.push_back(line);
        if (const auto state = target.machine.externalState();
            state == abi::ResourceState::onlinePending || state == abi::ResourceState::offlinePending) {
            target.step = line;
            target.stepAt = std::chrono::steady_clock::now();
            publishView(target);
        }
        log(target.configuration.name, static_cast<LogLevel>(std::min<abi::Dword>(level, 3)), operationOf(target),
            std::move(line), true);
    });
}

void ResourceMonitor::Engine::eventSignalled(ResourceNumber resource, core::Generation watch) noexcept {
    const auto target = unit(resource);
    if (!target) return;
    boost::asio::post(target->strand, [this, target, watch] {
        journal_.take({std::chrono::system_clock::now(), target->configuration.name, SignalRecord{}});
        feed(*target, core::MonitorEvent::signalled(watch));
    });
}

void ResourceMonitor::Engine::failureSignalled(ResourceNumber resource, abi::FailureType type,
                                               abi::Dword code) noexcept {
    const auto target = unit(resource);
    if (!target) return;
    boost::asio::post(target->strand, [this, target, type, code] {
        auto kind = core::FailureType::general;  // also for a type that a later Windows may have
        if (type == abi::FailureType::embedded) kind = core::FailureType::embedded;
        if (type == abi::FailureType::networkLoss) kind = core::FailureType::networkLoss;
        if (code != 0) {
            log(target->configuration.name, LogLevel::information, operationOf(*target),
                fmt::format("the agent signals a failure: {}", abi::win32Text(code)));
        }
        journal_.take({std::chrono::system_clock::now(), target->configuration.name, SignalRecord{}});
        feed(*target, core::MonitorEvent::signalFailure(kind));
    });
}

void ResourceMonitor::Engine::strayCallback(std::string_view callback, std::uint64_t handle) noexcept {
    log({}, LogLevel::warning, abi::toUtf8(abi::toWide(callback)),
        fmt::format("called with handle 0x{:X}, which names no open resource; refused (W-117)", handle));
}

void ResourceMonitor::Engine::log(const std::string& resource, LogLevel level, std::string operation, std::string text,
                                  bool fromAgent) {
    journal_.take({std::chrono::system_clock::now(), resource,
                   LogRecord{level, std::move(operation), std::move(text), fromAgent}});
}

// --- the public face -------------------------------------------------------------------------------------------------

ResourceMonitor::ResourceMonitor(MonitorConfiguration configuration, MonitorOptions options)
    : engine_{std::make_shared<Engine>(std::move(configuration), std::move(options))} {
    engine_->begin();
}

ResourceMonitor::~ResourceMonitor() {
    if (!waitStopped(std::chrono::milliseconds{0})) {
        stop();
        stop();
        static_cast<void>(waitStopped(std::chrono::seconds{5}));
    }
    engine_->end();
}

std::vector<Problem> ResourceMonitor::prepare() { return engine_->prepare(); }
void ResourceMonitor::start() { engine_->start(); }
void ResourceMonitor::stop() { engine_->stop(); }
void ResourceMonitor::abandon() { engine_->abandon(); }
bool ResourceMonitor::waitStopped(std::chrono::milliseconds patience) { return engine_->waitStopped(patience); }
bool ResourceMonitor::online(std::string_view name) { return engine_->want(name, true); }
bool ResourceMonitor::offline(std::string_view name) { return engine_->want(name, false); }
bool ResourceMonitor::fail(std::string_view name, std::string_view reason) { return engine_->fail(name, reason); }
PropertyAnswer ResourceMonitor::setProperties(std::string_view name, std::vector<PropertySetting> settings) {
    return engine_->setProperties(name, std::move(settings));
}
std::vector<Problem> ResourceMonitor::reload(MonitorConfiguration configuration) {
    return engine_->reload(std::move(configuration));
}
void ResourceMonitor::setProperties(std::string_view name, std::vector<PropertySetting> settings,
                                    std::function<void(PropertyAnswer)> answer) {
    engine_->setProperties(name, std::move(settings), std::move(answer));
}
void ResourceMonitor::visibleProperties(std::string_view name, std::function<void(VisibleProperties)> answer) {
    engine_->visibleProperties(name, std::move(answer));
}
PropertyBag ResourceMonitor::properties(std::string_view name) const { return engine_->properties(name); }
std::vector<ResourceSnapshot> ResourceMonitor::snapshot() const { return engine_->snapshot(); }
std::vector<CallSummary> ResourceMonitor::calls() const { return engine_->calls(); }
std::vector<CallHistogram> ResourceMonitor::histograms() const { return engine_->histograms(); }
RunOutcome ResourceMonitor::outcome() const { return engine_->outcome(); }
MemoryRegistry& ResourceMonitor::registry() noexcept { return engine_->registry(); }

}  // namespace holdfast::inline v1::monitor
