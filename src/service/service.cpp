// SPDX-License-Identifier: BSL-1.0

#include <holdfast/service.hpp>

#include <optional>
#include <thread>
#include <utility>

namespace holdfast::inline v1 {
namespace {

using service::Manager;
using service::State;
using service::Status;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds pollInterval{100};
constexpr milliseconds killPatience{10'000};   // inside TerminateTimeout
constexpr milliseconds settlePatience{2'000};  // for the manager to notice that the processes are gone, or these to go

std::string describe(const Status& status) {
    std::string text = status.text;
    if (status.checkPoint != 0) text += fmt::format(", its checkpoint {}", status.checkPoint);
    return text;
}

bool isGone(const Status& status) { return status.state == State::stopped; }

/** The process that is held has ended; false if none is. */
bool processEnded(const Manager& manager) { return manager.processes->attached() != 0 && !manager.processes->alive(); }

}  // namespace

ServiceResource::ServiceResource(Context& context, const ServiceSettings& settings)
    : ServiceResource{context, settings, &service::openManager} {}

// NOLINTNEXTLINE(modernize-pass-by-value): a type may have Settings derived from these, which a value would cut off
ServiceResource::ServiceResource(Context& context, const ServiceSettings& settings, OpenManager open)
    : context_{context}, settings_{settings}, open_{std::move(open)} {}

ServiceResource::~ServiceResource() {
    // The end of its process must not find an object that is gone.
    if (const auto kept = manager()) kept->processes->unwatch();
}

ServiceResource::ManagerPointer ServiceResource::manager() const {
    const std::lock_guard lock{mutex_};
    return manager_;
}

ServiceResource::ManagerPointer ServiceResource::openedManager() {
    if (auto kept = manager()) return kept;
    auto opened = std::make_shared<Manager>(open_(settings_.serviceName, context_));
    const std::lock_guard lock{mutex_};
    manager_ = opened;
    return opened;
}

std::vector<service::EnvironmentVariable> ServiceResource::environment() {
    std::vector<service::EnvironmentVariable> variables;
    if (settings_.useNetworkName) {
        std::optional<std::string> name;
        try {
            name = context_.dependencies().networkName();
        } catch (const Error& error) {
            // An engine without such knowledge has no network name to give; any other failure would start the service
            // under a wrong name.
            if (error.code() != ErrorCode::notInstalled) throw;
        }
        if (name) {  // W-703
            for (const char* variable : {"_CLUSTER_NETWORK_NAME_", "_CLUSTER_NETWORK_HOSTNAME_", "COMPUTERNAME"})
                variables.push_back({variable, *name});
        }
    }
    for (const auto& entry : settings_.environment) {
        const auto equals = entry.find('=');
        if (equals == std::string::npos || equals == 0)
            throw Error::make(ErrorCode::configuration, "ServiceEnvironment: NAME=value, not \"{}\"", entry);
        variables.push_back({entry.substr(0, equals), entry.substr(equals + 1)});
    }
    return variables;
}

// ---- going online ----------------------------------------------------------------------------------------------------

void ServiceResource::online(Operation& operation) {
    // W-700: in this order, all of it here on the worker. W-701: each step may block; a terminate() may overlap it.
    operation.checkpoint(fmt::format("asking for service \"{}\"", settings_.serviceName));
    const ManagerPointer opened = openedManager();
    Manager& manager = *opened;
    stopBefore(manager, operation);
    operation.checkpoint("setting the service's environment");
    manager.configuration->setEnvironment(environment());
    operation.checkpoint("setting the service's start parameters");
    manager.configuration->setStartParameters();
    operation.checkpoint("starting the service");
    manager.control->start(settings_.startParameters);
    awaitRunning(manager, operation);
    watch(manager);
}

/** What the manager says of the service, with a hold on the process it names. */
Status ServiceResource::attachedStatus(Manager& manager) {
    Status status = manager.control->status();
    if (!isGone(status)) manager.processes->attach(status.process);
    return status;
}

bool ServiceResource::stillThere(Manager& manager, const Status& status) {
    if (isGone(status)) return false;
    // A manager may not have noticed the death of the process, or never will (Wine): the handle knows.
    return status.process == 0 || !processEnded(manager);
}

void ServiceResource::stopBefore(Manager& manager, Operation& operation) {
    const Status status = attachedStatus(manager);
    if (!stillThere(manager, status)) return;
    context_.warning("service \"{}\" ran already ({}); it is stopped first", settings_.serviceName, describe(status));
    stop(manager, operation);
}

void ServiceResource::awaitRunning(Manager& manager, Operation& operation) {
    const auto deadline = Clock::now() + settings_.startTimeout;
    auto lastSeen = Clock::now();  // with its process alive, as far as it has one
    for (;;) {
        const Status status = attachedStatus(manager);
        if (status.state == State::running) return;
        // One that is to end (a unit of type oneshot) may end before its manager says that it runs; so it has a moment to.
        if (stillThere(manager, status)) lastSeen = Clock::now();
        if (isGone(status) || Clock::now() - lastSeen > settlePatience) {
            throw Error::make(ErrorCode::failed, "service \"{}\" ended while it started{}{}", settings_.serviceName,
                              status.ending.empty() ? "" : ": ", status.ending);
        }
        // W-704: each of these is a report with a checkpoint of our own, whether the service's moved or not.
        operation.checkpoint(fmt::format("the service is {}", describe(status)));
        if (Clock::now() >= deadline) {
            throw Error::make(ErrorCode::timeout, "service \"{}\" did not run {} ms after its start (StartTimeout): {}",
                              settings_.serviceName, settings_.startTimeout.count(), describe(status));
        }
        operation.sleepFor(pollInterval);
    }
}

void ServiceResource::watch(Manager& manager) {
    manager.processes->watch([this](const std::string& how) {
        context_.reportFailure(
            fmt::format("service \"{}\": its process ended{}{}", settings_.serviceName, how.empty() ? "" : ": ", how));
    });
}

// ---- going offline ---------------------------------------------------------------------------------------------------

void ServiceResource::stop(Manager& manager, Operation& operation) {
    const auto deadline = Clock::now() + settings_.stopTimeout;
    bool asked = false;
    for (;;) {
        const Status status = attachedStatus(manager);
        if (!stillThere(manager, status)) return;
        // A service that is starting takes no request; it is asked until it does.
        if (!asked) asked = manager.control->requestStop();
        if (Clock::now() >= deadline) break;
        operation.checkpoint(fmt::format("stopping the service: {}", describe(status)));
        operation.sleepFor(pollInterval);
    }
    context_.warning("service \"{}\" did not stop within {} ms (StopTimeout): its processes are killed",
                     settings_.serviceName, settings_.stopTimeout.count());
    if (!manager.processes->killAll(killPatience)) {
        throw Error::make(ErrorCode::timeout, "service \"{}\" neither stops nor can be killed", settings_.serviceName);
    }
    const auto settled = Clock::now() + settlePatience;
    while (stillThere(manager, manager.control->status()) && Clock::now() < settled) operation.sleepFor(pollInterval);
}

void ServiceResource::offline(Operation& operation) {
    const ManagerPointer kept = manager();
    if (!kept) return;  // it was never online
    kept->processes->unwatch();
    if (context_.stateChangeReason() != StateChangeReason::unknown)
        context_.info("stopping service \"{}\": {}", settings_.serviceName,
                      stateChangeName(context_.stateChangeReason()));
    stop(*kept, operation);
    // Whatever it left behind would be in the way of the next node.
    // Its manager calls it stopped before its process has quite ended.
    for (milliseconds waited{0}; kept->processes->attached() != 0 && !processEnded(*kept) && waited < settlePatience;
         waited += pollInterval / 5) {
        operation.sleepFor(pollInterval / 5);
    }
    if (!kept->processes->killAll(killPatience))
        throw Error::make(ErrorCode::timeout, "processes of service \"{}\" cannot be killed", settings_.serviceName);
    kept->configuration->removeEnvironment();  // W-702: the start parameters stay
}

void ServiceResource::terminate() noexcept {
    try {
        const ManagerPointer kept = manager();
        if (!kept) return;
        kept->processes->unwatch();
        // First what is held, without a word from the manager, which may hang (W-701).
        bool gone = kept->processes->killAll(killPatience);
        const Status status = attachedStatus(*kept);
        if (stillThere(*kept, status)) {
            static_cast<void>(kept->control->requestStop());
            gone = kept->processes->killAll(killPatience);
            const auto deadline = Clock::now() + settlePatience;
            Status now = attachedStatus(*kept);
            while (stillThere(*kept, now) && Clock::now() < deadline) {
                std::this_thread::sleep_for(milliseconds{20});
                now = attachedStatus(*kept);
                gone = kept->processes->killAll(killPatience) && gone;
            }
            gone = gone && !stillThere(*kept, now);
        }
        if (!gone) context_.error("service \"{}\": not all of its processes could be killed", settings_.serviceName);
        kept->configuration->removeEnvironment();
    } catch (const std::exception& error) {
        context_.log(LogLevel::error,
                     fmt::format("service \"{}\": terminate: {}", settings_.serviceName, detail::textOf(error)));
    }
}

// ---- health ----------------------------------------------------------------------------------------------------------

Verdict ServiceResource::looksAlive(Check& /*check*/) {
    const ManagerPointer kept = manager();
    if (!kept) return Verdict::failed("the service was never started");
    if (!processEnded(*kept)) return Verdict::alive();
    return Verdict::failed(fmt::format("the process of service \"{}\" ended", settings_.serviceName));
}

Verdict ServiceResource::isAlive(Check& check) {
    Verdict cursory = ServiceResource::looksAlive(check);
    if (!cursory) return cursory;
    const ManagerPointer kept = manager();
    const Status status = kept->control->status();
    if (status.state != State::running) {
        return Verdict::failed(fmt::format("service \"{}\" is {}{}{}", settings_.serviceName, describe(status),
                                           status.ending.empty() ? "" : ": ", status.ending));
    }
    return checkService(check);
}

}  // namespace holdfast::inline v1
