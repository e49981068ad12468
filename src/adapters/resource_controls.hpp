// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/adapters/property_controls.hpp>
#include <holdfast/exec/instance.hpp>

#include <functional>
#include <optional>
#include <string>

namespace holdfast::inline v1::adapters {

/**
 * Answers a resource's code if that takes neither the registry nor the author's code: what the type declares, what the
 * engine only tells (W-642), and ERROR_INVALID_FUNCTION for what nobody answers (W-142). Nothing: it is for a worker.
 *
 * @par Thread safety From any thread, beside any other call of the resource. @par Budget Microseconds.
 */
[[nodiscard]] std::optional<abi::Dword> answerAtOnce(exec::Instance& instance, const ControlCall& call);

/**
 * Answers the rest. `mayStore` is asked before anything is written: whether the caller still waits (D16). `*reason` gets
 * what to tell the engine's log.
 *
 * @par Budget As long as the registry and the author's code take, so only on a worker.
 */
[[nodiscard]] abi::Dword answerOnWorker(exec::Instance& instance, const ControlCall& call,
                                        const std::function<bool()>& mayStore, std::string* reason);

/** What of the author's may run for a code, for the host's note of calls: "validate" or "control". */
[[nodiscard]] const char* controlCallName(abi::Dword asked) noexcept;

}  // namespace holdfast::inline v1::adapters
