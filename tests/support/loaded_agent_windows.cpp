// SPDX-License-Identifier: BSL-1.0
#include "loaded_agent.hpp"

#include <windows.h>

#include <string>

namespace holdfast::tests {

LoadedAgent::LoadedAgent(const char* path) : handle_{::LoadLibraryA(path)} {}

LoadedAgent::~LoadedAgent() {
    if (handle_ != nullptr) ::FreeLibrary(static_cast<HMODULE>(handle_));
}

LoadedAgent::Symbol LoadedAgent::symbol(const char* name) const {
    return reinterpret_cast<Symbol>(::GetProcAddress(static_cast<HMODULE>(handle_), name));
}

bool LoadedAgent::mapped(const char* name) {
    return ::GetModuleHandleA((std::string{name} + ".dll").c_str()) != nullptr;
}

bool signalled(abi::Handle event, int milliseconds) {
    return ::WaitForSingleObject(event, static_cast<DWORD>(milliseconds)) == WAIT_OBJECT_0;
}

}  // namespace holdfast::tests
