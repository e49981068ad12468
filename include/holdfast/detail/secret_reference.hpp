// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the text of a secret property may be: the secret, or where to find it.

#include <holdfast/property.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::detail {

enum class SecretForm {
    text,        ///< the secret itself: "text:VALUE", or any value without one of the other prefixes
    file,        ///< "file:PATH": what the file holds, without its last line end
    credential,  ///< "credential:NAME": of systemd's LoadCredential=, or of the Windows Credential Manager
};

/** A longer secret is refused. */
inline constexpr std::size_t largestSecret = 65'536;

struct SecretText {
    SecretForm form{SecretForm::text};
    std::string_view rest;  ///< a view of what was parsed
};
[[nodiscard]] SecretText parseSecret(std::string_view value) noexcept;

/** Why the reference can be none, as `PropertyError` words it; empty if it can. */
[[nodiscard]] std::string_view problemOfReference(const SecretText& secret) noexcept;

/**
 * `values` with every secret text that is a reference replaced by what it refers to, marked as text. Reads files, so on a
 * worker only (D14).
 *
 * @par Errors `PropertyError` with what is wrong, and never with the secret, the path or the name.
 */
[[nodiscard]] PropertyBag resolveSecrets(const std::vector<PropertyDescription>& properties, const PropertyBag& values);

/** One implementation per system. Throws `Error`. */
[[nodiscard]] std::string readCredential(const std::string& name);
/** The whole file; throws `Error`, also if it is none, or too long. */
[[nodiscard]] std::string readSecretFile(const std::string& path);

}  // namespace holdfast::inline v1::detail
