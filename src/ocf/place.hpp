// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Where an OCF resource's socket, record and lock lie.

#include <string>

namespace holdfast::inline v1::ocf {

struct Place {
    std::string parent;     ///< `HA_RSCTMP`, else /run/resource-agents: emptied when the system starts (L-115)
    std::string directory;  ///< `holdfast` in it, mode 0700
    std::string socket;
    std::string record;
    std::string lock;

    /** For the resource `instance`; names of any length and spelling give file names of their own (L-06C). */
    [[nodiscard]] static Place of(const std::string& instance);

    /** Makes the directories where they are missing; what is wrong with them, or nothing. */
    [[nodiscard]] std::string prepare() const;
};

}  // namespace holdfast::inline v1::ocf
