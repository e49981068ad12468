// SPDX-License-Identifier: BSL-1.0
// Programs for people are run on POSIX only: a Windows machine has a cluster to do it. A configuration that names one is
// refused there (isExecutable), so runChild is never reached.
#include <holdfast/os/child.hpp>

namespace holdfast::inline v1::os {

bool isExecutable(const std::filesystem::path&) { return false; }

std::string ChildOutcome::toString() const { return "could not be started: not on this system"; }

ChildOutcome runChild(const ChildOrder&, const std::function<void(std::string_view)>&, const std::function<bool()>&) {
    return {ChildOutcome::Kind::notStarted, 0};
}

}  // namespace holdfast::inline v1::os
