// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace holdfast::inline v1::verify {

/**
 * Memory that ends where its content ends: a page that nobody may touch follows, and another one is before. It may vanish.
 *
 * @par Thread safety One owner.
 */
class VanishingMemory {
public:
    explicit VanishingMemory(std::size_t size);
    VanishingMemory(const void* content, std::size_t size);
    VanishingMemory(const VanishingMemory&) = delete;
    VanishingMemory& operator=(const VanishingMemory&) = delete;
    ~VanishingMemory();

    [[nodiscard]] void* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /** From now on whoever touches it crashes. */
    void vanish() noexcept;
    /** From now on whoever writes to it crashes. */
    void makeReadOnly() noexcept;

private:
    char* base_{nullptr};
    std::size_t pages_{0};
    std::size_t size_;
    char* data_{nullptr};
};

}  // namespace holdfast::inline v1::verify
