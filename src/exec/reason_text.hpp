// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/context.hpp>
#include <holdfast/core/lifecycle_events.hpp>

#include <string>

namespace holdfast::inline v1::exec {

/** "online", "isAlive", ... as the author knows them. */
[[nodiscard]] const char* jobName(core::Job job) noexcept;

struct ReasonText {
    LogLevel level;
    std::string text;
};

/** What happened, in words; `detail` is what the author's code said (may be empty). */
[[nodiscard]] ReasonText reasonText(core::Reason reason, core::Job job, const std::string& detail);

}  // namespace holdfast::inline v1::exec
