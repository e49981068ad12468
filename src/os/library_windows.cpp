// SPDX-License-Identifier: BSL-1.0
#include <holdfast/os/library.hpp>

#include <windows.h>

#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace holdfast::inline v1::os {

Library::Library(Library&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}

Library& Library::operator=(Library&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
}

Library::~Library() {
    if (handle_ != nullptr) ::FreeLibrary(static_cast<HMODULE>(handle_));
}

Library::Opened Library::open(const std::filesystem::path& path) {
    Opened opened;
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path, error);
    if (!std::filesystem::exists(absolute, error)) {  // the loader has one code for this and for what the library needs
        opened.problem = LibraryProblem::missing;
        opened.detail = "no such file";
        return opened;
    }
    // What it imports lies beside it, else beside this program or where this program looks, too: there the substitutes of the
    // cluster's libraries are, and the system's own would not know our keys. PATH is for what is found nowhere else.
    opened.library.handle_ = ::LoadLibraryExW(absolute.c_str(), nullptr,
                                              LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    if (opened.library.handle_ == nullptr && ::GetLastError() == ERROR_MOD_NOT_FOUND)
        opened.library.handle_ = ::LoadLibraryExW(absolute.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (opened.library.handle_ != nullptr) return opened;
    const DWORD code = ::GetLastError();
    opened.detail = "error " + std::to_string(code);
    switch (code) {
        case ERROR_FILE_NOT_FOUND:
        case ERROR_PATH_NOT_FOUND: opened.problem = LibraryProblem::missing; break;
        case ERROR_BAD_EXE_FORMAT: opened.problem = LibraryProblem::noLibrary; break;
        case ERROR_PROC_NOT_FOUND:
        case ERROR_MOD_NOT_FOUND: opened.problem = LibraryProblem::unresolved; break;
        default: opened.problem = LibraryProblem::other; break;
    }
    return opened;
}

void* Library::symbol(const char* name) const noexcept {
    if (handle_ == nullptr) return nullptr;
    const auto function = ::GetProcAddress(static_cast<HMODULE>(handle_), name);
    void* address = nullptr;
    static_assert(sizeof(address) == sizeof(function));
    std::memcpy(&address, &function, sizeof address);
    return address;
}

}  // namespace holdfast::inline v1::os
