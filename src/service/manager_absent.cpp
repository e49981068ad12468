// SPDX-License-Identifier: BSL-1.0

#include <holdfast/error.hpp>
#include <holdfast/service/roles.hpp>

namespace holdfast::inline v1::service {

Manager openManager(const std::string& name, Context& /*context*/) {
    throw Error::make(
        ErrorCode::notInstalled,
        "cannot drive service \"{}\": this holdfast was built without libsystemd (Debian: libsystemd-dev)", name);
}

}  // namespace holdfast::inline v1::service
