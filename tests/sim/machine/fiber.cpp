// SPDX-License-Identifier: BSL-1.0
#include "machine/fiber.hpp"

#include <link.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" void* __tls_get_addr(void* place);  // NOLINT: glibc's, and the only way to have a block made

namespace sim {
namespace {

struct Block {
    std::byte* live;         // of the one real thread
    const std::byte* image;  // what a new thread starts with
    std::size_t imageSize;
    std::size_t size;
};

std::vector<Block> blocks;
std::size_t total = 0;
std::vector<std::byte*> freeStacks;

/** Of this program and of agents: other libraries keep what is the real thread's (errno, the heap's caches). */
bool isOurs(const dl_phdr_info& info) {
    const char* const name = info.dlpi_name;
    return name == nullptr || *name == '\0' || std::strstr(name, "sim_agent") != nullptr;
}

int look(dl_phdr_info* info, std::size_t /*size*/, void* /*data*/) {
    if (!isOurs(*info)) return 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& header = info->dlpi_phdr[i];
        if (header.p_type != PT_TLS) continue;
        struct Place {
            unsigned long module;
            unsigned long offset;
        } place{info->dlpi_tls_modid, 0};
        blocks.push_back({static_cast<std::byte*>(__tls_get_addr(&place)),
                          reinterpret_cast<const std::byte*>(info->dlpi_addr + header.p_vaddr), header.p_filesz,
                          header.p_memsz});
        total += header.p_memsz;
    }
    return 0;
}

}  // namespace

void findThreadLocals() {
    blocks.clear();
    total = 0;
    dl_iterate_phdr(look, nullptr);
}

std::vector<std::byte> freshThreadLocals() {
    std::vector<std::byte> fresh(total);
    std::size_t at = 0;
    for (const Block& block : blocks) {
        std::memcpy(fresh.data() + at, block.image, block.imageSize);
        at += block.size;
    }
    return fresh;
}

void saveThreadLocals(std::vector<std::byte>& copy) {
    copy.resize(total);
    std::size_t at = 0;
    for (const Block& block : blocks) {
        std::memcpy(copy.data() + at, block.live, block.size);
        at += block.size;
    }
}

void loadThreadLocals(const std::vector<std::byte>& copy) {
    std::size_t at = 0;
    for (const Block& block : blocks) {
        std::memcpy(block.live, copy.data() + at, block.size);
        at += block.size;
    }
}

std::byte* takeStack() {
    if (!freeStacks.empty()) {
        std::byte* const stack = freeStacks.back();
        freeStacks.pop_back();
        return stack;
    }
    void* const made =
        ::mmap(nullptr, stackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) {
        std::fputs("the simulation has no memory for a stack\n", stderr);
        std::abort();
    }
    ::mprotect(made, 4096, PROT_NONE);  // who runs off it is told
    return static_cast<std::byte*>(made);
}

void giveStack(std::byte* stack) { freeStacks.push_back(stack); }

}  // namespace sim
