// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Text at the boundary: the engine speaks UTF-16 code units, holdfast speaks UTF-8.

#include <holdfast/abi/resapi.hpp>

#include <string>
#include <string_view>

namespace holdfast::inline v1::abi {

using WideString = std::basic_string<WideChar>;
using WideView = std::basic_string_view<WideChar>;

/** UTF-16 to UTF-8; a surrogate without its partner becomes U+FFFD, so the result is always valid UTF-8. */
[[nodiscard]] std::string toUtf8(WideView text);
/** A NUL-terminated string from the engine; null reads as empty. */
[[nodiscard]] std::string toUtf8(const WideChar* text);

/** UTF-8 to UTF-16; each byte that starts no valid sequence becomes U+FFFD. */
[[nodiscard]] WideString toWide(std::string_view text);

/**
 * The upper-case form of one code point where the mapping is one to one, so that two names that a registry takes for one
 * compare equal: Latin (ASCII, Latin-1, Extended-A, Additional, fullwidth), Greek, Cyrillic and Armenian. Everything
 * else is itself. U+0131 and U+017F are left alone: no name outside ASCII may equal one inside it.
 */
[[nodiscard]] char32_t upperCase(char32_t codePoint) noexcept;

/** Full-string compare without case, as the engine compares type and property names (W-014, W-509). Never throws. */
[[nodiscard]] bool equalsIgnoringCase(WideView left, WideView right) noexcept;
/** The same for UTF-8; bytes that are no UTF-8 only equal themselves or each other's replacement. */
[[nodiscard]] bool equalsIgnoringCase(std::string_view left, std::string_view right) noexcept;

}  // namespace holdfast::inline v1::abi
