// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "pending_controls.hpp"

#include <holdfast/adapters/property_controls.hpp>
#include <holdfast/exec/instance.hpp>

#include <chrono>
#include <cstdint>
#include <memory>

namespace holdfast::inline v1::adapters {

/** Answers a resource's control code on a worker with buffers of its own; ERROR_TIMEOUT if it is not in time (D16). */
[[nodiscard]] abi::Dword controlResource(const std::shared_ptr<exec::Instance>& instance, const ControlCall& call);

/** How an engine takes an answer that comes after its call returned (W-151). */
struct LateAnswer {
    abi::EndControlCallRoutine end;
    std::int64_t context;
    abi::Bool* asynchronously;  ///< set once End will be called; the engine's, until its call returns
    PendingControls* pending;   ///< lives as long as the instance's link
};

/**
 * The same for V3 and V4: a quick answer is given directly, a slow one by `end`, exactly once, whoever is first: the worker,
 * the limit of a control call (then ERROR_TIMEOUT) or Close (then ERROR_OPERATION_ABORTED). Only the worker's own answer
 * touches the engine's buffers.
 */
[[nodiscard]] abi::Dword beginControlResource(const std::shared_ptr<exec::Instance>& instance, const ControlCall& call,
                                              const LateAnswer& late);

/** Answers what is still pending at Close, and waits a moment for those answers to have left. */
void endPendingControls(exec::Instance& instance, PendingControls& pending) noexcept;

/** How long a control call may take when its answer may come late; for tests. */
void setControlLimit(std::chrono::milliseconds limit) noexcept;

}  // namespace holdfast::inline v1::adapters
