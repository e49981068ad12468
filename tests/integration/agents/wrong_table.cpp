// SPDX-License-Identifier: BSL-1.0
// Agents whose function table breaks a rule; the type name says which.
#include "agent_export.hpp"

#include <holdfast/abi/resapi.hpp>

using namespace holdfast::abi;

namespace {

ResourceId HOLDFAST_STDCALL openIt(const WideChar*, KeyHandle, ResourceHandle) { return nullptr; }
void HOLDFAST_STDCALL nothing(ResourceId) {}
Dword HOLDFAST_STDCALL onlineIt(ResourceId, Handle*) { return 0; }
Dword HOLDFAST_STDCALL offlineIt(ResourceId) { return 0; }
Bool HOLDFAST_STDCALL alive(ResourceId) { return 1; }

FunctionTable table{
    sizeof(FunctionsV1),
    versionV1,
    {{openIt, nothing, onlineIt, offlineIt, nothing, alive, alive, nullptr, nullptr, nullptr, nullptr}}};

}  // namespace

extern "C" AGENT_EXPORT Dword HOLDFAST_STDCALL Startup(const WideChar* type, Dword, Dword, SetResourceStatusRoutine,
                                                       LogEventRoutine, FunctionTable** out) {
    table.tableSize = sizeof(FunctionsV1);
    table.version = versionV1;
    table.v1.isAlive = alive;
    *out = &table;
    switch (type[0]) {
        case 'V': table.version = 0x0500; break;      // Version
        case 'S': table.tableSize = 40; break;        // Size
        case 'I': table.v1.isAlive = nullptr; break;  // IsAlive
        case 'N': *out = nullptr; break;              // No table
        case 'R': return code::revisionMismatch;      // Revision
        default: break;
    }
    return code::success;
}
