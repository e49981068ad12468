// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A resource that is a service of the system: a Windows service, or a systemd unit. Link holdfast::service.

#include <holdfast/resource.hpp>
#include <holdfast/service/roles.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace holdfast::inline v1 {

/** What an administrator sets; see `addServiceProperties`. */
struct ServiceSettings {
    std::string serviceName;                          ///< as the manager knows it: "MSSQLSERVER", "nginx.service"
    Strings startParameters;                          ///< given to the service at its start (Windows)
    Strings environment;                              ///< "NAME=value", added to the service's environment
    bool useNetworkName{true};                        ///< the network name it depends on is the service's computer name
    std::chrono::milliseconds startTimeout{120'000};  ///< from the request to start until it runs
    std::chrono::milliseconds stopTimeout{30'000};    ///< patience with a stop before the processes are killed
};

/**
 * Runs an existing service of the system. Use it as it is, or derive from it and add a check of your own.
 *
 * Online: stop it if it runs, set its environment, set its start parameters, start it (W-700), each step a checkpoint.
 * Offline: stop, and kill after StopTimeout. Terminate: kill. The end of its process is a failure at once, whatever the
 * manager says.
 *
 * @par Thread safety As `Resource`.
 */
class ServiceResource : public Resource {
public:
    using OpenManager = std::function<service::Manager(const std::string& name, Context& context)>;

    ServiceResource(Context& context, const ServiceSettings& settings);
    /** With another manager: for tests. */
    ServiceResource(Context& context, const ServiceSettings& settings, OpenManager open);
    ~ServiceResource() override;

    void online(Operation& operation) override;
    void offline(Operation& operation) override;
    void terminate() noexcept override;
    Verdict isAlive(Check& check) override;
    /** Only whether the process lives: asks nobody. */
    Verdict looksAlive(Check& check) override;

protected:
    /** The author's own check, once the service runs as far as system and manager know. */
    virtual Verdict checkService(Check& check) {
        static_cast<void>(check);
        return Verdict::alive();
    }
    /**
     * What the service finds in its environment, beside what people configured: the network name (W-703), then
     * `settings.environment`. Called by online().
     */
    [[nodiscard]] virtual std::vector<service::EnvironmentVariable> environment();

    [[nodiscard]] Context& context() const noexcept { return context_; }
    [[nodiscard]] const ServiceSettings& settings() const noexcept { return settings_; }

private:
    using ManagerPointer = std::shared_ptr<service::Manager>;
    [[nodiscard]] ManagerPointer manager() const;
    ManagerPointer openedManager();
    void stopBefore(service::Manager& manager, Operation& operation);
    void stop(service::Manager& manager, Operation& operation);
    void awaitRunning(service::Manager& manager, Operation& operation);
    void watch(service::Manager& manager);
    [[nodiscard]] static bool stillThere(service::Manager& manager, const service::Status& status);
    [[nodiscard]] static service::Status attachedStatus(service::Manager& manager);

    Context& context_;
    const ServiceSettings settings_;
    const OpenManager open_;
    mutable std::mutex mutex_;  // guards the pointer: terminate() may overlap online()
    ManagerPointer manager_;
};

/** Adds the properties of a service to a type whose `Settings` derive from `ServiceSettings` (or are that). */
template <typename Type, typename Settings>
ResourceType<Type, Settings>& addServiceProperties(ResourceType<Type, Settings>& type) {
    using namespace std::chrono_literals;
    return type.property("ServiceName", &ServiceSettings::serviceName, required, "Name of the service")
        .property("StartParameters", &ServiceSettings::startParameters, "Given to the service at its start")
        .property("ServiceEnvironment", &ServiceSettings::environment, pattern("[^=]+=.*"),
                  "NAME=value, added to the service's environment")
        .property("UseNetworkName", &ServiceSettings::useNetworkName,
                  "The service's computer name is the network name that the resource depends on")
        .property("StartTimeout", &ServiceSettings::startTimeout, range(1s, 24h),
                  "Longest time from the request to start until the service runs")
        .property("StopTimeout", &ServiceSettings::stopTimeout, range(100ms, 24h),
                  "Patience with a stop before the processes are killed");
}
template <typename Type, typename Settings>
ResourceType<Type, Settings> addServiceProperties(ResourceType<Type, Settings>&& type) {
    addServiceProperties(type);
    return std::move(type);
}

}  // namespace holdfast::inline v1
