// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A key of the registry as a monitor gives it to a resource DLL, gone with the test.

#include "clusapi/mingw_resapi.hpp"

#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace fixture {

using Bytes = std::vector<BYTE>;

class ClusterKey {
public:
    explicit ClusterKey(const std::wstring& resource = L"counter") {
        // By this name a monitor that tidies up knows that somebody still uses it.
        FILETIME made{};
        FILETIME other{};
        ::GetProcessTimes(::GetCurrentProcess(), &made, &other, &other, &other);
        wchar_t start[32] = {};
        ::swprintf(start, 32, L"%llx", (ULONGLONG{made.dwHighDateTime} << 32) | made.dwLowDateTime);
        root_ = L"Software\\holdfast\\Cluster\\" + std::to_wstring(::GetCurrentProcessId()) + L"-" + start;
        ::RegDeleteTreeW(HKEY_CURRENT_USER, root_.c_str());
        make(HKEY_CURRENT_USER, root_ + L"\\Resources\\" + resource, &key_);
        make(key_, L"Parameters", &parameters_);
    }
    ClusterKey(const ClusterKey&) = delete;
    ClusterKey& operator=(const ClusterKey&) = delete;
    ~ClusterKey() {
        ::RegCloseKey(parameters_);
        ::RegCloseKey(key_);
        ::RegDeleteTreeW(HKEY_CURRENT_USER, root_.c_str());
        ::RegDeleteKeyW(HKEY_CURRENT_USER, root_.c_str());
    }
    [[nodiscard]] HKEY get() const noexcept { return key_; }
    [[nodiscard]] HKEY parameters() const noexcept { return parameters_; }

    void set(const wchar_t* name, DWORD value) const {
        ::RegSetValueExW(parameters_, name, 0, REG_DWORD, reinterpret_cast<const BYTE*>(&value), sizeof value);
    }
    void set(const wchar_t* name, const std::wstring& value, DWORD type = REG_SZ) const {
        ::RegSetValueExW(parameters_, name, 0, type, reinterpret_cast<const BYTE*>(value.c_str()),
                         static_cast<DWORD>((value.size() + 1) * sizeof(wchar_t)));
    }
    /** As it is stored; empty if it is not. */
    [[nodiscard]] Bytes stored(const wchar_t* name) const {
        Bytes data(512);
        auto size = static_cast<DWORD>(data.size());
        if (::RegQueryValueExW(parameters_, name, nullptr, nullptr, data.data(), &size) != ERROR_SUCCESS) size = 0;
        data.resize(size);
        return data;
    }
    [[nodiscard]] DWORD number(const wchar_t* name) const {
        DWORD value = 0xFFFF'FFFF;
        if (const Bytes data = stored(name); data.size() == sizeof value)
            std::memcpy(&value, data.data(), sizeof value);
        return value;
    }

private:
    /** A monitor that ran here may have made the key above a volatile one. */
    static void make(HKEY key, const std::wstring& subkey, HKEY* out) {
        for (const DWORD options : {REG_OPTION_NON_VOLATILE, REG_OPTION_VOLATILE}) {
            if (::RegCreateKeyExW(key, subkey.c_str(), 0, nullptr, options, KEY_ALL_ACCESS, nullptr, out, nullptr) ==
                ERROR_SUCCESS) {
                return;
            }
        }
        throw std::runtime_error{"no key of the registry"};
    }
    std::wstring root_;
    HKEY key_{nullptr};
    HKEY parameters_{nullptr};
};

/** A property list, written here by hand: the library's own writer is under test. */
class List {
public:
    List& add(const wchar_t* name, DWORD format, const void* data, std::size_t size) {
        ++count_;
        entry(0x0004'0003, name, (std::wcslen(name) + 1) * sizeof(wchar_t));
        entry(0x0001'0000 | format, data, size);
        number(0);
        return *this;
    }
    List& add(const wchar_t* name, DWORD value) { return add(name, CLUSPROP_FORMAT_DWORD, &value, sizeof value); }
    List& add(const wchar_t* name, const std::wstring& text) {
        return add(name, CLUSPROP_FORMAT_SZ, text.c_str(), (text.size() + 1) * sizeof(wchar_t));
    }
    [[nodiscard]] Bytes bytes() const {
        Bytes all(sizeof count_);
        std::memcpy(all.data(), &count_, sizeof count_);
        all.insert(all.end(), rest_.begin(), rest_.end());
        return all;
    }

private:
    void number(DWORD value) {
        const auto* const bytes = reinterpret_cast<const BYTE*>(&value);
        rest_.insert(rest_.end(), bytes, bytes + sizeof value);
    }
    void entry(DWORD syntax, const void* data, std::size_t size) {
        number(syntax);
        number(static_cast<DWORD>(size));
        const auto* const bytes = static_cast<const BYTE*>(data);
        rest_.insert(rest_.end(), bytes, bytes + size);
        rest_.resize((rest_.size() + 3) / 4 * 4);
    }
    DWORD count_{0};
    Bytes rest_;
};

}  // namespace fixture
