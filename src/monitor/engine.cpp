// SPDX-License-Identifier: BSL-1.0
// The engine from outside: preparing, starting, stopping, and what the host reports. The strands' work is in
// engine_unit.cpp.
#include "monitor/engine.hpp"

#include "monitor/reason_text.hpp"

#include <holdfast/monitor/in_process_host.hpp>
#include <holdfast/os/process.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

using Kind = core::MonitorEvent::Kind;

std::vector<std::vector<std::size_t>> providersOf(const MonitorConfiguration& configuration) {
    std::vector<std::vector<std::size_t>> providers(configuration.resources.size());
    for (std::size_t i = 0; i < providers.size(); ++i) {
        for (const auto& name : configuration.resources[i].dependsOn) {
            for (std::size_t j = 0; j < providers.size(); ++j) {
                if (configuration.resources[j].name == name) providers[i].push_back(j);
            }
        }
    }
    return providers;
}

}  // namespace

ResourceMonitor::Engine::Engine(MonitorConfiguration configuration, MonitorOptions options)
    : configuration_{std::move(configuration)},
      options_{std::move(options)},
      journal_{options_.observer},
      work_{io_.get_executor()},
      conductor_{providersOf(configuration_)},
      unprepared_{configuration_.resources.size()} {
    for (std::size_t i = 0; i < configuration_.resources.size(); ++i) {
        units_.push_back(std::make_unique<Unit>(io_, i, configuration_.resources[i]));
        snapshots_.push_back({});
        snapshots_.back().name = configuration_.resources[i].name;
        snapshots_.back().type = configuration_.resources[i].type;
        snapshots_.back().dependsOn = configuration_.resources[i].dependsOn;
        snapshots_.back().external = abi::ResourceState::offline;
    }
}

void ResourceMonitor::Engine::begin() {
    if (options_.host) {
        host_ = options_.host(registry_, weak_from_this());
    } else {
        host_ = std::make_unique<InProcessHost>(registry_, weak_from_this());
    }
    for (const auto& unit : units_) {
        HostedResource hosted;
        hosted.name = unit->configuration.name;
        hosted.type = unit->configuration.type;
        hosted.library = unit->configuration.agent;
        hosted.registryPath = "Resources\\" + unit->configuration.name;
        hosted.group = unit->configuration.host;
        hosted.separate = unit->separate = unit->configuration.separateMonitor;
        hosted.rank = conductor_.rank(unit->index);
        host_->add(unit->number, hosted);
    }
    const os::BlockSignals blocked;  // signals are the program's
    for (unsigned i = 0; i < std::max(1U, options_.threads); ++i) threads_.emplace_back([this] { io_.run(); });
}

void ResourceMonitor::Engine::end() {
    ended_ = true;
    changed_.notify_all();
    io_.stop();
    for (auto& thread : threads_) thread.join();
    host_.reset();
}

std::vector<Problem> ResourceMonitor::Engine::prepare() {
    std::vector<Problem> problems;
    if (!configuration_.trace.empty() && !journal_.trace(configuration_.trace)) {
        problems.push_back({{configuration_.trace.string(), 0}, "the trace file cannot be written"});
        return problems;
    }
    for (const auto& unit : units_) {
        boost::asio::post(unit->strand, [this, &unit = *unit] { prepareUnit(unit); });
    }
    std::unique_lock lock{views_};
    changed_.wait(lock, [&] { return unprepared_ == 0 || stopping_ || ended_; });
    if (unprepared_ != 0) {
        problems.push_back({{}, "stopped while the agents were being prepared"});
        return problems;
    }
    lock.unlock();
    for (const auto& unit : units_) {
        std::promise<std::vector<Problem>> found;
        boost::asio::post(unit->strand, [&] { found.set_value(unit->problems); });
        for (auto& problem : found.get_future().get()) problems.push_back(std::move(problem));
    }
    return problems;
}

void ResourceMonitor::Engine::start() {
    const std::lock_guard lock{conducting_};
    send(conductor_.start());
}

