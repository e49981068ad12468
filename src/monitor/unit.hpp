// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/private_properties.hpp"

#include <holdfast/core/monitor_machine.hpp>
#include <holdfast/monitor/configuration.hpp>
#include <holdfast/monitor/host.hpp>
#include <holdfast/monitor/monitor.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor {

/** One resource of a running monitor: its machine and what the machine's actions need. Touched only on its strand. */
struct Unit : std::enable_shared_from_this<Unit> {
    using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;

    struct Control {
        abi::Dword code{0};
        std::vector<abi::Byte> input;
        std::function<void(abi::Dword code)> answer;
        std::size_t outputCapacity{0};
        bool preparing{false};  ///< nobody waits for it but the preparation of its resource
    };

    /** `key`: of the registry; two resources of one name may be there while one takes the other's place. */
    Unit(boost::asio::io_context& io, std::size_t position, const ResourceConfiguration& configured, std::string key)
        : index{position},
          number{static_cast<ResourceNumber>(position)},
          registryKey{std::move(key)},
          configuration{configured},
          settings{configured.properties},
          strand{boost::asio::make_strand(io)},
          machine{configured.times},
          policy{configured.restart},
          timers{boost::asio::steady_timer{strand}, boost::asio::steady_timer{strand},
                 boost::asio::steady_timer{strand}, boost::asio::steady_timer{strand},
                 boost::asio::steady_timer{strand}, boost::asio::steady_timer{strand},
                 boost::asio::steady_timer{strand}} {}

    [[nodiscard]] boost::asio::steady_timer& timer(core::MonitorTimer which) {
        return timers[static_cast<std::size_t>(which)];
    }

    const std::size_t index;
    const ResourceNumber number;
    const std::string registryKey;
    /** Name, type, agent and hosting never change and may be read anywhere; a reload sets the rest, on the strand. */
    ResourceConfiguration configuration;
    std::vector<PropertySetting> settings;  ///< private properties: the file's, or what people set since
    PropertyBag typeProperties;             ///< of its type, as the file has them
    Strand strand;
    core::MonitorMachine machine;
    core::RestartPolicy policy;
    std::array<boost::asio::steady_timer, core::monitorTimerCount> timers;

    std::deque<core::MonitorEvent> events;  ///< fed while another one is being worked on
    bool working{false};
    std::deque<Control> controls;  ///< the front one is next, or on the stack
    bool controlRunning{false};

    bool prepared{false};
    unsigned preparations{0};       ///< that its host's death cut short, through no fault of its own
    std::vector<Problem> problems;  ///< found while preparing
    PropertyBag properties;
    StoreNumber lastStore{0};
    std::vector<std::pair<std::string, StoreNumber>> storedAt;  ///< each property that the monitor ever stored
    std::optional<PropertyFormats> formats;                     ///< what the agent says its properties are
    std::size_t formatsCapacity{0};
    std::vector<abi::Byte> controlOutput;  ///< what the control call under way wrote
    std::size_t controlNeeded{0};          ///< and how much room its whole answer takes
    std::vector<std::string> controlLog;   ///< what the agent logged during the control call
    bool retrying{false};                  ///< the restart that is due is the final attempt (W-463)
    bool closed{false};
    std::uint64_t onlines{0};
    std::uint64_t failures{0};
    std::uint64_t restarts{0};
    std::string reason;
    std::string operation;  ///< what ran when the event under way arrived

    using Time = std::chrono::steady_clock::time_point;
    Time since{std::chrono::steady_clock::now()};  ///< the external state is what it is since then
    std::string step;                              ///< what the agent said last in the operation under way
    Time stepAt;
    Time restartAt;
    std::optional<SeenCheck> lastCheck;
    WorstCall worst;
    std::uint32_t requestsTaken{0};  ///< of the conductor
    std::string said;                ///< what was logged last about the event under way
    bool leaving{false};             ///< removed: once closed it is gone
    bool retired{false};
    /** What follows once nothing of the dead host is left. */
    enum class AfterHost { nothing, restart, retry, stay, revive };
    AfterHost afterHost{AfterHost::nothing};
    std::chrono::milliseconds afterDelay{0};
    core::MonitorReason loggedReason{core::MonitorReason::none};  ///< with its code: the failure that follows has none
    std::uint32_t loggedCode{0};
    bool blamed{false};  ///< its code ended the host
    bool separate{false};
    std::string deathText;  ///< how the host ended
    std::int64_t hostProcess{0};
    std::string failWhy;  ///< what people said when they declared it failed
};

}  // namespace holdfast::inline v1::monitor
