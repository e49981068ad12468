// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/service/roles.hpp>

#include <memory>
#include <string>

namespace holdfast::inline v1::service {

/** Those of a systemd unit: its main process by pidfd, all of them through its control group. */
[[nodiscard]] std::unique_ptr<Processes> makeUnitProcesses(std::string unit);

}  // namespace holdfast::inline v1::service
