// SPDX-License-Identifier: BSL-1.0
// clusapi: the cluster registry, on top of an ordinary key. What a resource DLL is given as its key is one (docs/substitute-libraries.md).

#include "substitute.hpp"

LONG WINAPI ClusterRegCreateKey(HKEY key, LPCWSTR subkey, DWORD options, REGSAM access, LPSECURITY_ATTRIBUTES security,
                                PHKEY result, LPDWORD disposition) {
    holdfast::clusapi::noteCall("ClusterRegCreateKey");
    if (subkey == nullptr) return ERROR_INVALID_PARAMETER;
    return holdfast::clusapi::createKey(key, subkey, options, access, security, result, disposition);
}
LONG WINAPI ClusterRegOpenKey(HKEY key, LPCWSTR subkey, REGSAM access, PHKEY result) {
    if (subkey == nullptr) return ERROR_INVALID_PARAMETER;
    return ::RegOpenKeyExW(key, subkey, 0, access, result);
}
LONG WINAPI ClusterRegDeleteKey(HKEY key, LPCWSTR subkey) {
    holdfast::clusapi::noteCall("ClusterRegDeleteKey");
    if (subkey == nullptr) return ERROR_INVALID_PARAMETER;
    return ::RegDeleteKeyExW(key, subkey, 0, 0);
}
LONG WINAPI ClusterRegCloseKey(HKEY key) { return ::RegCloseKey(key); }

LONG WINAPI ClusterRegEnumKey(HKEY key, DWORD index, LPWSTR name, LPDWORD size, PFILETIME written) {
    return ::RegEnumKeyExW(key, index, name, size, nullptr, nullptr, nullptr, written);
}
DWORD WINAPI ClusterRegSetValue(HKEY key, LPCWSTR name, DWORD type, const BYTE* data, DWORD size) {
    holdfast::clusapi::noteCall("ClusterRegSetValue");
    return static_cast<DWORD>(::RegSetValueExW(key, name, 0, type, data, size));
}
DWORD WINAPI ClusterRegDeleteValue(HKEY key, LPCWSTR name) {
    holdfast::clusapi::noteCall("ClusterRegDeleteValue");
    return static_cast<DWORD>(::RegDeleteValueW(key, name));
}
LONG WINAPI ClusterRegQueryValue(HKEY key, LPCWSTR name, LPDWORD type, LPBYTE data, LPDWORD size) {
    return ::RegQueryValueExW(key, name, nullptr, type, data, size);
}
DWORD WINAPI ClusterRegEnumValue(HKEY key, DWORD index, LPWSTR name, LPDWORD nameSize, LPDWORD type, LPBYTE data,
                                 LPDWORD size) {
    return static_cast<DWORD>(::RegEnumValueW(key, index, name, nameSize, nullptr, type, data, size));
}
LONG WINAPI ClusterRegQueryInfoKey(HKEY key, LPDWORD subkeys, LPDWORD longestSubkey, LPDWORD values,
                                   LPDWORD longestName, LPDWORD longestValue, LPDWORD securitySize, PFILETIME written) {
    return ::RegQueryInfoKeyW(key, nullptr, nullptr, nullptr, subkeys, longestSubkey, nullptr, values, longestName,
                              longestValue, securitySize, written);
}
LONG WINAPI ClusterRegGetKeySecurity(HKEY key, SECURITY_INFORMATION what, PSECURITY_DESCRIPTOR security, LPDWORD size) {
    return ::RegGetKeySecurity(key, what, security, size);
}
LONG WINAPI ClusterRegSetKeySecurity(HKEY key, SECURITY_INFORMATION what, PSECURITY_DESCRIPTOR security) {
    holdfast::clusapi::noteCall("ClusterRegSetKeySecurity");
    return ::RegSetKeySecurity(key, what, security);
}
