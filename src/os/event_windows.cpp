// SPDX-License-Identifier: BSL-1.0

#include <holdfast/os/event.hpp>

#include <windows.h>

#include <system_error>

namespace holdfast::inline v1::os {

Event::Event() : handle_{::CreateEventW(nullptr, TRUE, FALSE, nullptr)} {
    if (handle_ == nullptr) {
        throw std::system_error{static_cast<int>(::GetLastError()), std::system_category(),
                                "cannot create the failure event"};
    }
}

Event::~Event() { ::CloseHandle(handle_); }

void Event::signal() noexcept { ::SetEvent(handle_); }

void Event::reset() noexcept { ::ResetEvent(handle_); }

bool Event::wait(std::chrono::milliseconds patience) const noexcept {
    return ::WaitForSingleObject(handle_, static_cast<DWORD>(patience.count())) == WAIT_OBJECT_0;
}

}  // namespace holdfast::inline v1::os
