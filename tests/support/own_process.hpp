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

}  // namespace holdfast::tests
