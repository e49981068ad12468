// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Memory that ends where it says: one byte further ends the program.

#include <cstddef>
#include <cstdint>
#include <new>

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace guarded {

/** Up to 64 KiB of memory between two pages that nobody may touch. */
class Buffer {
public:
    static constexpr std::size_t room = 65'536;

    Buffer() {
#if defined(_WIN32)
        SYSTEM_INFO info;
        GetSystemInfo(&info);
        page_ = info.dwPageSize;
        base_ = static_cast<std::uint8_t*>(VirtualAlloc(nullptr, room + 2 * page_, MEM_RESERVE, PAGE_NOACCESS));
        const bool made = base_ != nullptr && VirtualAlloc(base_ + page_, room, MEM_COMMIT, PAGE_READWRITE) != nullptr;
#else
        page_ = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        void* const memory = ::mmap(nullptr, room + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        base_ = memory == MAP_FAILED ? nullptr : static_cast<std::uint8_t*>(memory);
        const bool made = base_ != nullptr && ::mprotect(base_ + page_, room, PROT_READ | PROT_WRITE) == 0;
#endif
        if (!made) throw std::bad_alloc{};
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() {
#if defined(_WIN32)
        VirtualFree(base_, 0, MEM_RELEASE);
#else
        ::munmap(base_, room + 2 * page_);
#endif
    }

    /** `size` bytes, the last of them right before the page that nobody may touch. */
    [[nodiscard]] std::uint8_t* before(std::size_t size) const noexcept { return base_ + page_ + room - size; }
    /** `size` bytes, the first of them right behind one. */
    [[nodiscard]] std::uint8_t* after() const noexcept { return base_ + page_; }

private:
    std::size_t page_{0};
    std::uint8_t* base_{nullptr};
};

}  // namespace guarded
