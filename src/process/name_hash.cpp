// SPDX-License-Identifier: BSL-1.0

#include "names.hpp"

#include <cstdint>

namespace holdfast::inline v1::process {

std::string nameHash(std::string_view name) {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;  // FNV-1a
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
    std::string digits;
    for (int shift = 60; shift >= 0; shift -= 4) digits.push_back("0123456789abcdef"[hash >> shift & 15]);
    return digits;
}

}  // namespace holdfast::inline v1::process
