// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <windows.h>

#include <memory>

namespace holdfast::inline v1::os {

/**
 * Security attributes that let in this process's user, the system and administrators, and nobody else.
 *
 * @par Thread safety One owner. @par Errors The constructor throws std::system_error.
 */
class OwnAccess {
public:
    explicit OwnAccess(bool inheritable = false);
    OwnAccess(const OwnAccess&) = delete;
    OwnAccess& operator=(const OwnAccess&) = delete;
    ~OwnAccess();
    [[nodiscard]] SECURITY_ATTRIBUTES* get() noexcept { return &attributes_; }

private:
    SECURITY_ATTRIBUTES attributes_{};
};

}  // namespace holdfast::inline v1::os
