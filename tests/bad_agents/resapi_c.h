/* SPDX-License-Identifier: BSL-1.0 */
#ifndef BAD_AGENTS_RESAPI_C_H
#define BAD_AGENTS_RESAPI_C_H

/* What a resource library in C includes. On Windows: Microsoft's headers, as MinGW-w64 has them. Elsewhere: the same names
 * with the same layout, written by hand from the contract (W-020 to W-033); holdfast's headers are not used. */

#if defined(_WIN32)

#include <winsock2.h> /* before windows.h, which would bring in its predecessor */

#include <windows.h>

/* From 0x0600 on, clusapi.h of MinGW-w64 declares five enumerations twice; below that CLUSPROP_FILETIME is missing, and
 * resapi.h needs it. `_stdcall` is predefined only with GNU extensions. */
#if defined(__MINGW32__)
#pragma push_macro("_WIN32_WINNT")
#undef _WIN32_WINNT
#define _WIN32_WINNT 0x0502
#ifndef _stdcall
#define _stdcall __stdcall
#endif
#include <clusapi.h>
typedef struct CLUSPROP_FILETIME {
    CLUSPROP_SYNTAX Syntax;
    DWORD cbLength;
    FILETIME ft;
} CLUSPROP_FILETIME, *PCLUSPROP_FILETIME;
#include <resapi.h>
#pragma pop_macro("_WIN32_WINNT")
#else
#include <clusapi.h>
#include <resapi.h>
#endif

#define TEXT16(text) L##text
#define EXPORTED __declspec(dllexport)

#else

#include <stddef.h>
#include <stdint.h>
#include <uchar.h>

#define WINAPI
#define TEXT16(text) u##text
#define EXPORTED __attribute__((visibility("default")))

typedef uint8_t BYTE, *LPBYTE;
typedef uint16_t WORD;
typedef uint32_t DWORD, *LPDWORD;
typedef int32_t LONG, BOOL;
typedef uint64_t ULONGLONG;
typedef char16_t WCHAR, *LPWSTR;
typedef const char16_t* LPCWSTR;
typedef void *PVOID, *LPVOID, *HANDLE, **LPHANDLE;
typedef struct HKEY__* HKEY;

#define TRUE 1
#define FALSE 0

/* W-106: tokens; nobody but their maker looks into them. */
typedef PVOID RESID;
typedef HANDLE RESOURCE_HANDLE;

typedef enum CLUSTER_RESOURCE_STATE {
    ClusterResourceStateUnknown = -1,
    ClusterResourceOnline = 2,
    ClusterResourceOffline = 3,
    ClusterResourceFailed = 4,
    ClusterResourceOnlinePending = 129,
    ClusterResourceOfflinePending = 130
} CLUSTER_RESOURCE_STATE;

typedef enum LOG_LEVEL { LOG_INFORMATION, LOG_WARNING, LOG_ERROR, LOG_SEVERE } LOG_LEVEL;
typedef enum RESOURCE_EXIT_STATE { ResourceExitStateContinue, ResourceExitStateTerminate } RESOURCE_EXIT_STATE;

/* W-033: an event is the number of an eventfd, never 0, in place of the pointer. */
typedef struct RESOURCE_STATUS {
    CLUSTER_RESOURCE_STATE ResourceState;
    DWORD CheckPoint;
    DWORD WaitHint;
    HANDLE EventHandle;
} RESOURCE_STATUS, *PRESOURCE_STATUS;

typedef struct RESOURCE_STATUS_EX {
    CLUSTER_RESOURCE_STATE ResourceState;
    DWORD CheckPoint;
    HANDLE EventHandle;
    DWORD ApplicationSpecificErrorCode;
    DWORD Flags;
    DWORD WaitHint;
} RESOURCE_STATUS_EX, *PRESOURCE_STATUS_EX;

_Static_assert(sizeof(void*) != 8 || (sizeof(RESOURCE_STATUS) == 24 && offsetof(RESOURCE_STATUS, EventHandle) == 16),
               "W-033");
_Static_assert(sizeof(void*) != 8 || (sizeof(RESOURCE_STATUS_EX) == 32 && offsetof(RESOURCE_STATUS_EX, Flags) == 20),
               "W-033");

typedef DWORD(WINAPI* PSET_RESOURCE_STATUS_ROUTINE)(RESOURCE_HANDLE, PRESOURCE_STATUS);
typedef DWORD(WINAPI* PSET_RESOURCE_STATUS_ROUTINE_EX)(RESOURCE_HANDLE, PRESOURCE_STATUS_EX);
typedef void(WINAPI* PQUORUM_RESOURCE_LOST)(RESOURCE_HANDLE);
typedef void (*PLOG_EVENT_ROUTINE)(RESOURCE_HANDLE, LOG_LEVEL, LPCWSTR, ...);
typedef DWORD(WINAPI* PSET_RESOURCE_LOCKED_MODE_ROUTINE)(RESOURCE_HANDLE, BOOL, DWORD);
typedef DWORD(WINAPI* PSIGNAL_FAILURE_ROUTINE)(RESOURCE_HANDLE, BOOL, DWORD);
typedef DWORD(WINAPI* PSET_RESOURCE_INMEMORY_NODELOCAL_PROPERTIES_ROUTINE)(RESOURCE_HANDLE, unsigned char*, DWORD);

