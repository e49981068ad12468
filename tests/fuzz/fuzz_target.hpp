// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What every fuzz target has: one function that is given any bytes, and promises that must hold for them.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#if defined(_WIN32)
#define HOLDFAST_FUZZ_ENTRY extern "C"
#else
#define HOLDFAST_FUZZ_ENTRY extern "C" __attribute__((visibility("default")))
#endif

HOLDFAST_FUZZ_ENTRY int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

/** Ends the program if a promise does not hold: libFuzzer keeps the input, and so does replay.cpp. */
inline void promise(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "BROKEN PROMISE: %s\n", what);
    std::fflush(stderr);
    std::abort();
}

/** Takes an input apart. Past its end everything is zero and empty. */
class Picker {
public:
    Picker(const std::uint8_t* data, std::size_t size) noexcept : rest_{data, size} {}

    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
    template <typename Number>
    [[nodiscard]] Number number() noexcept {
        Number value{};
        const auto bytes = take(sizeof value);
        if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
        return value;
    }
    [[nodiscard]] std::uint8_t byte() noexcept { return number<std::uint8_t>(); }
    /** At most `size` bytes. */
    [[nodiscard]] std::span<const std::uint8_t> take(std::size_t size) noexcept {
        const auto taken = rest_.first(size < rest_.size() ? size : rest_.size());
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    [[nodiscard]] std::string_view text(std::size_t size) noexcept {
        const auto bytes = take(size);
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }

private:
    std::span<const std::uint8_t> rest_;
};

inline std::string_view textOf(const std::uint8_t* data, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(data), size};
}

}  // namespace fuzz
