// SPDX-License-Identifier: BSL-1.0
// A resource DLL as one is written by hand, without holdfast: Microsoft's header, a property table, a parameter block, a worker for what
// pends. It imports clusapi.dll and resutils.dll like any other, so it shows what their substitutes are good for.
//
// The resource counts: online() counts up to Steps, one every StepTime milliseconds, and is online then.
#include "clusapi/mingw_resapi.hpp"

#include <cstddef>
#include <cstring>
#include <cwchar>

namespace {

PSET_RESOURCE_STATUS_ROUTINE setStatus = nullptr;
PLOG_EVENT_ROUTINE logEvent = nullptr;

struct Settings {
    LPWSTR title{nullptr};
    DWORD steps{0};
    DWORD stepTime{0};
    LPWSTR hosts{nullptr};  // MULTI_SZ: its size has to follow
    DWORD hostsSize{0};
};

wchar_t titleName[] = L"Title";
wchar_t stepsName[] = L"Steps";
wchar_t stepTimeName[] = L"StepTime";
wchar_t hostsName[] = L"Hosts";
wchar_t defaultTitle[] = L"counter";

RESUTIL_PROPERTY_ITEM item(LPWSTR name, DWORD format, DWORD_PTR standard, DWORD least, DWORD most, DWORD flags,
                           std::size_t offset) {
    RESUTIL_PROPERTY_ITEM result{};
    result.Name = name;
    result.Format = format;
    result.DefaultPtr = standard;
    result.Minimum = least;
    result.Maximum = most;
    result.Flags = flags;
    result.Offset = static_cast<DWORD>(offset);
    return result;
}

RESUTIL_PROPERTY_ITEM table[] = {
    item(titleName, CLUSPROP_FORMAT_SZ, reinterpret_cast<DWORD_PTR>(defaultTitle), 0, 0, 0, offsetof(Settings, title)),
    item(stepsName, CLUSPROP_FORMAT_DWORD, 3, 1, 100, 0, offsetof(Settings, steps)),
    item(stepTimeName, CLUSPROP_FORMAT_DWORD, 20, 0, 10'000, 0, offsetof(Settings, stepTime)),
    item(hostsName, CLUSPROP_FORMAT_MULTI_SZ, 0, 0, 0, 0, offsetof(Settings, hosts)),
    RESUTIL_PROPERTY_ITEM{},
};

struct Counter {
    RESOURCE_HANDLE handle{nullptr};
    HKEY parameters{nullptr};
    Settings stored;   // W-536: what the registry says
    Settings running;  // and what this run was started with
    CLUS_WORKER worker{};
    volatile LONG online{0};
};

BYTE* blockOf(Settings& settings) { return reinterpret_cast<BYTE*>(&settings); }

DWORD WINAPI countUp(PCLUS_WORKER worker, LPVOID context) {
    auto& counter = *static_cast<Counter*>(context);
    RESOURCE_STATUS status{};
    ResUtilInitializeResourceStatus(&status);
    status.ResourceState = ClusterResourceOnlinePending;
    for (DWORD i = 0; i < counter.running.steps; ++i) {
        if (ClusWorkerCheckTerminate(worker)) return ERROR_OPERATION_ABORTED;
        ::Sleep(counter.running.stepTime);
        ++status.CheckPoint;
        if (setStatus(counter.handle, &status) == ResourceExitStateTerminate) return ERROR_OPERATION_ABORTED;
    }
    ::InterlockedExchange(&counter.online, 1);
    status.ResourceState = ClusterResourceOnline;
    ++status.CheckPoint;
    setStatus(counter.handle, &status);
    return ERROR_SUCCESS;
}

RESID WINAPI counterOpen(LPCWSTR /*name*/, HKEY key, RESOURCE_HANDLE handle) {
    auto* const counter = new Counter;
    counter->handle = handle;
    DWORD disposition = 0;
    const auto code = static_cast<DWORD>(
        ClusterRegCreateKey(key, L"Parameters", 0, KEY_ALL_ACCESS, nullptr, &counter->parameters, &disposition));
    if (code != ERROR_SUCCESS) {
        logEvent(handle, LOG_ERROR, L"The Parameters key cannot be opened, error %1!u!.\n", code);
        delete counter;
        ::SetLastError(code);
        return nullptr;
    }
    logEvent(handle, LOG_INFORMATION, L"Open.\n");
    return counter;
}

VOID WINAPI counterTerminate(RESID id) {
    auto& counter = *static_cast<Counter*>(id);
    ClusWorkerTerminate(&counter.worker);
    ::InterlockedExchange(&counter.online, 0);
}

VOID WINAPI counterClose(RESID id) {
    auto* const counter = static_cast<Counter*>(id);
    counterTerminate(id);
    ClusterRegCloseKey(counter->parameters);
    ResUtilFreeParameterBlock(blockOf(counter->stored), nullptr, table);
    ResUtilFreeParameterBlock(blockOf(counter->running), nullptr, table);
    delete counter;
}

DWORD WINAPI counterOnline(RESID id, PHANDLE /*event*/) {
    auto& counter = *static_cast<Counter*>(id);
    ClusWorkerTerminate(&counter.worker);  // W-234
    LPWSTR wrong = nullptr;
    DWORD code =
        ResUtilGetPropertiesToParameterBlock(counter.parameters, table, blockOf(counter.running), TRUE, &wrong);
    if (code != ERROR_SUCCESS) {
        logEvent(counter.handle, LOG_ERROR, L"Property '%1' cannot be used, error %2!u!.\n",
                 wrong != nullptr ? wrong : L"", code);
        return code;
    }
    code = ClusWorkerCreate(&counter.worker, &countUp, &counter);
    return code == ERROR_SUCCESS ? ERROR_IO_PENDING : code;
}

DWORD WINAPI counterOffline(RESID id) {
    counterTerminate(id);
    return ERROR_SUCCESS;
}

WINBOOL WINAPI counterIsAlive(RESID id) { return static_cast<Counter*>(id)->online != 0 ? TRUE : FALSE; }

/** W-533: the whole list is checked into a copy; then it is written, and the copy becomes what is stored. */
DWORD setPrivate(Counter& counter, void* list, DWORD size) {
    LPWSTR wrong = nullptr;
    DWORD code =
        ResUtilGetPropertiesToParameterBlock(counter.parameters, table, blockOf(counter.stored), FALSE, &wrong);
    if (code != ERROR_SUCCESS) return code;
    Settings fresh;
    code = ResUtilDupParameterBlock(blockOf(fresh), blockOf(counter.stored), table);
    if (code != ERROR_SUCCESS) return code;
    code = ResUtilVerifyPropertyTable(table, nullptr, TRUE, list, size, blockOf(fresh));
    if (code == ERROR_SUCCESS) {
        code = ResUtilSetPropertyParameterBlock(counter.parameters, table, nullptr, blockOf(fresh), list, size,
                                                blockOf(counter.stored));
    }
    ResUtilFreeParameterBlock(blockOf(fresh), blockOf(counter.stored), table);
    if (code == ERROR_SUCCESS && counter.online != 0) return ERROR_RESOURCE_PROPERTIES_STORED;
    return code;
}

DWORD WINAPI counterControl(RESID id, DWORD code, PVOID in, DWORD inSize, PVOID out, DWORD outSize, LPDWORD returned) {
    auto& counter = *static_cast<Counter*>(id);
    DWORD required = 0;
    DWORD result = ERROR_INVALID_FUNCTION;
    *returned = 0;
    switch (code) {
        case CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES:
            result = ResUtilEnumProperties(table, static_cast<LPWSTR>(out), outSize, returned, &required);
            break;
        case CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES:
            result = ResUtilGetAllProperties(counter.parameters, table, out, outSize, returned, &required);
            break;
        case CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS:
            result = ResUtilGetPropertyFormats(table, out, outSize, returned, &required);
            break;
        case CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES:
            return ResUtilVerifyPropertyTable(table, nullptr, TRUE, in, inSize, nullptr);
        case CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES: return setPrivate(counter, in, inSize);
        default: return result;
    }
    if (result == ERROR_MORE_DATA) *returned = required;  // W-535
    return result;
}

DWORD WINAPI counterTypeControl(LPCWSTR /*type*/, DWORD /*code*/, PVOID /*in*/, DWORD /*inSize*/, PVOID /*out*/,
                                DWORD /*outSize*/, LPDWORD returned) {
    *returned = 0;
    return ERROR_INVALID_FUNCTION;
}

CLRES_FUNCTION_TABLE functions;

}  // namespace

extern "C" __declspec(dllexport) DWORD WINAPI
    Startup(LPCWSTR type, DWORD least, DWORD most, PSET_RESOURCE_STATUS_ROUTINE status, PLOG_EVENT_ROUTINE log,
            PCLRES_FUNCTION_TABLE* out) {
    if (least > CLRES_VERSION_V1_00 || most < CLRES_VERSION_V1_00) return ERROR_REVISION_MISMATCH;
    if (std::wcscmp(type, L"Classic Counter") != 0) return ERROR_CLUSTER_RESNAME_NOT_FOUND;
    setStatus = status;
    logEvent = log;
    functions.TableSize = CLRES_V1_FUNCTION_SIZE;
    functions.Version = CLRES_VERSION_V1_00;
    functions.V1Functions = {&counterOpen,      &counterClose,   &counterOnline,     &counterOffline,
                             &counterTerminate, &counterIsAlive, &counterIsAlive,    nullptr,
                             nullptr,           &counterControl, &counterTypeControl};
    *out = &functions;
    return ERROR_SUCCESS;
}
