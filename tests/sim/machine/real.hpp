// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "machine/machine.hpp"

#include <dlfcn.h>

namespace sim {

/** The system's own function of that name: what a call outside of a simulation does. */
template <typename Function>
Function* real(Function* /*ours*/, const char* name) noexcept {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/** The machine, if this call comes from one of its threads. */
inline Machine* machine() noexcept {
    Machine* const current = Machine::current();
    return current != nullptr && current->simulates() ? current : nullptr;
}

}  // namespace sim

/** Looked up once a place; plain C++ statics would lock. */
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): it has to name the function twice
#define SIM_REAL(name)                                             \
    ([] {                                                          \
        static constinit decltype(&::name) found = nullptr;        \
        if (found == nullptr) found = ::sim::real(&::name, #name); \
        return found;                                              \
    }())
