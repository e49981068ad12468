/* SPDX-License-Identifier: BSL-1.0 */
/* The functions of the cluster registry and the last error, on systems without clusapi.dll: from the table that the host
 * program exports. Written from its layout, without holdfast's headers. */
#include "resapi_c.h"

#include <dlfcn.h>

typedef struct Host {
    DWORD size; /* of the host's table: what lies beyond does not exist */
    DWORD version;
    void (*setLastError)(DWORD);
    DWORD (*getLastError)(void);
    int32_t (*clusterRegOpenKey)(HKEY, LPCWSTR, DWORD, HKEY*);
    int32_t (*clusterRegCloseKey)(HKEY);
    DWORD (*clusterRegQueryValue)(HKEY, LPCWSTR, LPDWORD, LPBYTE, LPDWORD);
    DWORD (*clusterRegSetValue)(HKEY, LPCWSTR, DWORD, const BYTE*, DWORD);
    DWORD (*clusterRegEnumValue)(HKEY, DWORD, WCHAR*, LPDWORD, LPDWORD, LPBYTE, LPDWORD);
    void (*enterCall)(RESOURCE_HANDLE, const char*);
    void (*leaveCall)(void);
    int32_t (*clusterRegCreateKey)(HKEY, LPCWSTR, DWORD, DWORD, void*, HKEY*, LPDWORD);
} Host;

static const Host* host(void) {
    union {
        void* symbol;
        const Host* (*function)(DWORD);
    } found = {dlsym(RTLD_DEFAULT, "HoldfastHost")};
    const Host* const table = found.symbol != NULL ? found.function(1) : NULL;
    return table != NULL && table->version == 1 && table->size >= offsetof(Host, enterCall) ? table : NULL;
}

LONG ClusterRegOpenKey(HKEY key, LPCWSTR subkey, DWORD access, HKEY* out) {
    const Host* const table = host();
    return table != NULL ? table->clusterRegOpenKey(key, subkey, access, out) : (LONG)ERROR_CALL_NOT_IMPLEMENTED;
}

LONG ClusterRegCreateKey(HKEY key, LPCWSTR subkey, DWORD options, DWORD access, void* security, HKEY* out,
                         LPDWORD made) {
    const Host* const table = host();
    if (table == NULL || table->size < offsetof(Host, clusterRegCreateKey) + sizeof table->clusterRegCreateKey ||
        table->clusterRegCreateKey == NULL)
        return (LONG)ERROR_CALL_NOT_IMPLEMENTED;
    return table->clusterRegCreateKey(key, subkey, options, access, security, out, made);
}

LONG ClusterRegCloseKey(HKEY key) {
    const Host* const table = host();
    return table != NULL ? table->clusterRegCloseKey(key) : (LONG)ERROR_CALL_NOT_IMPLEMENTED;
}

DWORD ClusterRegQueryValue(HKEY key, LPCWSTR name, LPDWORD type, LPBYTE data, LPDWORD size) {
    const Host* const table = host();
    return table != NULL ? table->clusterRegQueryValue(key, name, type, data, size) : ERROR_CALL_NOT_IMPLEMENTED;
}

DWORD ClusterRegSetValue(HKEY key, LPCWSTR name, DWORD type, const BYTE* data, DWORD size) {
    const Host* const table = host();
    return table != NULL ? table->clusterRegSetValue(key, name, type, data, size) : ERROR_CALL_NOT_IMPLEMENTED;
}

void SetLastError(DWORD code) {
    const Host* const table = host();
    if (table != NULL) table->setLastError(code);
}
