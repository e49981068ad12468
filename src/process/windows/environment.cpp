// SPDX-License-Identifier: BSL-1.0

#include "environment.hpp"

#include "handle.hpp"

#include <array>

namespace holdfast::inline v1::process {
namespace {

void inherit(Variables& variables) {
    wchar_t* const block = ::GetEnvironmentStringsW();
    if (block == nullptr) return;
    for (const wchar_t* entry = block; *entry != L'\0';) {
        const std::wstring_view text{entry};
        // From the second character: "=C:=C:\dir" is the current folder of a drive.
        if (const auto equals = text.find(L'=', 1); equals != std::wstring_view::npos) {
            variables[std::wstring{text.substr(0, equals)}] = text.substr(equals + 1);
        }
        entry += text.size() + 1;
    }
    ::FreeEnvironmentStringsW(block);
}

/** Without these hardly a program of the system starts. */
void addBasics(Variables& variables) {
    for (const auto* const name : {L"SystemRoot", L"SystemDrive", L"windir", L"ComSpec", L"PATHEXT", L"TEMP", L"TMP"}) {
        std::array<wchar_t, 4096> value{};
        const DWORD size = ::GetEnvironmentVariableW(name, value.data(), static_cast<DWORD>(value.size()));
        if (size > 0 && size < value.size()) variables[name] = std::wstring{value.data(), size};
    }
    std::array<wchar_t, MAX_PATH + 1> path{};
    std::wstring search;
    if (::GetSystemDirectoryW(path.data(), MAX_PATH) != 0) search = path.data();
    if (::GetWindowsDirectoryW(path.data(), MAX_PATH) != 0) search += std::wstring{L";"} + path.data();
    variables[L"PATH"] = search;
}

bool isFile(const std::wstring& path) {
    const DWORD attributes = ::GetFileAttributesW(path.c_str());
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

bool endsWith(std::wstring_view text, std::wstring_view end) {
    return text.size() >= end.size() &&
           ::CompareStringOrdinal(text.data() + text.size() - end.size(), static_cast<int>(end.size()), end.data(),
                                  static_cast<int>(end.size()), TRUE) == CSTR_EQUAL;
}

/** The file itself, or with .exe. */
std::wstring fileAt(const std::wstring& path) {
    if (isFile(path)) return path;
    const auto name = path.find_last_of(L"\\/") + 1;  // npos + 1 is 0
    if (path.find(L'.', name) == std::wstring::npos && isFile(path + L".exe")) return path + L".exe";
    return {};
}

std::wstring search(const std::wstring& name, const std::wstring& path) {
    for (std::size_t at = 0; at <= path.size();) {
        const auto end = std::min(path.find(L';', at), path.size());
        std::wstring folder = path.substr(at, end - at);
        at = end + 1;
        std::erase(folder, L'"');
        // A relative folder would be looked up where this process happens to be.
        if (folder.size() < 2 || (folder[1] != L':' && folder.compare(0, 2, L"\\\\") != 0)) continue;
        if (folder.back() != L'\\' && folder.back() != L'/') folder += L'\\';
        if (auto found = fileAt(folder + name); !found.empty()) return found;
    }
    return {};
}

}  // namespace

bool NameLess::operator()(const std::wstring& left, const std::wstring& right) const noexcept {
    return ::CompareStringOrdinal(left.data(), static_cast<int>(left.size()), right.data(),
                                  static_cast<int>(right.size()), TRUE) == CSTR_LESS_THAN;
}

Variables variablesFor(const ProcessSettings& settings) {
    Variables variables;
    if (settings.inheritEnvironment) {
        inherit(variables);
    } else {
        addBasics(variables);
    }
    variables.erase(L"HOLDFAST_HOST");
    for (const auto& [name, value] : settings.environment) {
        if (name.empty() || name.find('=') != std::string::npos || (name + value).find('\0') != std::string::npos) {
            throw Error::make(ErrorCode::configuration, "\"{}\" is no name of an environment variable", name);
        }
        variables[abi::toWide(name)] = abi::toWide(value);
    }
    return variables;
}

std::wstring environmentBlock(const Variables& variables) {
    std::wstring block;
    for (const auto& [name, value] : variables) {
        block += name + L'=' + value;
        block += L'\0';
    }
    if (block.empty()) block += L'\0';
    block += L'\0';
    return block;
}

std::wstring findProgram(std::string_view program, const Variables& variables) {
    if (program.empty()) throw Error{ErrorCode::configuration, "no program is given"};
    const std::wstring name = abi::toWide(program);
    if (name.find_first_of(std::wstring_view{L"\"\0", 2}) != std::wstring::npos) {
        throw Error::make(ErrorCode::configuration, "\"{}\" is no name of a program", program);
    }
    std::wstring found;
    if (name.find_first_of(L"\\/:") != std::wstring::npos) {
        found = fileAt(name);
        if (found.empty())
            throw Error::make(ErrorCode::notInstalled, "cannot start {}: there is no such file", program);
    } else {
        const auto path = variables.find(L"PATH");
        if (path != variables.end()) found = search(name, path->second);
        if (found.empty()) throw Error::make(ErrorCode::notInstalled, "cannot start {}: it is not in PATH", program);
    }
    // The system drops dots and spaces at the end of a name: "x.bat. " is the same file, and cmd.exe would run it just so.
    const std::wstring_view named = std::wstring_view{found}.substr(0, found.find_last_not_of(L". ") + 1);
    if (endsWith(named, L".bat") || endsWith(named, L".cmd")) {
        throw Error::make(ErrorCode::configuration,
                          "{} is a batch file: run cmd.exe with /d, /c and its path as arguments", program);
    }
    return found;
}

}  // namespace holdfast::inline v1::process
