// SPDX-License-Identifier: BSL-1.0
#include "cli/places.hpp"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

namespace holdfast::inline v1::cli {

namespace fs = std::filesystem;

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any other thread runs
    return value == nullptr ? std::string{} : std::string{value};
}

}  // namespace

fs::path runDirectories() {
    if (::geteuid() == 0) return "/run/holdfast";
    if (const auto user = variable("XDG_RUNTIME_DIR"); !user.empty()) return fs::path{user} / "holdfast";
    return fmt::format("/tmp/holdfast-{}", ::geteuid());
}

fs::path stateDirectories() {
    if (const fs::path home{variable("XDG_STATE_HOME")}; home.is_absolute()) return home / "holdfast";
    if (::geteuid() == 0) return "/var/lib/holdfast";
    if (const fs::path home{variable("HOME")}; home.is_absolute()) return home / ".local/state/holdfast";
    return {};
}

bool isOwnFolder(const fs::path& folder) {
    struct stat info {};
    return ::lstat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
           (info.st_mode & 0077U) == 0;
}

bool isControlSocket(const fs::path& path) {
    std::error_code ignored;
    return fs::is_socket(path, ignored);
}

std::vector<std::string> programArguments(int argc, char** argv) { return {argv, argv + argc}; }

fs::path ownProgram() {
    std::error_code ignored;
    return fs::read_symlink("/proc/self/exe", ignored);
}

fs::path programIn(const fs::path& folder, const std::string& name) {
    const fs::path program = folder / name;
    return ::access(program.c_str(), X_OK) == 0 ? program : fs::path{};
}

fs::path firstPath(const std::string& list) { return list.substr(0, list.find(':')); }

void findLibrariesIn(const fs::path&) {}

void setVariable(const char* name, const std::string& value) {
    ::setenv(name, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): before any other thread runs
}

}  // namespace holdfast::inline v1::cli
