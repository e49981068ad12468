// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "wsfc_link.hpp"

#include <holdfast/adapters/wsfc.hpp>

#include <array>
#include <cstddef>
#include <memory>

namespace holdfast::inline v1::adapters {

/** What an entry point must know of the type it belongs to. */
struct ServedType {
    std::shared_ptr<const AgentType> type;
    Callbacks callbacks;
};

/** The type with this number, which an Open of its own carries. */
[[nodiscard]] ServedType servedType(std::size_t index);
/** The type with this name, without case; a null type if no start-up routine was called for it. */
[[nodiscard]] ServedType servedTypeNamed(const abi::WideChar* name);

/** Serves the type at `position` of `types` and hands out its table of `version`; the same one each time (W-027). */
[[nodiscard]] abi::Dword serve(const AgentTypes& types, std::size_t position, const Callbacks& callbacks,
                               abi::Dword version, abi::FunctionTable** table);

/** The entry points of the type with this number, as that version lays them out (W-023). */
[[nodiscard]] abi::FunctionTable makeTable(std::size_t index, abi::Dword version);

}  // namespace holdfast::inline v1::adapters
