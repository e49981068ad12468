// SPDX-License-Identifier: BSL-1.0

#include "substitute.hpp"

#include <cstdio>
#include <cstring>

namespace holdfast::clusapi {

void say(std::string_view text) noexcept {
    try {
        const std::string line = std::string{text} + "\n";
        ::OutputDebugStringA(line.c_str());
        // By the handle, not the C runtime: its buffers are this library's own.
        DWORD written = 0;
        if (HANDLE const error = ::GetStdHandle(STD_ERROR_HANDLE); error != nullptr && error != INVALID_HANDLE_VALUE) {
            ::WriteFile(error, line.data(), static_cast<DWORD>(line.size()), &written, nullptr);
        }
    } catch (const std::bad_alloc&) {
        // A line less.
    }
}

void noteCall(const char* function) noexcept {
    using Note = void(WINAPI*)(const char*);
    // Through a plain function pointer: both casts are between function types, whose real signature is Note's.
    static const auto note = reinterpret_cast<Note>(
        reinterpret_cast<void (*)()>(::GetProcAddress(::GetModuleHandleW(nullptr), "HoldfastClusterCall")));
    if (note != nullptr) note(function);
}

void sayAbsent(const char* function, std::atomic<bool>& said) noexcept {
    noteCall(function);
    if (said.exchange(true)) return;
    try {
        say(std::string{"not provided by holdfast's substitute: "} + function);
    } catch (const std::bad_alloc&) {
        // A line less.
    }
}

void* localCopy(const void* data, std::size_t size) noexcept {
    void* const copy = ::LocalAlloc(LMEM_FIXED, size == 0 ? 1 : size);
    if (copy != nullptr && size != 0) std::memcpy(copy, data, size);
    return copy;
}

wchar_t* localText(std::wstring_view text) {
    auto* const copy = static_cast<wchar_t*>(::LocalAlloc(LMEM_FIXED, (text.size() + 1) * sizeof(wchar_t)));
    if (copy == nullptr) throw std::bad_alloc{};
    std::memcpy(copy, text.data(), text.size() * sizeof(wchar_t));
    copy[text.size()] = L'\0';
    return copy;
}

LONG createKey(HKEY key, const wchar_t* subkey, DWORD options, REGSAM access, SECURITY_ATTRIBUTES* security,
               HKEY* result, DWORD* disposition) noexcept {
    const LONG code = ::RegCreateKeyExW(key, subkey, 0, nullptr, options, access, security, result, disposition);
    if (code != ERROR_CHILD_MUST_BE_VOLATILE) return code;
    return ::RegCreateKeyExW(key, subkey, 0, nullptr, options | REG_OPTION_VOLATILE, access, security, result,
                             disposition);
}

}  // namespace holdfast::clusapi
