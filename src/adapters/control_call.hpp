// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/adapters/property_controls.hpp>
#include <holdfast/exec/instance.hpp>

#include <memory>

namespace holdfast::inline v1::adapters {

/** Answers a resource's control code on a worker with buffers of its own; ERROR_TIMEOUT if it is not in time (D16). */
[[nodiscard]] abi::Dword controlResource(const std::shared_ptr<exec::Instance>& instance, const ControlCall& call);

}  // namespace holdfast::inline v1::adapters
