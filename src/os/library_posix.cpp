// SPDX-License-Identifier: BSL-1.0
#include <holdfast/os/library.hpp>

#include <dlfcn.h>

#include <system_error>
#include <utility>

namespace holdfast::inline v1::os {

Library::Library(Library&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}

Library& Library::operator=(Library&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
}

Library::~Library() {
    if (handle_ != nullptr) ::dlclose(handle_);
}

Library::Opened Library::open(const std::filesystem::path& path) {
    Opened opened;
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path, error);  // a bare name would be searched for elsewhere
    if (!std::filesystem::exists(absolute, error)) {
        opened.problem = LibraryProblem::missing;
        opened.detail = "no such file";
        return opened;
    }
    opened.library.handle_ = ::dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (opened.library.handle_ != nullptr) return opened;
    const char* text = ::dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it by thread
    opened.detail = text == nullptr ? "unknown reason" : text;
    const auto says = [&](const char* what) { return opened.detail.find(what) != std::string::npos; };
    if (says("undefined symbol") || says("symbol not found")) {
        opened.problem = LibraryProblem::unresolved;
    } else if (says("invalid ELF header") || says("file too short") || says("wrong ELF class") ||
               says("not a mach-o") || says("cannot read file data")) {
        opened.problem = LibraryProblem::noLibrary;
    } else {
        opened.problem = LibraryProblem::other;
    }
    return opened;
}

void* Library::symbol(const char* name) const noexcept { return handle_ == nullptr ? nullptr : ::dlsym(handle_, name); }

}  // namespace holdfast::inline v1::os
