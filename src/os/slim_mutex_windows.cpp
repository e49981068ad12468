// SPDX-License-Identifier: BSL-1.0

#include <holdfast/os/slim_mutex.hpp>

#include <windows.h>

namespace holdfast::inline v1::os {
namespace {

static_assert(sizeof(SRWLOCK) == sizeof(void*) && alignof(SRWLOCK) == alignof(void*));

SRWLOCK* lockOf(void** word) noexcept { return reinterpret_cast<SRWLOCK*>(word); }

}  // namespace

void SlimMutex::lock() noexcept { ::AcquireSRWLockExclusive(lockOf(&word_)); }

void SlimMutex::unlock() noexcept { ::ReleaseSRWLockExclusive(lockOf(&word_)); }

}  // namespace holdfast::inline v1::os
