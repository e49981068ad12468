// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/host.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace holdfast::inline v1::monitor {

class MemoryRegistry;

struct ProcessHostSettings {
    std::filesystem::path hostProgram;    ///< holdfast-host
    std::filesystem::path reaperProgram;  ///< holdfast-reaper
    /** Of this monitor alone, mode 0700; made if missing. What is in it belongs to one monitor and its successors. */
    std::filesystem::path runDirectory;
    /** D17: how long a tree outlives its host unadopted; 0 to 1 h. */
    std::chrono::milliseconds adoptTimeout{30'000};
    /** How long a killed host may take to die before that is a matter for fencing (W-443). */
    std::chrono::milliseconds killPatience{10'000};
    /** Where flight files are written (docs/flight-recorder.md); empty: the run directory. */
    std::filesystem::path flightDirectory;
    std::filesystem::path stacksProgram;  ///< holdfast-stacks; empty: flight files have no stacks
    /** A call that is on the stack for so long, and for ten times its budget, is worth a flight file. */
    std::chrono::milliseconds flightAfter{5'000};
};

/**
 * Hosts agents in processes that can be killed (W-400, W-445): one per library, per `HostedResource::group`, or per resource
 * with SeparateMonitor.
 *
 * A host that dies takes its calls with it; every resource in it hears `hostDied`, then `hostReady` once nothing of it is left
 * but trees that the next host adopts (D17). Whose code ended it is told from notes the host keeps in shared memory. Hosts that
 * die again and again are started again ever later, up to a third of `adoptTimeout` and never more than 5 s.
 *
 * Hosts of an earlier monitor with the same run directory are waited for, up to a minute, and then killed, before any is started.
 *
 * @par Thread safety As `Host`.
 * @par Errors The constructor throws std::runtime_error if the run directory cannot be used or another monitor uses it.
 */
class ProcessHost final : public Host {
public:
    ProcessHost(ProcessHostSettings settings, MemoryRegistry& registry, std::weak_ptr<HostListener> listener);
    ProcessHost(const ProcessHost&) = delete;
    ProcessHost& operator=(const ProcessHost&) = delete;
    /** Lets every host exit, for three seconds, then kills it. */
    ~ProcessHost() override;

    void add(ResourceNumber resource, const HostedResource& description) override;
    void call(CallOrder order) override;
    void storeProperties(ResourceNumber resource, const PropertyBag& changes, StoreNumber number) override;
    [[nodiscard]] bool hasOwnKeys() const noexcept override { return true; }
    void storeTypeProperties(ResourceNumber resource, const PropertyBag& changes) override;
    void storeDependencies(ResourceNumber resource, const std::vector<holdfast::Dependency>& dependencies) override;
    void watch(ResourceNumber resource, core::Generation generation) override;
    void unwatch(ResourceNumber resource) override;
    void condemn(ResourceNumber resource) override;
    void remove(ResourceNumber resource) override;
    void isolate(ResourceNumber resource) override;
    void abandon() override;
    [[nodiscard]] bool isolates() const noexcept override { return true; }
    [[nodiscard]] std::vector<std::string> running() const override;

    class Core;

private:
    std::shared_ptr<Core> core_;
};

}  // namespace holdfast::inline v1::monitor
