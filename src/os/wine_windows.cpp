// SPDX-License-Identifier: BSL-1.0
#include "os/wine.hpp"

#include <string_view>

namespace holdfast::inline v1::os {

bool isWineBuiltin(HMODULE library) noexcept {
    // Exported for programs that want to know.
    const HMODULE system = GetModuleHandleW(L"ntdll.dll");
    if (system == nullptr || GetProcAddress(system, "wine_get_version") == nullptr) return false;
    // Its own libraries carry a mark behind the header of the old executable format; others may lie beside a program.
    constexpr std::string_view mark = "Wine builtin DLL";
    constexpr std::string_view placeholder = "Wine placeholder DLL";
    const auto* const bytes = reinterpret_cast<const char*>(library);
    const std::string_view behindHeader{bytes + sizeof(IMAGE_DOS_HEADER), placeholder.size()};
    return behindHeader.substr(0, mark.size()) == mark || behindHeader == placeholder;
}

}  // namespace holdfast::inline v1::os
