// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/host.hpp>
#include <holdfast/monitor/resource_keys.hpp>

#include <memory>

namespace holdfast::inline v1::monitor {

class CallThreads;
class EventWatch;
class MemoryRegistry;

/**
 * Hosts agents in this process: for embedding, tests and debugging.
 *
 * Budgets are reported, not enforced: a call that never returns keeps its thread and its library, and nothing else. A
 * crash of an agent is a crash of this process.
 *
 * @par Thread safety As `Host`. Destroying it waits for calls that return within a second and abandons the others.
 */
class InProcessHost final : public Host {
public:
    /** `keys`: resources get keys of the system's registry, kept alike with what `registry` says; otherwise keys of `registry`. */
    InProcessHost(MemoryRegistry& registry, std::weak_ptr<HostListener> listener,
                  std::unique_ptr<ResourceKeys> keys = {});
    ~InProcessHost() override;

    void add(ResourceNumber resource, const HostedResource& description) override;
    void call(CallOrder order) override;
    void storeProperties(ResourceNumber resource, const PropertyBag& changes, StoreNumber number) override;
    [[nodiscard]] bool hasOwnKeys() const noexcept override;
    void storeTypeProperties(ResourceNumber resource, const PropertyBag& changes) override;
    void storeDependencies(ResourceNumber resource, const std::vector<holdfast::Dependency>& dependencies) override;
    void watch(ResourceNumber resource, core::Generation generation) override;
    void unwatch(ResourceNumber resource) override;
    void condemn(ResourceNumber resource) override;
    void remove(ResourceNumber resource) override;
    [[nodiscard]] std::vector<std::string> running() const override;
    /** The process ends without destructors: removes what there is in the system's registry. */
    void leaveKeys();

    class Core;

private:
    std::shared_ptr<Core> core_;          // shared with calls that never return
    std::unique_ptr<EventWatch> events_;  // these two end with the host, on the thread that destroys it
    std::unique_ptr<CallThreads> threads_;
};

}  // namespace holdfast::inline v1::monitor
