// SPDX-License-Identifier: BSL-1.0
#include <holdfast/detail/secret_reference.hpp>

#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/wide.hpp>

#include <windows.h>

#include <wincred.h>

#include <cstring>
#include <memory>

namespace holdfast::inline v1::detail {

std::string readCredential(const std::string& name) {
    CREDENTIALW* raw = nullptr;
    // Of the account this process runs as: on a cluster that is the local system.
    if (CredReadW(abi::toWide(name).c_str(), CRED_TYPE_GENERIC, 0, &raw) == 0) {
        const DWORD code = GetLastError();
        throw Error{ErrorCode::configuration,
                    code == ERROR_NOT_FOUND ? "this account has no generic credential of the name it refers to"
                                            : "the credential it refers to cannot be read: " + abi::win32Text(code)};
    }
    struct Free {
        void operator()(CREDENTIALW* credential) const noexcept { CredFree(credential); }
    };
    const std::unique_ptr<CREDENTIALW, Free> credential{raw};
    // Windows' own tools write UTF-16 without a terminating NUL.
    if (credential->CredentialBlobSize % sizeof(wchar_t) != 0)
        throw Error{ErrorCode::configuration, "the credential it refers to is no UTF-16 text"};
    abi::WideString text(credential->CredentialBlobSize / sizeof(wchar_t), abi::WideChar{});
    if (!text.empty()) std::memcpy(text.data(), credential->CredentialBlob, credential->CredentialBlobSize);
    return abi::toUtf8(text);
}

}  // namespace holdfast::inline v1::detail
