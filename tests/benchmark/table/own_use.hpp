// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace bench {

/** What this process has used or uses. */
struct OwnUse {
    double processor{0};      ///< seconds
    long contextSwitches{0};  ///< voluntary ones, of threads that are gone, too
    double resident{0};       ///< KiB
    std::size_t threads{0};
};
[[nodiscard]] OwnUse ownUse();

}  // namespace bench
