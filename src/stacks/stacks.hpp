// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace holdfast::inline v1::stacks {

/** One thread of another process, and where it is, innermost first. */
struct Stack {
    std::uint64_t thread{0};
    std::string name;
    std::vector<std::string> frames;  ///< `function (file:line)`, `function (module)` or `module+0xoffset`
};

/** More than a look at it needs; a runaway recursion has a million. */
inline constexpr std::size_t mostFrames = 100;

/**
 * Stops each thread of `process` for a moment, one after the other, and tells `found` where it was. One implementation per
 * system. Whatever happens, also after `limitSeconds`, which end this program, no thread stays stopped.
 *
 * @return empty, or what went wrong
 */
[[nodiscard]] std::string takeStacks(std::int64_t process, unsigned limitSeconds,
                                     const std::function<void(const Stack&)>& found);

}  // namespace holdfast::inline v1::stacks
