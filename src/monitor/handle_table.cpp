// SPDX-License-Identifier: BSL-1.0
#include "monitor/handle_table.hpp"

#include <utility>

namespace holdfast::inline v1::monitor {

std::uint64_t HandleTable::insert(std::weak_ptr<CallbackTarget> target, ResourceNumber resource) {
    const std::lock_guard lock{mutex_};
    const std::uint64_t handle = next_;
    next_ += 2;  // odd: nothing aligned is ever mistaken for one
    entries_.emplace(handle, Entry{std::move(target), resource});
    return handle;
}

void HandleTable::erase(std::uint64_t handle) {
    const std::lock_guard lock{mutex_};
    entries_.erase(handle);
}

HandleTable::Found HandleTable::find(std::uint64_t handle) const {
    const std::lock_guard lock{mutex_};
    const auto found = entries_.find(handle);
    if (found == entries_.end()) return {};
    return {found->second.target.lock(), found->second.resource};
}

void HandleTable::reportStray(std::string_view callback, std::uint64_t handle) const noexcept {
    std::shared_ptr<CallbackTarget> any;
    {
        const std::lock_guard lock{mutex_};
        for (const auto& [number, entry] : entries_) {
            if ((any = entry.target.lock())) break;
        }
    }
    if (any) any->stray(callback, handle);
}

}  // namespace holdfast::inline v1::monitor
