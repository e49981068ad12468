// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace holdfast::inline v1::ocf {

/** Exit codes of actions (section 4 of the contract). */
enum class Code : int {
    success = 0,
    generic = 1,        ///< failed; also whatever is in doubt (L-043)
    arguments = 2,      ///< its configuration is wrong on this node
    unimplemented = 3,  ///< no such action
    permission = 4,
    installed = 5,   ///< software or a file is missing on this node
    configured = 6,  ///< its configuration is wrong on every node (L-045, L-047)
    notRunning = 7,  ///< certainly and completely stopped
};

}  // namespace holdfast::inline v1::ocf
