// SPDX-License-Identifier: BSL-1.0
// Loads the agent as an engine would, and looks at what it shows.
#include <holdfast/version.hpp>

#include <cstdio>
#include <string>

#ifdef _WIN32
#include <windows.h>
namespace {
using Library = HMODULE;
Library load() { return LoadLibraryA(LAMP); }
bool has(Library library, const char* name) { return GetProcAddress(library, name) != nullptr; }
void unload(Library library) { FreeLibrary(library); }
bool isMapped() { return GetModuleHandleA(LAMP) != nullptr; }
std::string reason() { return "error " + std::to_string(GetLastError()); }
}  // namespace
#else
#include <dlfcn.h>
namespace {
using Library = void*;
Library load() { return dlopen(LAMP, RTLD_NOW | RTLD_LOCAL); }
bool has(Library library, const char* name) { return dlsym(library, name) != nullptr; }
void unload(Library library) { dlclose(library); }
bool isMapped() { return dlopen(LAMP, RTLD_NOW | RTLD_NOLOAD) != nullptr; }
std::string reason() { return dlerror(); }
}  // namespace
#endif

int main() {
    std::printf("holdfast %s\n", std::string{holdfast::version()}.c_str());
    const Library library = load();
    if (library == nullptr) {
        std::printf("%s\n", reason().c_str());
        return 1;
    }
    if (!has(library, "Startup")) {
        std::printf("the agent exports no Startup\n");
        return 1;
    }
    unload(library);
    if (isMapped()) {
        std::printf("the agent is still mapped after it was unloaded\n");
        return 1;
    }
    return 0;
}
