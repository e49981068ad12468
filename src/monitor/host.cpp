// SPDX-License-Identifier: BSL-1.0
#include <holdfast/monitor/host.hpp>

namespace holdfast::inline v1::monitor {

std::string_view nameOf(EntryPoint entryPoint) noexcept {
    switch (entryPoint) {
        case EntryPoint::startup: return "Startup";
        case EntryPoint::open: return "Open";
        case EntryPoint::close: return "Close";
        case EntryPoint::online: return "Online";
        case EntryPoint::offline: return "Offline";
        case EntryPoint::terminate: return "Terminate";
        case EntryPoint::resourceControl: return "ResourceControl";
        case EntryPoint::resourceTypeControl: return "ResourceTypeControl";
        case EntryPoint::looksAlive: return "LooksAlive";
        case EntryPoint::isAlive: return "IsAlive";
    }
    return "?";
}

std::string typeKeyPath(std::string_view type) { return "ResourceTypes\\" + std::string{type}; }
std::string typeParametersPath(std::string_view type) { return typeKeyPath(type) + "\\Parameters"; }

std::chrono::milliseconds budgetOf(EntryPoint entryPoint) noexcept {
    const bool health = entryPoint == EntryPoint::looksAlive || entryPoint == EntryPoint::isAlive;
    return std::chrono::milliseconds{health ? abi::isAliveBudgetMs : abi::entryPointBudgetMs};
}

}  // namespace holdfast::inline v1::monitor
