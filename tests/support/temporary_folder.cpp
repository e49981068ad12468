// SPDX-License-Identifier: BSL-1.0
#include "temporary_folder.hpp"

#include <holdfast/os/process.hpp>

#include <atomic>
#include <random>
#include <stdexcept>
#include <system_error>

namespace holdfast::tests {

TemporaryFolder::TemporaryFolder() {
    static std::atomic<int> number{0};
    // A process id comes back; what an earlier, killed test left must not be taken for ours.
    const auto unique =
        std::to_string(os::processId()) + "-" + std::to_string(std::random_device{}()) + "-" + std::to_string(++number);
    path_ = std::filesystem::temp_directory_path() / ("holdfast-test-" + unique);
    if (!std::filesystem::create_directory(path_)) throw std::runtime_error{"there is a " + path_.string()};
    std::filesystem::permissions(path_, std::filesystem::perms{0755});
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace holdfast::tests
