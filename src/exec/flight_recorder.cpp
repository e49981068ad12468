// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/flight_recorder.hpp>

#include "flight_text.hpp"

#include <holdfast/os/process.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace holdfast::inline v1::exec {
namespace {

using namespace flight_layout;
using Steady = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// The library's own ring. It costs address space only until it is used: a page that was never written is no memory.
static_assert(sizeof(Word) == sizeof(std::uint64_t) && alignof(Word) == alignof(std::uint64_t));
// NOLINTNEXTLINE(misc-redundant-expression): the two counts are the same by chance
constinit std::array<std::uint64_t, wordsOf(defaultEntries, defaultNames)> ownWords{};
constinit FlightRecorder recorder;

std::int64_t now() noexcept {
    return std::chrono::duration_cast<nanoseconds>(Steady::now().time_since_epoch()).count();
}

/** Text as words, as far as `most` words reach; the last is not full, or all are. */
template <std::size_t Most>
std::size_t packed(std::string_view text, std::array<std::uint64_t, Most>& words) noexcept {
    const std::string_view kept = cutText(text, Most * 8);
    const std::size_t used = std::min(kept.size() / 8 + 1, Most);
    words[used - 1] = 0;
    // A text that ends before its words do is ended by the zeros of the last one.
    std::memcpy(words.data(), kept.data(), kept.size());
    return used;
}

}  // namespace

FlightRecorder& flightRecorder() noexcept { return recorder; }

bool FlightRecorder::make(Word* words, std::size_t size) noexcept {
    const std::uint32_t names = size >= bytesOf(defaultEntries / 8, defaultNames) ? defaultNames : 16;
    if (size < bytesOf(16, names)) return false;
    const std::size_t room = (size - bytesOf(0, names)) / (entryWords * sizeof(Word));
    const auto entries = static_cast<std::uint32_t>(std::min<std::size_t>(room, 1U << 20U));
    if (claimed_.exchange(true, std::memory_order_acq_rel)) return false;
    entries_ = entries;
    names_ = names;
    // A library that is loaded again goes on where it was.
    if (words[0].load(std::memory_order_acquire) != 0) {
        std::array<std::uint64_t, versionWord> found{};
        for (std::size_t i = 0; i < versionWord; ++i) found[i] = words[i].load(std::memory_order_relaxed);
        const auto is = [&](std::size_t word, std::uint64_t value) {
            return words[word].load(std::memory_order_relaxed) == value;
        };
        // A newer build of the library under the same name may lay it out otherwise: then this one keeps its own memory.
        if (std::memcmp(found.data(), magic, sizeof magic) != 0 ||
            !is(versionWord, halves(version, headerWords * sizeof(Word))) ||
            !is(entryWord, halves(entryWords * sizeof(Word), entries)) ||
            !is(nameWord, halves(nameWords * sizeof(Word), names))) {
            claimed_.store(false, std::memory_order_release);
            return false;
        }
        words_.store(words, std::memory_order_release);
        return true;
    }
    words[entryWord].store(halves(entryWords * sizeof(Word), entries), std::memory_order_relaxed);
    words[nameWord].store(halves(nameWords * sizeof(Word), names), std::memory_order_relaxed);
    words[processWord].store(static_cast<std::uint64_t>(os::processId()), std::memory_order_relaxed);
    const auto system = std::chrono::system_clock::now().time_since_epoch();
    words[steadyWord].store(static_cast<std::uint64_t>(now()), std::memory_order_relaxed);
    words[systemWord].store(static_cast<std::uint64_t>(std::chrono::duration_cast<nanoseconds>(system).count()),
                            std::memory_order_relaxed);
    words[versionWord].store(halves(version, headerWords * sizeof(Word)), std::memory_order_relaxed);
    std::array<std::uint64_t, versionWord> text{};
    static_assert(sizeof text == sizeof magic);
    std::memcpy(text.data(), magic, sizeof magic);
    // Backwards and last of all: whoever sees the beginning sees the whole header.
    for (std::size_t i = versionWord; i-- > 0;) words[i].store(text[i], std::memory_order_release);
    words_.store(words, std::memory_order_release);
    return true;
}

