// SPDX-License-Identifier: BSL-1.0
#include "verify/vanishing_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>

namespace holdfast::inline v1::verify {
namespace {

std::size_t pageSize() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

VanishingMemory::VanishingMemory(std::size_t size) : size_{size} {
    const std::size_t page = pageSize();
    pages_ = (size + page - 1) / page * page;
    void* const mapped = ::mmap(nullptr, pages_ + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc{};
    base_ = static_cast<char*>(mapped);
    if (pages_ != 0 && ::mprotect(base_ + page, pages_, PROT_READ | PROT_WRITE) != 0) {
        ::munmap(base_, pages_ + 2 * page);
        throw std::bad_alloc{};
    }
    data_ = base_ + page + (pages_ - size_);
}

VanishingMemory::VanishingMemory(const void* content, std::size_t size) : VanishingMemory{size} {
    if (size != 0) std::memcpy(data_, content, size);
}

VanishingMemory::~VanishingMemory() { ::munmap(base_, pages_ + 2 * pageSize()); }

void VanishingMemory::vanish() noexcept {
    if (pages_ != 0) ::mprotect(base_ + pageSize(), pages_, PROT_NONE);
}
void VanishingMemory::makeReadOnly() noexcept {
    if (pages_ != 0) ::mprotect(base_ + pageSize(), pages_, PROT_READ);
}

}  // namespace holdfast::inline v1::verify