typedef RESID(WINAPI* POPEN_ROUTINE)(LPCWSTR, HKEY, RESOURCE_HANDLE);
typedef RESID(WINAPI* POPEN_V2_ROUTINE)(LPCWSTR, HKEY, RESOURCE_HANDLE, DWORD);
typedef void(WINAPI* PCLOSE_ROUTINE)(RESID);
typedef DWORD(WINAPI* PONLINE_ROUTINE)(RESID, LPHANDLE);
typedef DWORD(WINAPI* PONLINE_V2_ROUTINE)(RESID, LPHANDLE, DWORD, BYTE*, DWORD, DWORD);
typedef DWORD(WINAPI* POFFLINE_ROUTINE)(RESID);
typedef DWORD(WINAPI* POFFLINE_V2_ROUTINE)(RESID, LPCWSTR, DWORD, BYTE*, DWORD, DWORD);
typedef void(WINAPI* PTERMINATE_ROUTINE)(RESID);
typedef BOOL(WINAPI* PIS_ALIVE_ROUTINE)(RESID);
typedef BOOL(WINAPI* PLOOKS_ALIVE_ROUTINE)(RESID);
typedef DWORD(WINAPI* PARBITRATE_ROUTINE)(RESID, PQUORUM_RESOURCE_LOST);
typedef DWORD(WINAPI* PRELEASE_ROUTINE)(RESID);
typedef DWORD(WINAPI* PRESOURCE_CONTROL_ROUTINE)(RESID, DWORD, PVOID, DWORD, PVOID, DWORD, LPDWORD);
typedef DWORD(WINAPI* PRESOURCE_TYPE_CONTROL_ROUTINE)(LPCWSTR, DWORD, PVOID, DWORD, PVOID, DWORD, LPDWORD);
typedef DWORD(WINAPI* PCANCEL_ROUTINE)(RESID, DWORD);

/* W-023: the order is the contract. */
typedef struct CLRES_V1_FUNCTIONS {
    POPEN_ROUTINE Open;
    PCLOSE_ROUTINE Close;
    PONLINE_ROUTINE Online;
    POFFLINE_ROUTINE Offline;
    PTERMINATE_ROUTINE Terminate;
    PLOOKS_ALIVE_ROUTINE LooksAlive;
    PIS_ALIVE_ROUTINE IsAlive;
    PARBITRATE_ROUTINE Arbitrate;
    PRELEASE_ROUTINE Release;
    PRESOURCE_CONTROL_ROUTINE ResourceControl;
    PRESOURCE_TYPE_CONTROL_ROUTINE ResourceTypeControl;
} CLRES_V1_FUNCTIONS;

typedef struct CLRES_V2_FUNCTIONS {
    POPEN_V2_ROUTINE Open;
    PCLOSE_ROUTINE Close;
    PONLINE_V2_ROUTINE Online;
    POFFLINE_V2_ROUTINE Offline;
    PTERMINATE_ROUTINE Terminate;
    PLOOKS_ALIVE_ROUTINE LooksAlive;
    PIS_ALIVE_ROUTINE IsAlive;
    PARBITRATE_ROUTINE Arbitrate;
    PRELEASE_ROUTINE Release;
    PRESOURCE_CONTROL_ROUTINE ResourceControl;
    PRESOURCE_TYPE_CONTROL_ROUTINE ResourceTypeControl;
    PCANCEL_ROUTINE Cancel;
} CLRES_V2_FUNCTIONS;

typedef struct CLRES_FUNCTION_TABLE {
    DWORD TableSize;
    DWORD Version;
    union {
        CLRES_V1_FUNCTIONS V1Functions;
        CLRES_V2_FUNCTIONS V2Functions;
    };
} CLRES_FUNCTION_TABLE, *PCLRES_FUNCTION_TABLE;
_Static_assert(offsetof(CLRES_FUNCTION_TABLE, V1Functions) == 8, "W-020");

#define CLRES_V1_FUNCTION_SIZE sizeof(CLRES_V1_FUNCTIONS)
#define CLRES_V2_FUNCTION_SIZE sizeof(CLRES_V2_FUNCTIONS)
#define CLRES_VERSION_V1_00 0x100
#define CLRES_VERSION_V2_00 0x200

