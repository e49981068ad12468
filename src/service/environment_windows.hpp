// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Windows only: the environment that the SCM gives to one service.

#include <holdfast/service/roles.hpp>

#include <string>
#include <vector>

namespace holdfast::inline v1::service {

/**
 * HKLM\SYSTEM\CurrentControlSet\Services\<name>, value Environment. What people had configured there is kept beside it, in
 * HoldfastEnvironment, so that it survives the death of this process too.
 *
 * @par Errors All throw `Error`.
 */
void setServiceEnvironment(const std::string& name, const std::vector<EnvironmentVariable>& variables);
/** Adds to what is there now, whoever wrote it; nothing is kept. */
void addServiceEnvironment(const std::string& name, const std::vector<EnvironmentVariable>& variables);
void removeServiceEnvironment(const std::string& name);

}  // namespace holdfast::inline v1::service