bool FlightRecorder::useMemory(std::span<std::byte> memory) noexcept {
    if (memory.data() == nullptr || reinterpret_cast<std::uintptr_t>(memory.data()) % alignof(Word) != 0) return false;
    return make(reinterpret_cast<Word*>(memory.data()), memory.size());
}

bool FlightRecorder::ring(Ring& ring) noexcept {
    Word* words = words_.load(std::memory_order_acquire);
    if (words == nullptr) {
        static_cast<void>(make(reinterpret_cast<Word*>(ownWords.data()), sizeof ownWords));
        words = words_.load(std::memory_order_acquire);
        if (words == nullptr) return false;  // another thread is at it: events of this moment are lost, nobody waits
    }
    ring = {words, entries_, names_};
    return true;
}

void FlightRecorder::record(const FlightNote& note) noexcept {
    Ring at{};
    if (!ring(at)) return;
    const auto time = static_cast<std::uint64_t>(now());
    const std::uint64_t index = at.words[nextWord].fetch_add(1, std::memory_order_relaxed);
    Word* const entry =
        at.words + headerWords + at.names * nameWords + static_cast<std::size_t>(index % at.entries) * entryWords;
    std::uint64_t before = entry[sequenceWord].load(std::memory_order_relaxed);
    const std::uint64_t writing = 2 * index + 1;
    if ((before & 1U) != 0 || before > writing ||
        !entry[sequenceWord].compare_exchange_strong(before, writing, std::memory_order_acquire,
                                                     std::memory_order_relaxed)) {
        at.words[lostWord].fetch_add(1, std::memory_order_relaxed);
        return;
    }
    // Each store is a release: none is seen before the odd number is. Fences would say it once, but no sanitizer knows them;
    // on x86 the two cost the same.
    const auto put = [entry](std::size_t word, std::uint64_t value) {
        entry[word].store(value, std::memory_order_release);
    };
    put(timeWord, time);
    put(whoWord, halves(note.resource, os::threadId()));
    put(whatWord, halves(static_cast<std::uint32_t>(note.kind) | static_cast<std::uint32_t>(note.phase) << 8U |
                             static_cast<std::uint32_t>(note.subject) << 16U,
                         note.code));
    put(generationWord, note.generation);
    put(valueWord, static_cast<std::uint64_t>(note.value));
    if (note.text.empty()) {
        put(textWord, 0);
    } else {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): as many as are used are written by `packed`
        std::array<std::uint64_t, entryWords - textWord> text;
        const std::size_t used = packed(note.text, text);
        for (std::size_t i = 0; i < used; ++i) put(textWord + i, text[i]);
    }
    entry[sequenceWord].store(writing + 1, std::memory_order_release);
}

std::uint32_t FlightRecorder::addResource(std::string_view name) noexcept {
    Ring at{};
    if (!ring(at)) return 0;
    const auto number = static_cast<std::uint32_t>(at.words[resourceWord].fetch_add(1, std::memory_order_relaxed) + 1);
    rename(number, name);
    return number;
}

void FlightRecorder::rename(std::uint32_t resource, std::string_view name) noexcept {
    Ring at{};
    if (resource == 0 || !ring(at)) return;
    Word* const slot = at.words + headerWords + static_cast<std::size_t>(resource % at.names) * nameWords;
    std::array<std::uint64_t, nameWords - 1> text{};
    static_cast<void>(packed(name, text));
    slot[0].store(0, std::memory_order_relaxed);
    for (std::size_t i = 0; i < text.size(); ++i) slot[1 + i].store(text[i], std::memory_order_release);
    slot[0].store(resource, std::memory_order_release);
}

std::span<const std::byte> FlightRecorder::block() const noexcept {
    const Word* const words = words_.load(std::memory_order_acquire);
    if (words == nullptr) return {};
    return {reinterpret_cast<const std::byte*>(words), bytesOf(entries_, names_)};
}

}  // namespace holdfast::inline v1::exec
