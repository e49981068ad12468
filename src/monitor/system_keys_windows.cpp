// SPDX-License-Identifier: BSL-1.0
#include "monitor/system_functions.hpp"

#include "os/windows_handle.hpp"

#include <holdfast/abi/registry_value.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/monitor/host.hpp>
#include <holdfast/monitor/resource_keys.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cwchar>
#include <exception>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::monitor {

namespace {

constexpr const wchar_t* root = L"Software\\holdfast\\Cluster";
constexpr std::size_t longestName = 16'383;  // of a value

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

std::wstring ownPath() {
    return std::wstring{root} + L'\\' + keyNameOf(::GetCurrentProcessId(), startOf(::GetCurrentProcess()));
}

std::wstring below(const std::wstring& own, const std::string& path) {
    return path.empty() ? own : own + L'\\' + os::widen(path);
}

/** Volatile: below such a key nothing else can be made (ERROR_CHILD_MUST_BE_VOLATILE). */
HKEY make(const std::wstring& path) {
    HKEY key = nullptr;
    const LSTATUS status = ::RegCreateKeyExW(HKEY_CURRENT_USER, path.c_str(), 0, nullptr, REG_OPTION_VOLATILE,
                                             KEY_ALL_ACCESS, nullptr, &key, nullptr);
    return status == ERROR_SUCCESS ? key : nullptr;
}

void write(HKEY key, const std::string& name, const PropertyValue& value) {
    const std::wstring valueName = os::widen(name);
    if (value.absent()) {
        ::RegDeleteValueW(key, valueName.c_str());
        return;
    }
    const abi::RegistryValue stored = abi::toRegistry(value);
    ::RegSetValueExW(key, valueName.c_str(), 0, static_cast<DWORD>(stored.type), stored.data.data(),
                     static_cast<DWORD>(stored.data.size()));
}

/** Of the SystemKeys there are: while there is none, types are where resources are, in memory. */
std::atomic<int> living{0};

class SystemKeys final : public ResourceKeys {
public:
    SystemKeys() : path_{ownPath()} {
        removeLeftovers();
        ++living;
    }
    ~SystemKeys() override {
        --living;
        ::RegDeleteTreeW(HKEY_CURRENT_USER, path_.c_str());
    }

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
        for (const auto& [name, value] : changes) write(key, name, value);
        ::RegCloseKey(key);
    }

    PropertyBag values(const std::string& path) override {
        PropertyBag bag;
        HKEY key = nullptr;
        if (::RegOpenKeyExW(HKEY_CURRENT_USER, (wide(path) + L"\\Parameters").c_str(), 0, KEY_READ, &key) !=
            ERROR_SUCCESS)
            return bag;
        std::vector<wchar_t> name(256);
        std::vector<abi::Byte> data(1'024);
        for (DWORD index = 0;;) {
            auto nameSize = static_cast<DWORD>(name.size());
            auto size = static_cast<DWORD>(data.size());
            DWORD type = 0;
            const LSTATUS status =
                ::RegEnumValueW(key, index, name.data(), &nameSize, nullptr, &type, data.data(), &size);
            if (status == ERROR_MORE_DATA) {
                if (name.size() > longestName && size <= data.size()) break;  // nobody can have written that
                name.resize(longestName + 1);
                data.resize(std::max<std::size_t>(size, data.size()));
                continue;
            }
            if (status != ERROR_SUCCESS) break;
            bag.set(
                abi::toUtf8(abi::WideView{name.data(), nameSize}),
                abi::fromRegistry(static_cast<abi::RegistryType>(type), {data.data(), size}, PropertyFormat::unknown));
            ++index;
        }
        ::RegCloseKey(key);
        return bag;
    }

    void storeDependencies(const std::string& path, const std::vector<Dependency>& dependencies) override {
        const std::wstring room = wide(path) + L"\\Dependencies";
        ::RegDeleteTreeW(HKEY_CURRENT_USER, room.c_str());
        for (std::size_t i = 0; i < dependencies.size(); ++i) {
            const std::string own = fmt::format("{}\\Dependencies\\{}", path, i);
            HKEY const key = make(wide(own));
            if (key == nullptr) return;
            write(key, "Name", PropertyValue::sz(dependencies[i].name));
            write(key, "Type", PropertyValue::sz(dependencies[i].type));
            ::RegCloseKey(key);
            store(own, dependencies[i].properties);
        }
    }

    void erase(const std::string& path) noexcept override {
        try {
            ::RegDeleteTreeW(HKEY_CURRENT_USER, wide(path).c_str());
        } catch (const std::bad_alloc&) {
            return;  // it goes with this process's key
        }
    }

private:
    [[nodiscard]] std::wstring wide(const std::string& path) const { return below(path_, path); }

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

std::int32_t WINAPI createKey(abi::KeyHandle parent, const abi::WideChar* subkey, abi::Dword, abi::Dword access, void*,
                              abi::KeyHandle* out, abi::Dword* disposition) {
    HKEY key = nullptr;
    DWORD made = 0;
    const LSTATUS status = ::RegCreateKeyExW(keyOf(parent), subkey, 0, nullptr, REG_OPTION_VOLATILE,
                                             access == 0 ? KEY_READ : access, nullptr, &key, &made);
    *out = reinterpret_cast<abi::KeyHandle>(key);
    if (disposition != nullptr) *disposition = made;
    return static_cast<std::int32_t>(status);
}

abi::Dword WINAPI deleteValue(abi::KeyHandle key, const abi::WideChar* name) {
    return static_cast<abi::Dword>(::RegDeleteValueW(keyOf(key), name));
}

/** Where this process has its resources' keys it has those of their types as well; 2 where it has none. */
std::int32_t WINAPI openTypeKey(abi::KeyHandle /*beside*/, const abi::WideChar* typeName, abi::KeyHandle* out) {
    *out = nullptr;
    if (living == 0) return static_cast<std::int32_t>(ERROR_FILE_NOT_FOUND);
    try {
        HKEY const key = make(below(ownPath(), typeKeyPath(abi::toUtf8(typeName))));
        *out = reinterpret_cast<abi::KeyHandle>(key);
        return static_cast<std::int32_t>(key == nullptr ? ERROR_ACCESS_DENIED : ERROR_SUCCESS);
    } catch (const std::exception&) {
        return static_cast<std::int32_t>(ERROR_NOT_ENOUGH_MEMORY);
    }
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
    &createKey,
    &deleteValue,
    nullptr,  // batches are the host functions' own
    nullptr,
    nullptr,
    &openTypeKey,
    nullptr,
    nullptr,
    nullptr,
    nullptr,  // the recorder's memory and faults are the host's
    nullptr,
    nullptr,
};

}  // namespace

std::unique_ptr<ResourceKeys> systemKeys() { return std::make_unique<SystemKeys>(); }
const abi::HostFunctions* systemFunctions() noexcept { return &functions; }

}  // namespace holdfast::inline v1::monitor
