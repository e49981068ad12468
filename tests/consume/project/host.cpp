// SPDX-License-Identifier: BSL-1.0
// Loads the agent as an engine would, and looks at what it shows.
#include <holdfast/version.hpp>

#include <dlfcn.h>

#include <cstdio>
#include <string>

int main() {
    std::printf("holdfast %s\n", std::string{holdfast::version()}.c_str());
    void* library = dlopen(LAMP, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        std::printf("%s\n", dlerror());
        return 1;
    }
    if (dlsym(library, "Startup") == nullptr) {
        std::printf("the agent exports no Startup\n");
        return 1;
    }
    dlclose(library);
    if (dlopen(LAMP, RTLD_NOW | RTLD_NOLOAD) != nullptr) {
        std::printf("the agent is still mapped after dlclose\n");
        return 1;
    }
    return 0;
}
