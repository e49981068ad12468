// SPDX-License-Identifier: BSL-1.0
#include "machine/libraries.hpp"

#include "machine/fiber.hpp"
#include "machine/real.hpp"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace sim {
namespace {

struct Copy {
    std::string path;
    void* handle{nullptr};
    std::byte* begin{nullptr};  // of its variables, without what the loader made read-only
    std::vector<std::byte> image;
    int users{0};
    bool used{false};  // since it was as loaded
};

std::vector<Copy> copies;

struct Search {
    const char* name;
    std::byte* begin;
    std::byte* end;
};

int look(dl_phdr_info* info, std::size_t /*size*/, void* data) {
    auto& search = *static_cast<Search*>(data);
    if (std::strcmp(info->dlpi_name, search.name) != 0) return 0;
    const auto page = static_cast<ElfW(Addr)>(::getpagesize());
    ElfW(Addr) begin = 0;
    ElfW(Addr) end = 0;
    ElfW(Addr) readOnlyEnd = 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& header = info->dlpi_phdr[i];
        if (header.p_type == PT_LOAD && (header.p_flags & PF_W) != 0) {
            begin = info->dlpi_addr + header.p_vaddr;
            end = begin + header.p_memsz;
        } else if (header.p_type == PT_GNU_RELRO) {
            readOnlyEnd = (info->dlpi_addr + header.p_vaddr + header.p_memsz) / page * page;
        }
    }
    search.begin = reinterpret_cast<std::byte*>(std::max(begin, readOnlyEnd));
    search.end = reinterpret_cast<std::byte*>(end);
    return 1;
}

void restore(Copy& copy) {
    std::memcpy(copy.begin, copy.image.data(), copy.image.size());
    copy.users = 0;
    copy.used = false;
}

}  // namespace

void loadLibraries(const std::filesystem::path& library, const std::filesystem::path& folder) {
    for (std::size_t i = 0; i < mostProcesses; ++i) {
        Copy copy;
        copy.path = (folder / ("sim_agent_" + std::to_string(i) + ".so")).string();
        std::filesystem::copy_file(library, copy.path, std::filesystem::copy_options::overwrite_existing);
        copy.handle = ::dlopen(copy.path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (copy.handle == nullptr) throw std::runtime_error{::dlerror()};  // NOLINT(concurrency-mt-unsafe): one thread
        Search search{copy.path.c_str(), nullptr, nullptr};
        ::dl_iterate_phdr(look, &search);
        if (search.begin == nullptr) throw std::runtime_error{copy.path + " has no variables"};
        copy.begin = search.begin;
        copy.image.assign(search.begin, search.end);
        copies.push_back(std::move(copy));
    }
    findThreadLocals();
}

std::size_t (*copyOfProcess)(ProcessNumber process) = nullptr;

void resetLibrary(std::size_t copy) { restore(copies.at(copy)); }

void resetLibraries() {
    for (Copy& copy : copies) {
        if (std::exchange(copy.used, false)) restore(copy);
    }
}

std::pair<const std::byte*, const std::byte*> ownVariables() {
    Search search{"", nullptr, nullptr};
    ::dl_iterate_phdr(look, &search);
    return {search.begin, search.end};
}

}  // namespace sim

extern "C" {

void* dlopen(const char* path, int mode) noexcept {
    sim::Machine* const on = sim::machine();
    const bool agent = on != nullptr && (mode & RTLD_NOLOAD) == 0 && on->process() != 0 && path != nullptr &&
                       std::strstr(path, "sim_agent") != nullptr;
    if (!agent) return SIM_REAL(dlopen)(path, mode);
    auto& copy = sim::copies.at(sim::copyOfProcess(on->process()));
    ++copy.users;
    copy.used = true;
    return copy.handle;
}

int dlclose(void* handle) noexcept {
    const auto copy = std::find_if(sim::copies.begin(), sim::copies.end(),
                                   [&](const sim::Copy& each) { return each.handle == handle; });
    if (sim::machine() == nullptr || copy == sim::copies.end()) return SIM_REAL(dlclose)(handle);
    if (--copy->users == 0) sim::restore(*copy);  // as if it were unmapped: loaded again, it starts anew
    return 0;
}

}  // extern "C"
