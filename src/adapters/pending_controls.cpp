// SPDX-License-Identifier: BSL-1.0

#include "pending_controls.hpp"

#include <exception>
#include <utility>

namespace holdfast::inline v1::adapters {

bool PendingControls::add(std::shared_ptr<PendingControl> call) {
    const std::lock_guard lock{mutex_};
    if (closed_) return false;
    calls_.push_back(std::move(call));
    return true;
}

void PendingControls::remove(const PendingControl* call) noexcept {
    std::shared_ptr<PendingControl> last;  // dies without our lock
    const std::lock_guard lock{mutex_};
    for (auto& one : calls_) {
        if (one.get() != call) continue;
        last = std::move(one);
        one = std::move(calls_.back());
        calls_.pop_back();
        break;
    }
    if (calls_.empty()) emptied_.notify_all();
}

std::vector<std::shared_ptr<PendingControl>> PendingControls::close() noexcept {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    try {
        return calls_;
    } catch (const std::exception&) {  // out of memory: each still has its limit
        return {};
    }
}

bool PendingControls::waitEmpty(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    return emptied_.wait_for(lock, patience, [this] { return calls_.empty(); });
}

}  // namespace holdfast::inline v1::adapters
