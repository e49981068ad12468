// SPDX-License-Identifier: BSL-1.0
#include "monitor/system_functions.hpp"

#include "os/windows_handle.hpp"

#include <holdfast/abi/registry_value.hpp>
#include <holdfast/monitor/resource_keys.hpp>

#include <fmt/format.h>

#include <array>
#include <cwchar>
#include <string_view>

namespace holdfast::inline v1::monitor {

namespace {

constexpr const wchar_t* root = L"Software\\holdfast\\Cluster";

HKEY keyOf(abi::KeyHandle key) { return reinterpret_cast<HKEY>(key); }

std::uint64_t startOf(HANDLE process) {
    FILETIME made{};
    FILETIME other{};
    if (::GetProcessTimes(process, &made, &other, &other, &other) == 0) return 0;
    return (std::uint64_t{made.dwHighDateTime} << 32U) | made.dwLowDateTime;
}

/** A process that was killed could not remove its key, and its number may be another's by now. */
std::wstring keyNameOf(DWORD number, std::uint64_t start) { return os::widen(fmt::format("{}-{:x}", number, start)); }

bool isAlive(const std::wstring& name) {
    const DWORD number = std::wcstoul(name.c_str(), nullptr, 10);
    const os::WindowsHandle process{::OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, number)};
    if (!process) return ::GetLastError() == ERROR_ACCESS_DENIED;
    return ::WaitForSingleObject(process.get(), 0) != WAIT_OBJECT_0 &&
           keyNameOf(number, startOf(process.get())) == name;
}

void removeLeftovers() {
    HKEY all = nullptr;
    if (::RegOpenKeyExW(HKEY_CURRENT_USER, root, 0, KEY_ALL_ACCESS, &all) != ERROR_SUCCESS) return;
    std::array<wchar_t, 256> name{};
    for (DWORD index = 0;;) {
        auto size = static_cast<DWORD>(name.size());
        if (::RegEnumKeyExW(all, index, name.data(), &size, nullptr, nullptr, nullptr, nullptr) != ERROR_SUCCESS) break;
        const std::wstring text{name.data(), size};
        if (isAlive(text) || ::RegDeleteTreeW(all, text.c_str()) != ERROR_SUCCESS) ++index;
    }
    ::RegCloseKey(all);
}

class SystemKeys final : public ResourceKeys {
public:
    SystemKeys()
        : path_{std::wstring{root} + L'\\' + keyNameOf(::GetCurrentProcessId(), startOf(::GetCurrentProcess()))} {
        removeLeftovers();
    }
    ~SystemKeys() override { ::RegDeleteTreeW(HKEY_CURRENT_USER, path_.c_str()); }

    abi::KeyHandle open(const std::string& path) override {
        HKEY const key = make(wide(path));
        if (HKEY const parameters = key == nullptr ? nullptr : make(wide(path) + L"\\Parameters");
            parameters != nullptr)
            ::RegCloseKey(parameters);
        return reinterpret_cast<abi::KeyHandle>(key);
    }

    void close(abi::KeyHandle key) noexcept override {
        if (key != nullptr) ::RegCloseKey(keyOf(key));
    }

    void store(const std::string& path, const PropertyBag& changes) override {
        HKEY const key = make(wide(path) + L"\\Parameters");
        if (key == nullptr) return;
        for (const auto& [name, value] : changes) {
            const std::wstring valueName = os::widen(name);
            if (value.absent()) {
                ::RegDeleteValueW(key, valueName.c_str());
                continue;
            }
            const abi::RegistryValue stored = abi::toRegistry(value);
            ::RegSetValueExW(key, valueName.c_str(), 0, static_cast<DWORD>(stored.type), stored.data.data(),
                             static_cast<DWORD>(stored.data.size()));
        }
        ::RegCloseKey(key);
    }

    void erase(const std::string& path) noexcept override {
        try {
            ::RegDeleteTreeW(HKEY_CURRENT_USER, wide(path).c_str());
        } catch (const std::bad_alloc&) {
            return;  // it goes with this process's key
        }
    }

private:
    [[nodiscard]] std::wstring wide(const std::string& path) const {
        return path.empty() ? path_ : path_ + L'\\' + os::widen(path);
    }
    [[nodiscard]] static HKEY make(const std::wstring& path) {
        HKEY key = nullptr;
        const LSTATUS status = ::RegCreateKeyExW(HKEY_CURRENT_USER, path.c_str(), 0, nullptr, REG_OPTION_VOLATILE,
                                                 KEY_ALL_ACCESS, nullptr, &key, nullptr);
        return status == ERROR_SUCCESS ? key : nullptr;
    }

    const std::wstring path_;
};

// --- the functions of the cluster registry, over ordinary keys ------------------------------------------------------------

void WINAPI setError(abi::Dword code) { ::SetLastError(code); }
abi::Dword WINAPI lastError() { return ::GetLastError(); }

std::int32_t WINAPI openKey(abi::KeyHandle parent, const abi::WideChar* subkey, abi::Dword access,
                            abi::KeyHandle* out) {
    HKEY key = nullptr;
    const LSTATUS status = ::RegOpenKeyExW(keyOf(parent), subkey, 0, access == 0 ? KEY_READ : access, &key);
    *out = reinterpret_cast<abi::KeyHandle>(key);
    return static_cast<std::int32_t>(status);
}

std::int32_t WINAPI closeKey(abi::KeyHandle key) { return static_cast<std::int32_t>(::RegCloseKey(keyOf(key))); }

abi::Dword WINAPI queryValue(abi::KeyHandle key, const abi::WideChar* name, abi::Dword* type, abi::Byte* data,
                             abi::Dword* size) {
    DWORD found = 0;
    DWORD length = size == nullptr ? 0 : *size;
    const LSTATUS status =
        ::RegQueryValueExW(keyOf(key), name, nullptr, &found, data, size == nullptr ? nullptr : &length);
    if (type != nullptr) *type = found;
    if (size != nullptr) *size = length;
    return static_cast<abi::Dword>(status);
}

abi::Dword WINAPI setValue(abi::KeyHandle key, const abi::WideChar* name, abi::Dword type, const abi::Byte* data,
                           abi::Dword size) {
    return static_cast<abi::Dword>(::RegSetValueExW(keyOf(key), name, 0, type, data, size));
}

abi::Dword WINAPI enumValue(abi::KeyHandle key, abi::Dword index, abi::WideChar* name, abi::Dword* nameSize,
                            abi::Dword* type, abi::Byte* data, abi::Dword* size) {
    DWORD nameLength = nameSize == nullptr ? 0 : *nameSize;
    DWORD length = size == nullptr ? 0 : *size;
    DWORD found = 0;
    const LSTATUS status = ::RegEnumValueW(keyOf(key), index, name, &nameLength, nullptr, &found, data,
                                           size == nullptr ? nullptr : &length);
    if (nameSize != nullptr) *nameSize = nameLength;
    if (type != nullptr) *type = found;
    if (size != nullptr) *size = length;
    return static_cast<abi::Dword>(status);
}

constexpr abi::HostFunctions functions{
    sizeof(abi::HostFunctions),
    1,
    &setError,
    &lastError,
    &openKey,
    &closeKey,
    &queryValue,
    &setValue,
    &enumValue,
    nullptr,
    nullptr,
};

}  // namespace

std::unique_ptr<ResourceKeys> systemKeys() { return std::make_unique<SystemKeys>(); }
const abi::HostFunctions* systemFunctions() noexcept { return &functions; }

}  // namespace holdfast::inline v1::monitor
