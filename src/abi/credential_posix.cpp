// SPDX-License-Identifier: BSL-1.0
#include <holdfast/detail/secret_reference.hpp>

#include <cstdlib>

namespace holdfast::inline v1::detail {

std::string readCredential(const std::string& name) {
    // Where systemd puts what a unit's LoadCredential= and SetCredential= name.
    const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe): only read
    if (directory == nullptr || *directory != '/') {
        throw Error{ErrorCode::configuration,
                    "it refers to a credential, and this process was given none (systemd's LoadCredential=)"};
    }
    return readSecretFile(std::string{directory} + "/" + name);
}

}  // namespace holdfast::inline v1::detail
