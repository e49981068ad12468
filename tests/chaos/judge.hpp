// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor_life.hpp"
#include "plan.hpp"

#include <string>
#include <vector>

namespace chaos {

/** What one look at a run that should be quiet found. */
struct Verdict {
    std::vector<std::string> violations;
    unsigned online{0};
    unsigned failed{0};
    unsigned offline{0};  ///< because what they need is failed
    unsigned orphans{0};  ///< processes that nobody answers for
};

/** Each resource online with exactly one tree, or given up with nothing of it left, and no process beside. */
[[nodiscard]] Verdict judge(const Plan& plan, const Options& options, const MonitorLife& monitor);

/** Double starts that the victims saw. */
[[nodiscard]] std::vector<std::string> doubles(const Options& options);
/** Starts of victims, all of them. */
[[nodiscard]] unsigned startsOf(const Plan& plan, const Options& options);

}  // namespace chaos
