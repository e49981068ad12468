// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "host/host_link.hpp"
#include "monitor/frame.hpp"

#include <holdfast/monitor/in_process_host.hpp>
#include <holdfast/monitor/memory_registry.hpp>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace holdfast::inline v1::host {

using monitor::EntryPoint;
using monitor::ResourceNumber;

/**
 * A host: carries out what its monitor orders over its connection, and tells it what came of it.
 *
 * @par Thread safety `run` on one thread; the listener's members from any thread of the hosted agents.
 */
class HostService final : public monitor::HostListener, public std::enable_shared_from_this<HostService> {
public:
    explicit HostService(HostLink& link) : link_{link} {}

    /**
     * Until the monitor says `leave` or is gone. Then what cannot be left to the next host goes offline, bounded (D18, W-403).
     *
     * @return the exit status of the program.
     */
    int run();

    void callReturned(monitor::CallResult result) noexcept override;
    void statusReported(ResourceNumber resource, const monitor::ReportedStatus& status,
                        std::function<void(abi::ExitState)> answer) noexcept override;
    void logged(ResourceNumber resource, abi::Dword level, std::string text) noexcept override;
    void eventSignalled(ResourceNumber resource, core::Generation watch) noexcept override;
    void failureSignalled(ResourceNumber resource, abi::FailureType type, abi::Dword code) noexcept override;
    void flightAlarm(ResourceNumber resource, std::string reason) noexcept override;
    void propertiesChanged(ResourceNumber resource, PropertyBag changes, monitor::StoreNumber after) noexcept override;
    void strayCallback(std::string_view callback, std::uint64_t handle) noexcept override;

    // --- for the farewell -------------------------------------------------------------------------------------------

    /** What is known of a resource without its machine. */
    struct Known {
        std::string name;
        std::string type;
        std::string registryPath;
        std::uint32_t rank{0};
        bool open{false};
        bool touched{false};    ///< Online was ordered, and nothing has ended it since
        bool pending{false};    ///< an Online or Offline has answered 997 and no final report has come
        bool adoptable{false};  ///< D17: the next host takes over what it runs
        int calls{0};           ///< on the stack
    };
    /** Orders a call without a monitor; what comes of it shows in `known`. */
    void order(ResourceNumber resource, EntryPoint entryPoint);
    /** Waits until `holds(known)`; false after `patience`. */
    bool wait(std::chrono::milliseconds patience,
              const std::function<bool(const std::map<ResourceNumber, Known>&)>& holds);
    [[nodiscard]] std::map<ResourceNumber, Known> known() const;

private:
    enum class End { left, lost };
    [[nodiscard]] End serve();
    [[nodiscard]] bool greet();
    void take(const monitor::Frame& frame);
    void send(const std::string& frame) noexcept;
    void note(const monitor::CallResult& result);
    void begin(const monitor::CallOrder& order);
    [[nodiscard]] bool fill();

    HostLink& link_;
    std::mutex writing_;           // one frame at a time on the connection
    monitor::FrameCutter frames_;  // the thread of `run`
    monitor::MemoryRegistry registry_;
    std::unique_ptr<monitor::InProcessHost> host_;  // made and ended by `run`

    mutable std::mutex mutex_;  // guards everything below
    std::condition_variable changed_;
    std::map<ResourceNumber, Known> known_;
    std::map<std::uint32_t, std::function<void(abi::ExitState)>> unanswered_;
    std::uint32_t lastRequest_{0};
    bool lost_{false};  ///< the monitor is gone
};

}  // namespace holdfast::inline v1::host
