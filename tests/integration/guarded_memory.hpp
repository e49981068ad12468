// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Memory that ends at a page nobody may touch: who reads or writes one byte too many ends the test program.

#include <cstddef>
#include <cstring>
#include <new>

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace guarded {

class Memory {
public:
    /** `size` bytes whose last one lies directly before the guard page. */
    explicit Memory(std::size_t size) : size_{size} {
        const std::size_t page = pageSize();
        pages_ = (size + page - 1) / page * page;
#if defined(_WIN32)
        base_ = static_cast<char*>(VirtualAlloc(nullptr, pages_ + page, MEM_RESERVE, PAGE_NOACCESS));
        if (base_ == nullptr) throw std::bad_alloc{};
        if (pages_ != 0 && VirtualAlloc(base_, pages_, MEM_COMMIT, PAGE_READWRITE) == nullptr) throw std::bad_alloc{};
#else
        void* const mapped = ::mmap(nullptr, pages_ + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) throw std::bad_alloc{};
        base_ = static_cast<char*>(mapped);
        if (pages_ != 0 && ::mprotect(base_, pages_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc{};
#endif
    }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory() {
#if defined(_WIN32)
        VirtualFree(base_, 0, MEM_RELEASE);
#else
        ::munmap(base_, pages_ + pageSize());
#endif
    }
    Memory(const void* bytes, std::size_t size) : Memory{size} {
        if (size != 0) std::memcpy(data(), bytes, size);
    }

    [[nodiscard]] void* data() const noexcept { return base_ + (pages_ - size_); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    static std::size_t pageSize() {
#if defined(_WIN32)
        SYSTEM_INFO info{};
        GetSystemInfo(&info);
        return info.dwPageSize;
#else
        return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
#endif
    }
    char* base_{nullptr};
    std::size_t pages_{0};
    std::size_t size_;
};

}  // namespace guarded
