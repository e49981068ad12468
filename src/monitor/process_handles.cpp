// SPDX-License-Identifier: BSL-1.0
// In a file of its own: the simulation has many processes in one, and a table for each (tests/sim/processes.cpp).
#include "monitor/handle_table.hpp"

namespace holdfast::inline v1::monitor {

HandleTable& handles() noexcept {
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): without it there is no monitor
    static auto* const table = new HandleTable;  // an abandoned agent thread may call back during exit
    return *table;
}

}  // namespace holdfast::inline v1::monitor