void ResourceMonitor::Engine::stop() {
    const std::lock_guard lock{conducting_};
    {
        const std::lock_guard guard{views_};
        if (!stopping_) {
            stopping_ = true;
            for (const auto& snapshot : snapshots_) {
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

Unit* ResourceMonitor::Engine::find(std::string_view name) const {
    for (const auto& unit : units_) {
        if (unit->configuration.name == name) return unit.get();
    }
    return nullptr;
}

bool ResourceMonitor::Engine::want(std::string_view name, bool online) {
    const Unit* const target = find(name);
    if (target == nullptr) return false;
    {
        const std::lock_guard lock{conducting_};
        send(conductor_.want(target->index, online));
    }
    const std::lock_guard lock{views_};
    snapshots_[target->index].wanted = online;
    return true;
}

bool ResourceMonitor::Engine::fail(std::string_view name, std::string_view reason) {
    Unit* const target = find(name);
    if (target == nullptr) return false;
    boost::asio::post(target->strand, [this, target, why = std::string{reason}] {
        target->failWhy = why;
        feed(*target, core::MonitorEvent::signalFailure(core::FailureType::general));
    });
    return true;
}

PropertyAnswer ResourceMonitor::Engine::setProperties(std::string_view name, std::vector<PropertySetting> settings) {
    Unit* const target = find(name);
    if (target == nullptr) return {abi::code::resourceNotFound, {fmt::format("there is no resource '{}'", name)}};
    const auto answer = std::make_shared<std::promise<PropertyAnswer>>();
    auto future = answer->get_future();
    boost::asio::post(target->strand, [this, target, answer, wanted = std::move(settings)] {
        changeProperties(*target, wanted, answer);
    });
    while (future.wait_for(std::chrono::milliseconds{50}) != std::future_status::ready) {
        if (ended_) return {abi::code::invalidState, {"the monitor ended meanwhile; nothing was stored"}};
    }
    return future.get();
}

PropertyBag ResourceMonitor::Engine::properties(std::string_view name) const {
    return find(name) == nullptr ? PropertyBag{} : registry_.values(fmt::format("Resources\\{}\\Parameters", name));
}

std::vector<ResourceSnapshot> ResourceMonitor::Engine::snapshot() const {
    const std::lock_guard lock{views_};
    return snapshots_;
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

void ResourceMonitor::Engine::send(const Conductor::Requests& requests) {
    for (const auto& request : requests) {
        Unit& target = *units_[request.resource];
        boost::asio::post(target.strand,
                          [this, &target, kind = request.kind] { feed(target, core::MonitorEvent::of(kind)); });
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
    Unit& target = unit(result.resource);
    if (result.called) journal_.take({std::chrono::system_clock::now(), target.configuration.name, record});
    boost::asio::post(target.strand, [this, &target, taken = std::move(result)] { takeResult(target, taken); });
}

void ResourceMonitor::Engine::statusReported(ResourceNumber resource, const ReportedStatus& status,
                                             std::function<void(abi::ExitState)> answer) noexcept {
    Unit& target = unit(resource);
    // W-248: decided on the strand.
    boost::asio::post(target.strand, [this, &target, status, reply = std::move(answer)] {
        const auto exit = feed(target, core::MonitorEvent::reported(status.report));
        journal_.take({std::chrono::system_clock::now(), target.configuration.name, StatusRecord{status, exit}});
        reply(exit);
    });
}

void ResourceMonitor::Engine::logged(ResourceNumber resource, abi::Dword level, std::string text) noexcept {
    Unit& target = unit(resource);
    boost::asio::post(target.strand, [this, &target, level, line = std::move(text)]() mutable {
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
    Unit& target = unit(resource);
    boost::asio::post(target.strand, [this, &target, watch] {
        journal_.take({std::chrono::system_clock::now(), target.configuration.name, SignalRecord{}});
        feed(target, core::MonitorEvent::signalled(watch));
    });
}

void ResourceMonitor::Engine::strayCallback(std::string_view callback, std::uint64_t handle) noexcept {
    log({}, LogLevel::warning, std::string{callback},
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
bool ResourceMonitor::waitStopped(std::chrono::milliseconds patience) { return engine_->waitStopped(patience); }
bool ResourceMonitor::online(std::string_view name) { return engine_->want(name, true); }
bool ResourceMonitor::offline(std::string_view name) { return engine_->want(name, false); }
bool ResourceMonitor::fail(std::string_view name, std::string_view reason) { return engine_->fail(name, reason); }
PropertyAnswer ResourceMonitor::setProperties(std::string_view name, std::vector<PropertySetting> settings) {
    return engine_->setProperties(name, std::move(settings));
}
PropertyBag ResourceMonitor::properties(std::string_view name) const { return engine_->properties(name); }
std::vector<ResourceSnapshot> ResourceMonitor::snapshot() const { return engine_->snapshot(); }
std::vector<CallSummary> ResourceMonitor::calls() const { return engine_->calls(); }
RunOutcome ResourceMonitor::outcome() const { return engine_->outcome(); }
MemoryRegistry& ResourceMonitor::registry() noexcept { return engine_->registry(); }

}  // namespace holdfast::inline v1::monitor
