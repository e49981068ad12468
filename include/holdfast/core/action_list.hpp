// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cassert>
#include <cstddef>

namespace holdfast::inline v1::core {

/** What one event made a machine want: a fixed-capacity list, so that deciding never allocates. */
template <typename Action, std::size_t Capacity>
class ActionList {
public:
    void push(const Action& action) noexcept {
        assert(size_ < Capacity);  // the exploration tests prove the bound for every reachable state
        if (size_ < Capacity) actions_[size_++] = action;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] const Action* begin() const noexcept { return actions_.data(); }
    [[nodiscard]] const Action* end() const noexcept { return actions_.data() + size_; }
    [[nodiscard]] const Action& operator[](std::size_t index) const noexcept { return actions_[index]; }
    static constexpr std::size_t capacity() noexcept { return Capacity; }

private:
    std::array<Action, Capacity> actions_{};
    std::size_t size_{0};
};

}  // namespace holdfast::inline v1::core
