// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/exec/flight_event.hpp>
#include <holdfast/exec/flight_layout.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace holdfast::inline v1::exec {

/**
 * Keeps the last few thousand events of this library in a ring, always, so that "why did it time out" has an answer without a
 * second occurrence. Where the ring lies it can be read from outside while it is written, and after the process has died.
 *
 * Recording claims an entry with one atomic addition and takes it with one compare-and-exchange. Whoever finds his entry still
 * being written, by a thread that stands a whole round behind, loses his event and is counted: nobody ever waits, and no entry
 * is ever a mixture of two.
 *
 * @par Thread safety All members from any thread, also an engine's; none blocks, allocates or throws.
 */
class FlightRecorder {
public:
    constexpr FlightRecorder() noexcept = default;
    FlightRecorder(const FlightRecorder&) = delete;
    FlightRecorder& operator=(const FlightRecorder&) = delete;
    ~FlightRecorder() = default;

    /**
     * Makes a ring in `memory`, aligned to 8 bytes, which stays mapped for ever and is zero, or holds a ring that was made there
     * before; what is recorded from now on is there. False, and nothing changes, if it is too small for 16 entries or if this
     * recorder has a ring.
     */
    bool useMemory(std::span<std::byte> memory) noexcept;

    void record(const FlightNote& note) noexcept;

    /** A number for the resource `name`; its name can be looked up until 256 others have come after it. */
    [[nodiscard]] std::uint32_t addResource(std::string_view name) noexcept;
    /** It has another name from now on. */
    void rename(std::uint32_t resource, std::string_view name) noexcept;

    /** The ring, for a `FlightReader`; empty before the first use. */
    [[nodiscard]] std::span<const std::byte> block() const noexcept;

private:
    struct Ring {
        flight_layout::Word* words;
        std::uint32_t entries;
        std::uint32_t names;
    };
    [[nodiscard]] bool ring(Ring& ring) noexcept;
    bool make(flight_layout::Word* words, std::size_t size) noexcept;

    // Written by whoever makes the ring, before `words_` is: once.
    std::uint32_t entries_{0};
    std::uint32_t names_{0};
    std::atomic<bool> claimed_{false};
    std::atomic<flight_layout::Word*> words_{nullptr};
};

/** This library's recorder. It uses memory of the library's own unless `useMemory` came before the first event. */
[[nodiscard]] FlightRecorder& flightRecorder() noexcept;

/** An entry point of one resource, while it lives: recorded when it begins, and with its answer when it ends. */
class FlightCall {
public:
    /** `argument`: of a control, its code. */
    FlightCall(std::uint32_t resource, FlightSubject subject, std::uint32_t argument = 0) noexcept
        : resource_{resource}, subject_{subject}, argument_{argument}, start_{std::chrono::steady_clock::now()} {
        flightRecorder().record({FlightKind::call, FlightPhase::begin, subject_, resource_, argument_});
    }
    FlightCall(const FlightCall&) = delete;
    FlightCall& operator=(const FlightCall&) = delete;
    ~FlightCall() {
        const auto took = std::chrono::steady_clock::now() - start_;
        flightRecorder().record({FlightKind::call, FlightPhase::end, subject_, resource_, code_, 0,
                                 std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()});
    }
    void answers(std::uint32_t code) noexcept { code_ = code; }
    void belongsTo(std::uint32_t resource) noexcept { resource_ = resource; }

private:
    std::uint32_t resource_;
    const FlightSubject subject_;
    const std::uint32_t argument_;
    const std::chrono::steady_clock::time_point start_;
    std::uint32_t code_{0};
};

}  // namespace holdfast::inline v1::exec
