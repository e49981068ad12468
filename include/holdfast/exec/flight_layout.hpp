// SPDX-License-Identifier: BSL-1.0
#pragma once

/// How the flight recorder's block lies in memory: shared by who writes it and by who reads it, also in another process, in a
/// file or in a dump. Everything is made of 64-bit words in the machine's own byte order; docs/flight-recorder.md has the table.

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace holdfast::inline v1::exec::flight_layout {

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 8, "the block is shared with other processes");

/** What the block begins with, and what to look for in a dump. NUL to the end of its four words. */
inline constexpr char magic[32] = "HOLDFAST FLIGHT RECORDER";
inline constexpr std::uint32_t version = 1;

// Words of the header.
inline constexpr std::size_t versionWord =
    4;                                       ///< layout version, then the header's size in bytes (low half, high half)
inline constexpr std::size_t entryWord = 5;  ///< an entry's size in bytes, then how many there are
inline constexpr std::size_t nameWord = 6;   ///< a name's size in bytes, then how many there are
inline constexpr std::size_t processWord = 7;    ///< the process's number
inline constexpr std::size_t steadyWord = 8;     ///< at the start: the steady clock, ns
inline constexpr std::size_t systemWord = 9;     ///< at the same moment: ns since 1970, UTC
inline constexpr std::size_t resourceWord = 10;  ///< the last resource number given
inline constexpr std::size_t lostWord = 11;      ///< events that found their entry taken
inline constexpr std::size_t nextWord = 16;      ///< number of the next event, from 0; on a cache line of its own
inline constexpr std::size_t headerWords = 32;

// Words of a name: the resource's number, then its name, NUL-filled.
inline constexpr std::size_t nameWords = 8;
inline constexpr std::size_t nameText = (nameWords - 1) * 8;

// Words of an entry.
inline constexpr std::size_t sequenceWord = 0;    ///< of event n: 2n + 1 while it is written, 2n + 2 once it is whole
inline constexpr std::size_t timeWord = 1;        ///< steady clock, ns
inline constexpr std::size_t whoWord = 2;         ///< resource number (low half), thread (high half)
inline constexpr std::size_t whatWord = 3;        ///< bits 0-7 kind, 8-15 phase, 16-31 subject, 32-63 code
inline constexpr std::size_t generationWord = 4;  ///< the resource's run
inline constexpr std::size_t valueWord = 5;       ///< as the kind says: most often a duration, ns
inline constexpr std::size_t textWord = 6;        ///< UTF-8, NUL-ended unless it fills its words
inline constexpr std::size_t entryWords = 16;
inline constexpr std::size_t entryText = (entryWords - textWord) * 8;

inline constexpr std::uint32_t defaultEntries = 4'096;
inline constexpr std::uint32_t defaultNames = 256;

[[nodiscard]] constexpr std::size_t wordsOf(std::size_t entries, std::size_t names) noexcept {
    return headerWords + names * nameWords + entries * entryWords;
}
[[nodiscard]] constexpr std::size_t bytesOf(std::size_t entries = defaultEntries,
                                            std::size_t names = defaultNames) noexcept {
    return wordsOf(entries, names) * sizeof(Word);
}
[[nodiscard]] constexpr std::uint64_t halves(std::uint32_t low, std::uint32_t high) noexcept {
    return static_cast<std::uint64_t>(high) << 32U | low;
}

}  // namespace holdfast::inline v1::exec::flight_layout
