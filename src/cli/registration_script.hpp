// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/described_library.hpp"

#include <string>

namespace holdfast::inline v1::cli {

/**
 * A PowerShell script that registers the library's types with a failover cluster (W-907), takes them out again, and has a
 * function for each type that creates a resource with typed, checked parameters. Lines end in LF, no byte order mark.
 *
 * Windows PowerShell 5.1, which every supported Windows Server has, and documented cmdlets of FailoverClusters only.
 */
[[nodiscard]] std::string registrationScript(const DescribedLibrary& library);

}  // namespace holdfast::inline v1::cli
