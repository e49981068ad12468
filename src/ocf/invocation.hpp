// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One call of an OCF agent: its action and what the environment says about it.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v1::ocf {

struct Invocation {
    std::string action;  ///< empty: none was given
    std::string instance{"default"};
    std::string type;
    std::string provider;
    std::string node;  ///< the name the cluster has for this one; empty when run by hand
    std::vector<std::pair<std::string, std::string>> parameters;
    std::chrono::milliseconds timeout{0};   ///< the engine's; 0: it did not say (L-024)
    std::chrono::milliseconds interval{0};  ///< of a recurring action
    int level{0};                           ///< OCF_CHECK_LEVEL (L-080)
    bool fromExecutor{false};               ///< the cluster's executor asks, not a person by crm_resource (L-028)
    std::string logFile;                    ///< HA_LOGFILE, empty: none
    std::string logFacility;                ///< of syslog; empty: none
    bool debug{false};
    std::string complaint;  ///< why nothing may be done (L-020)
    std::vector<std::string> warnings;

    /** L-025: a monitor that asks whether the resource happens to run here. */
    [[nodiscard]] bool isProbe() const noexcept { return action == "monitor" && interval.count() == 0; }

    /**
     * L-077: how long the action may take so that it answers before the engine kills it: the timeout less a tenth of it, one second at
     * least, half of it at most. Without a timeout, that is by hand, 10 minutes.
     */
    [[nodiscard]] std::chrono::milliseconds budget() const noexcept;
};

/** `NAME=value` of the environment, one by one. */
using Environment = std::vector<std::string_view>;
[[nodiscard]] Environment environmentFrom(char** variables);

/** `arguments` without the program's name; all but the first are ignored (L-010). */
[[nodiscard]] Invocation readInvocation(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace holdfast::inline v1::ocf
