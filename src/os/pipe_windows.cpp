// SPDX-License-Identifier: BSL-1.0
#include "os/pipe_windows.hpp"

#include "os/own_access_windows.hpp"

#include <atomic>
#include <random>

namespace holdfast::inline v1::os {

namespace {

constexpr DWORD bufferSize = 64 * 1024;

PipeEnds makePipe(DWORD direction, DWORD access, DWORD flags) {
    const std::wstring name = randomPipeName(L"host");
    OwnAccess own;
    PipeEnds ends;
    // One instance, and the first: whoever had made a pipe of this name before us would be told from it.
    ends.ours.reset(::CreateNamedPipeW(name.c_str(), direction | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                       PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1,
                                       bufferSize, bufferSize, 0, own.get()));
    if (!ends.ours) throwWindows("cannot make a pipe");
    SECURITY_ATTRIBUTES inheritable{sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
    ends.theirs.reset(::CreateFileW(name.c_str(), access, 0, &inheritable, OPEN_EXISTING, flags, nullptr));
    if (!ends.theirs) throwWindows("cannot open a pipe");
    return ends;
}

}  // namespace

std::wstring randomPipeName(std::wstring_view purpose) {
    static std::atomic<unsigned> last{0};
    std::random_device source;
    std::wstring name = L"\\\\.\\pipe\\holdfast-";
    name.append(purpose);
    name += L'-' + std::to_wstring(::GetCurrentProcessId()) + L'-' + std::to_wstring(++last);
    for (int i = 0; i < 4; ++i) name += L'-' + std::to_wstring(source());
    return name;
}

PipeEnds duplexPipe() { return makePipe(PIPE_ACCESS_DUPLEX, GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED); }

PipeEnds outputPipe() {
    return makePipe(PIPE_ACCESS_INBOUND, GENERIC_WRITE | FILE_READ_ATTRIBUTES, FILE_ATTRIBUTE_NORMAL);
}

}  // namespace holdfast::inline v1::os
