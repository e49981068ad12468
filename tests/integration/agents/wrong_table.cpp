// SPDX-License-Identifier: BSL-1.0
// Agents whose function table breaks a rule; the type name says which.
#include <holdfast/abi/resapi.hpp>

using namespace holdfast::abi;

namespace {

ResourceId openIt(const WideChar*, KeyHandle, ResourceHandle) { return nullptr; }
void nothing(ResourceId) {}
Dword onlineIt(ResourceId, Handle*) { return 0; }
Dword offlineIt(ResourceId) { return 0; }
Bool alive(ResourceId) { return 1; }

FunctionTable table{sizeof(FunctionsV1),
                    versionV1,
                    {openIt, nothing, onlineIt, offlineIt, nothing, alive, alive, nullptr, nullptr, nullptr, nullptr}};

}  // namespace

extern "C" __attribute__((visibility("default"))) Dword Startup(const WideChar* type, Dword, Dword,
                                                                SetResourceStatusRoutine, LogEventRoutine,
                                                                FunctionTable** out) {
    table.tableSize = sizeof(FunctionsV1);
    table.version = versionV1;
    table.v1.isAlive = alive;
    *out = &table;
    switch (type[0]) {
        case u'V': table.version = 0x0500; break;      // Version
        case u'S': table.tableSize = 40; break;        // Size
        case u'I': table.v1.isAlive = nullptr; break;  // IsAlive
        case u'N': *out = nullptr; break;              // No table
        case u'R': return code::revisionMismatch;      // Revision
        default: break;
    }
    return code::success;
}
