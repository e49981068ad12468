// SPDX-License-Identifier: BSL-1.0
#include "host_binding.hpp"

#include <dlfcn.h>

namespace holdfast::inline v1::abi {

const HostFunctions* hostExport() noexcept {
    // RTLD_DEFAULT finds only what the program (or a library it loaded globally) exports: it must link with -rdynamic.
    void* symbol = ::dlsym(RTLD_DEFAULT, "HoldfastHost");
    return symbol ? reinterpret_cast<HoldfastHostFunction>(symbol)(1) : nullptr;
}

const HostFunctions* bindHost() noexcept { return hostExport(); }

void setSystemLastError(Dword) noexcept {}

}  // namespace holdfast::inline v1::abi
