// SPDX-License-Identifier: BSL-1.0

#include <holdfast/os/process.hpp>

#include <windows.h>

namespace holdfast::inline v1::os {

std::int64_t coarseNow() noexcept {
    // Unbiased time does not run while the system sleeps, as CLOCK_MONOTONIC does not on Linux (D4).
    ULONGLONG ticks = 0;
    ::QueryUnbiasedInterruptTime(&ticks);
    return static_cast<std::int64_t>(ticks / 10'000);
}

void pinThisModule() noexcept {
    HMODULE self = nullptr;
    ::GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                         reinterpret_cast<LPCWSTR>(reinterpret_cast<void*>(&pinThisModule)), &self);
}

std::string hostName() {
    char name[MAX_COMPUTERNAME_LENGTH + 1] = {};
    DWORD size = sizeof name;
    if (::GetComputerNameA(name, &size) == 0) return "localhost";
    return name;
}

std::int64_t processId() noexcept { return ::GetCurrentProcessId(); }

std::uint32_t threadId() noexcept { return ::GetCurrentThreadId(); }

BlockSignals::BlockSignals() noexcept = default;  // Windows has no signals to block

BlockSignals::~BlockSignals() = default;

}  // namespace holdfast::inline v1::os