/* W-030: the entries since 2012. */
typedef struct CLRES_CALLBACK_FUNCTION_TABLE {
    PLOG_EVENT_ROUTINE LogEvent;
    PSET_RESOURCE_STATUS_ROUTINE_EX SetResourceStatusEx;
    PSET_RESOURCE_LOCKED_MODE_ROUTINE SetResourceLockedMode;
    PSIGNAL_FAILURE_ROUTINE SignalFailure;
    PSET_RESOURCE_INMEMORY_NODELOCAL_PROPERTIES_ROUTINE SetResourceInMemoryNodeLocalProperties;
} CLRES_CALLBACK_FUNCTION_TABLE, *PCLRES_CALLBACK_FUNCTION_TABLE;

#define ERROR_SUCCESS 0U
#define ERROR_INVALID_FUNCTION 1U
#define ERROR_FILE_NOT_FOUND 2U
#define ERROR_ACCESS_DENIED 5U
#define ERROR_NOT_ENOUGH_MEMORY 8U
#define ERROR_INVALID_DATA 13U
#define ERROR_INVALID_PARAMETER 87U
#define ERROR_CALL_NOT_IMPLEMENTED 120U
#define ERROR_INSUFFICIENT_BUFFER 122U
#define ERROR_MORE_DATA 234U
#define ERROR_NOT_OWNER 288U
#define ERROR_OPERATION_ABORTED 995U
#define ERROR_IO_PENDING 997U
#define ERROR_REVISION_MISMATCH 1306U
#define ERROR_NO_SYSTEM_RESOURCES 1450U
#define ERROR_RESOURCE_NOT_FOUND 5007U
#define ERROR_INVALID_STATE 5023U
#define ERROR_RESOURCE_PROPERTIES_STORED 5024U
#define ERROR_CLUSTER_RESNAME_NOT_FOUND 5080U

#define REG_SZ 1U
#define REG_DWORD 4U
#define REG_MULTI_SZ 7U
#define KEY_READ 0x20019U
#define KEY_ALL_ACCESS 0xF003FU

/* host.c: what clusapi.dll and kernel32.dll have on Windows, taken from the host program. */
LONG ClusterRegOpenKey(HKEY key, LPCWSTR subkey, DWORD access, HKEY* out);
LONG ClusterRegCreateKey(HKEY key, LPCWSTR subkey, DWORD options, DWORD access, void* security, HKEY* out,
                         LPDWORD made);
LONG ClusterRegCloseKey(HKEY key);
DWORD ClusterRegQueryValue(HKEY key, LPCWSTR name, LPDWORD type, LPBYTE data, LPDWORD size);
DWORD ClusterRegSetValue(HKEY key, LPCWSTR name, DWORD type, const BYTE* data, DWORD size);
void SetLastError(DWORD code);

#endif

/* 7.2, 7.3: the codes without their object; the headers have some of them, under longer names. */
enum {
    CONTROL_UNKNOWN = 0x000000,
    CONTROL_GET_CHARACTERISTICS = 0x000005,
    CONTROL_GET_CLASS_INFO = 0x00000D,
    CONTROL_GET_REQUIRED_DEPENDENCIES = 0x000011,
    CONTROL_GET_COMMON_PROPERTIES = 0x000059,
    CONTROL_ENUM_PRIVATE_PROPERTIES = 0x000079,
    CONTROL_GET_RO_PRIVATE_PROPERTIES = 0x00007D,
    CONTROL_GET_PRIVATE_PROPERTIES = 0x000081,
    CONTROL_SET_PRIVATE_PROPERTIES = 0x400086,
    CONTROL_VALIDATE_PRIVATE_PROPERTIES = 0x000089,
    CONTROL_GET_PRIVATE_PROPERTY_FMTS = 0x00008D,
    CONTROL_GET_PRIVATE_RESOURCE_PROPERTY_FMTS = 0x000091,
    CONTROL_QUERY_MAINTENANCE_MODE = 0x0001E1,
    CONTROL_DELETE = 0x500006,
    CONTROL_INSTALL_NODE = 0x50000A,
    CONTROL_EVICT_NODE = 0x50000E,
    CONTROL_ADD_DEPENDENCY = 0x500012,
    CONTROL_REMOVE_DEPENDENCY = 0x500016,
    CONTROL_ADD_OWNER = 0x50001A,
    CONTROL_REMOVE_OWNER = 0x50001E,
    CONTROL_SET_NAME = 0x500026,
    CONTROL_CLUSTER_NAME_CHANGED = 0x50002A,
    CONTROL_CLUSTER_VERSION_CHANGED = 0x50002E,
    CONTROL_STARTING_PHASE1 = 0x500036,
    CONTROL_STARTING_PHASE2 = 0x50003A,
    CONTROL_OBJECT_RESOURCE = 0x01000000,
    CONTROL_OBJECT_TYPE = 0x02000000
};

#endif
