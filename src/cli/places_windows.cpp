// SPDX-License-Identifier: BSL-1.0
#include "cli/places.hpp"

#include "os/windows_handle.hpp"

#include <shellapi.h>

#include <cstdlib>
#include <cwchar>
#include <system_error>
#include <vector>

namespace holdfast::inline v1::cli {

namespace fs = std::filesystem;

namespace {

/** The user's own folder on this machine: nobody else may write there. */
fs::path localData() {
    const wchar_t* const value = ::_wgetenv(L"LOCALAPPDATA");  // before any other thread runs
    const fs::path folder{value == nullptr ? L"" : value};
    return folder.is_absolute() ? folder / "holdfast" : fs::path{};
}

}  // namespace

fs::path runDirectories() { return localData().empty() ? fs::path{} : localData() / "run"; }
fs::path stateDirectories() { return localData().empty() ? fs::path{} : localData() / "state"; }

bool isOwnFolder(const fs::path& folder) {
    std::error_code ignored;
    return fs::is_directory(folder, ignored);  // whose pipe it is the system checks when it is opened
}

bool isControlSocket(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

/** The runtime library has turned them into the system's code page, which need not have the letters of a path. */
std::vector<std::string> programArguments(int argc, char** argv) {
    int count = 0;
    wchar_t** const given = ::CommandLineToArgvW(::GetCommandLineW(), &count);
    if (given == nullptr) return {argv, argv + argc};
    std::vector<std::string> out;
    for (int i = 0; i < count; ++i) out.push_back(os::narrow(given[i]));
    ::LocalFree(given);
    return out;
}

fs::path ownProgram() {
    std::vector<wchar_t> name(32'768);
    const DWORD size = ::GetModuleFileNameW(nullptr, name.data(), static_cast<DWORD>(name.size()));
    return fs::path{std::wstring{name.data(), size}};
}

fs::path programIn(const fs::path& folder, const std::string& name) {
    std::error_code ignored;
    fs::path program = folder / (name + ".exe");
    return fs::is_regular_file(program, ignored) ? program : fs::path{};
}

void findLibrariesIn(const fs::path& folder) {
    fs::path native = folder;
    ::AddDllDirectory(
        native.make_preferred().c_str());  // os::Library looks there; without it an agent says what it misses
}

fs::path firstPath(const std::string& list) { return list.substr(0, list.find(';')); }

void setVariable(const char* name, const std::string& value) {
    // The runtime library tells the system, too.
    ::_wputenv_s(os::widen(name).c_str(), os::widen(value).c_str());
}

}  // namespace holdfast::inline v1::cli
