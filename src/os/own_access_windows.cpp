// SPDX-License-Identifier: BSL-1.0
#include "os/own_access_windows.hpp"

#include "os/windows_handle.hpp"

#include <sddl.h>

#include <cstddef>
#include <vector>

namespace holdfast::inline v1::os {

namespace {

/** This process's user as the text of a security identifier. */
std::wstring ownUser() {
    HANDLE token = nullptr;
    if (::OpenProcessToken(::GetCurrentProcess(), TOKEN_QUERY, &token) == 0)
        throwWindows("cannot see whose process this is");
    const WindowsHandle holder{token};
    DWORD size = 0;
    ::GetTokenInformation(token, TokenUser, nullptr, 0, &size);
    std::vector<std::byte> buffer(size);
    if (::GetTokenInformation(token, TokenUser, buffer.data(), size, &size) == 0)
        throwWindows("cannot see whose process this is");
    wchar_t* text = nullptr;
    if (::ConvertSidToStringSidW(reinterpret_cast<const TOKEN_USER*>(buffer.data())->User.Sid, &text) == 0)
        throwWindows("cannot see whose process this is");
    std::wstring out{text};
    ::LocalFree(text);
    return out;
}

}  // namespace

OwnAccess::OwnAccess(bool inheritable) {
    attributes_.nLength = sizeof attributes_;
    attributes_.bInheritHandle = inheritable ? TRUE : FALSE;
    // Protected: nothing is inherited from where the object is made.
    const std::wstring text = L"D:P(A;;GA;;;" + ownUser() + L")(A;;GA;;;SY)(A;;GA;;;BA)";
    if (::ConvertStringSecurityDescriptorToSecurityDescriptorW(text.c_str(), SDDL_REVISION_1,
                                                               &attributes_.lpSecurityDescriptor, nullptr) == 0)
        throwWindows("cannot make a security descriptor");
}

OwnAccess::~OwnAccess() { ::LocalFree(attributes_.lpSecurityDescriptor); }

}  // namespace holdfast::inline v1::os
