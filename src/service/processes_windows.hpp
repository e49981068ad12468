// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/service/roles.hpp>

#include <memory>
#include <string>

namespace holdfast::inline v1::service {

/** Those of a Windows service: its process by handle, what that starts through a job object. */
[[nodiscard]] std::unique_ptr<Processes> makeServiceProcesses(std::string name);

}  // namespace holdfast::inline v1::service
