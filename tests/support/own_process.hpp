// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a test counts of its own process. Each figure is the system's own, so it also sees what a library leaks.

#include <cstddef>

namespace holdfast::tests {

struct OwnProcess {
    std::size_t threads{0};
    std::size_t handles{0};  ///< descriptors on Linux, handles on Windows
    std::size_t residentKibibytes{0};
};

[[nodiscard]] OwnProcess ownProcess();
/** As in OwnProcess, without the others: counting handles takes milliseconds under Wine. */
[[nodiscard]] std::size_t ownThreads();
[[nodiscard]] std::size_t ownHandles();

}  // namespace holdfast::tests
