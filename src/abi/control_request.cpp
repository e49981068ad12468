// SPDX-License-Identifier: BSL-1.0
#include <holdfast/control.hpp>

#include "text_bytes.hpp"

namespace holdfast::inline v1 {

void ControlRequest::answer(std::string_view utf8) {
    const auto bytes = abi::textBytes(utf8);
    answer_.resize(bytes.size());
    std::memcpy(answer_.data(), bytes.data(), bytes.size());  // at least the NUL
}

}  // namespace holdfast::inline v1
