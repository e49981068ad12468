// SPDX-License-Identifier: BSL-1.0
#include "verify/vanishing_memory.hpp"

#include <windows.h>

#include <cstring>
#include <new>

namespace holdfast::inline v1::verify {
namespace {

std::size_t pageSize() noexcept {
    SYSTEM_INFO info{};
    ::GetSystemInfo(&info);
    return info.dwPageSize;
}

}  // namespace

VanishingMemory::VanishingMemory(std::size_t size) : size_{size} {
    const std::size_t page = pageSize();
    pages_ = (size + page - 1) / page * page;
    base_ = static_cast<char*>(::VirtualAlloc(nullptr, pages_ + 2 * page, MEM_RESERVE, PAGE_NOACCESS));
    if (base_ == nullptr) throw std::bad_alloc{};
    if (pages_ != 0 && ::VirtualAlloc(base_ + page, pages_, MEM_COMMIT, PAGE_READWRITE) == nullptr) {
        ::VirtualFree(base_, 0, MEM_RELEASE);
        throw std::bad_alloc{};
    }
    data_ = base_ + page + (pages_ - size_);
}

VanishingMemory::VanishingMemory(const void* content, std::size_t size) : VanishingMemory{size} {
    if (size != 0) std::memcpy(data_, content, size);
}

VanishingMemory::~VanishingMemory() { ::VirtualFree(base_, 0, MEM_RELEASE); }

void VanishingMemory::vanish() noexcept {
    if (pages_ != 0) ::VirtualFree(base_ + pageSize(), pages_, MEM_DECOMMIT);
}
void VanishingMemory::makeReadOnly() noexcept {
    DWORD before = 0;
    if (pages_ != 0) ::VirtualProtect(base_ + pageSize(), pages_, PAGE_READONLY, &before);
}

}  // namespace holdfast::inline v1::verify
