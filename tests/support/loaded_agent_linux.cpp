// SPDX-License-Identifier: BSL-1.0
#include "loaded_agent.hpp"

#include <dlfcn.h>
#include <poll.h>

#include <fstream>
#include <string>

namespace holdfast::tests {

LoadedAgent::LoadedAgent(const char* path) : handle_{::dlopen(path, RTLD_NOW | RTLD_LOCAL)} {}

LoadedAgent::~LoadedAgent() {
    if (handle_ != nullptr) ::dlclose(handle_);
}

LoadedAgent::Symbol LoadedAgent::symbol(const char* name) const {
    return reinterpret_cast<Symbol>(::dlsym(handle_, name));
}

bool LoadedAgent::mapped(const char* name) {
    std::ifstream maps{"/proc/self/maps"};
    std::string line;
    while (std::getline(maps, line)) {
        if (line.find(std::string{"/"} + name + ".so") != std::string::npos) return true;
    }
    return false;
}

bool signalled(abi::Handle event, int milliseconds) {
    pollfd watched{static_cast<int>(reinterpret_cast<std::intptr_t>(event)), POLLIN, 0};
    return ::poll(&watched, 1, milliseconds) == 1;
}

}  // namespace holdfast::tests
