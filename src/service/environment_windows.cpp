// SPDX-License-Identifier: BSL-1.0
#include "service/environment_windows.hpp"

#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/error.hpp>

#include <windows.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace holdfast::inline v1::service {
namespace {

constexpr const wchar_t* environmentValue = L"Environment";
constexpr const wchar_t* keptValue = L"HoldfastEnvironment";

class Key {
public:
    explicit Key(const std::string& service) : service_{service} {
        const auto path = abi::toWide("SYSTEM\\CurrentControlSet\\Services\\" + service);
        const LSTATUS code = RegOpenKeyExW(HKEY_LOCAL_MACHINE, path.c_str(), 0, KEY_READ | KEY_WRITE, &key_);
        if (code != ERROR_SUCCESS) fail("open", static_cast<DWORD>(code));
    }
    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;
    ~Key() { RegCloseKey(key_); }

    /** The texts of a REG_MULTI_SZ; nothing if there is no such value. */
    [[nodiscard]] std::optional<Strings> read(const wchar_t* value) const {
        std::vector<wchar_t> data(512);
        for (;;) {
            DWORD type = 0;
            auto size = static_cast<DWORD>(data.size() * sizeof(wchar_t));
            const LSTATUS code =
                RegQueryValueExW(key_, value, nullptr, &type, reinterpret_cast<BYTE*>(data.data()), &size);
            if (code == ERROR_FILE_NOT_FOUND) return std::nullopt;
            if (code == ERROR_MORE_DATA) {
                data.resize(std::max<std::size_t>(size / sizeof(wchar_t) + 1, data.size() * 2));
                continue;
            }
            if (code != ERROR_SUCCESS) fail("read", static_cast<DWORD>(code));
            if (type != REG_MULTI_SZ) return Strings{};
            data.resize(size / sizeof(wchar_t));
            return split(data);
        }
    }

    void write(const wchar_t* value, const Strings& texts) const {
        abi::WideString data;
        for (const auto& text : texts) {
            data += abi::toWide(text);
            data.push_back(0);
        }
        data.push_back(0);
        const LSTATUS code = RegSetValueExW(key_, value, 0, REG_MULTI_SZ, reinterpret_cast<const BYTE*>(data.data()),
                                            static_cast<DWORD>(data.size() * sizeof(wchar_t)));
        if (code != ERROR_SUCCESS) fail("write", static_cast<DWORD>(code));
    }

    void erase(const wchar_t* value) const {
        const LSTATUS code = RegDeleteValueW(key_, value);
        if (code != ERROR_SUCCESS && code != ERROR_FILE_NOT_FOUND) fail("delete", static_cast<DWORD>(code));
    }

private:
    static Strings split(const std::vector<wchar_t>& data) {
        Strings texts;
        abi::WideString text;
        for (const wchar_t c : data) {
            if (c != 0) {
                text.push_back(c);
                continue;
            }
            if (text.empty()) break;
            texts.push_back(abi::toUtf8(text));
            text.clear();
        }
        if (!text.empty()) texts.push_back(abi::toUtf8(text));  // written without its last NUL
        return texts;
    }

    [[noreturn]] void fail(const char* action, DWORD code) const {
        throw Error::make(abi::errorCodeOf(code), "cannot {} the environment of service \"{}\" in the registry: {}",
                          action, service_, abi::win32Text(code));
    }

    const std::string& service_;
    HKEY key_{};
};

std::string_view nameOf(std::string_view entry) { return entry.substr(0, entry.find('=')); }

/** `entries`, of which `variables` replace those of the same name. */
Strings merged(const Strings& entries, const std::vector<EnvironmentVariable>& variables) {
    Strings texts;
    for (const auto& entry : entries) {
        const bool replaced = std::any_of(variables.begin(), variables.end(), [&](const EnvironmentVariable& variable) {
            return samePropertyName(variable.name, nameOf(entry));
        });
        if (!replaced) texts.push_back(entry);
    }
    for (const auto& variable : variables) texts.push_back(variable.name + "=" + variable.value);
    return texts;
}

}  // namespace

void setServiceEnvironment(const std::string& name, const std::vector<EnvironmentVariable>& variables) {
    const Key key{name};
    auto kept = key.read(keptValue);
    if (!kept) {
        if (variables.empty()) return;
        kept = key.read(environmentValue).value_or(Strings{});
        key.write(keptValue, *kept);  // before the other: who dies in between has lost nothing
    }
    key.write(environmentValue, merged(*kept, variables));
}

void addServiceEnvironment(const std::string& name, const std::vector<EnvironmentVariable>& variables) {
    const Key key{name};
    key.write(environmentValue, merged(key.read(environmentValue).value_or(Strings{}), variables));
}

void removeServiceEnvironment(const std::string& name) {
    const Key key{name};
    const auto kept = key.read(keptValue);
    if (!kept) return;
    if (kept->empty()) {
        key.erase(environmentValue);
    } else {
        key.write(environmentValue, *kept);
    }
    key.erase(keptValue);
}

}  // namespace holdfast::inline v1::service
