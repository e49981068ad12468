// SPDX-License-Identifier: BSL-1.0
#include <holdfast/version.hpp>

#define HOLDFAST_TEXT_OF(value) #value
#define HOLDFAST_TEXT(value) HOLDFAST_TEXT_OF(value)

namespace holdfast::inline v1 {

std::string_view version() noexcept {
    return HOLDFAST_TEXT(HOLDFAST_VERSION_MAJOR) "." HOLDFAST_TEXT(HOLDFAST_VERSION_MINOR) "." HOLDFAST_TEXT(
        HOLDFAST_VERSION_PATCH);
}

}  // namespace holdfast::inline v1
