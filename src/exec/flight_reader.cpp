// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/flight_reader.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace holdfast::inline v1::exec {
namespace {

using namespace flight_layout;

std::uint32_t low(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word); }
std::uint32_t high(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 32U); }

template <std::size_t Words>
std::string textOf(const std::array<std::uint64_t, Words>& words) {
    std::array<char, Words * 8> bytes{};
    std::memcpy(bytes.data(), words.data(), bytes.size());
    return {bytes.begin(), std::find(bytes.begin(), bytes.end(), '\0')};
}

}  // namespace

std::optional<FlightReader> FlightReader::open(std::span<const std::byte> block, std::string& problem) {
    const auto refuse = [&](std::string why) {
        problem = std::move(why);
        return std::optional<FlightReader>{};
    };
    if (block.size() < headerWords * sizeof(Word))
        return refuse(fmt::format("{} bytes are too few for a flight recorder", block.size()));
    if (reinterpret_cast<std::uintptr_t>(block.data()) % alignof(Word) != 0) return refuse("the block is not aligned");
    const auto* const words = reinterpret_cast<const Word*>(block.data());
    std::array<std::uint64_t, versionWord> begins{};
    for (std::size_t i = 0; i < begins.size(); ++i) begins[i] = words[i].load(std::memory_order_acquire);
    if (begins == std::array<std::uint64_t, versionWord>{}) return refuse("nothing was recorded here");
    if (std::memcmp(begins.data(), magic, sizeof magic) != 0) return refuse("this is no flight recorder");
    const std::uint64_t layout = words[versionWord].load(std::memory_order_relaxed);
    if (low(layout) != version)
        return refuse(fmt::format("a flight recorder of layout {}; known here is {}", low(layout), version));
    const std::uint64_t entry = words[entryWord].load(std::memory_order_relaxed);
    const std::uint64_t name = words[nameWord].load(std::memory_order_relaxed);
    if (high(layout) != headerWords * sizeof(Word) || low(entry) != entryWords * sizeof(Word) ||
        low(name) != nameWords * sizeof(Word) || high(entry) == 0 || high(name) == 0)
        return refuse("a flight recorder whose sizes contradict each other");
    if (bytesOf(high(entry), high(name)) > block.size())
        return refuse(fmt::format("a flight recorder that was cut: {} bytes of {}", block.size(),
                                  bytesOf(high(entry), high(name))));
    return FlightReader{words, high(entry), high(name)};
}

std::int64_t FlightReader::process() const noexcept {
    return static_cast<std::int64_t>(words_[processWord].load(std::memory_order_relaxed));
}

std::uint64_t FlightReader::recorded() const noexcept { return words_[nextWord].load(std::memory_order_relaxed); }
std::uint64_t FlightReader::lost() const noexcept { return words_[lostWord].load(std::memory_order_relaxed); }

bool FlightReader::read(std::uint64_t index, FlightEvent& event) const {
    const Word* const entry = words_ + headerWords + names_ * nameWords + (index % entries_) * entryWords;
    const std::uint64_t whole = 2 * index + 2;
    if (entry[sequenceWord].load(std::memory_order_acquire) != whole) return false;
    std::array<std::uint64_t, entryWords> words{};
    // Acquire each: the second look at the number comes after all of them.
    for (std::size_t i = 1; i < entryWords; ++i) words[i] = entry[i].load(std::memory_order_acquire);
    if (entry[sequenceWord].load(std::memory_order_relaxed) != whole) return false;
    event.index = index;
    event.time = static_cast<std::int64_t>(words[timeWord]);
    event.resource = low(words[whoWord]);
    event.thread = high(words[whoWord]);
    const std::uint32_t what = low(words[whatWord]);
    event.kind = static_cast<FlightKind>(what & 0xFFU);
    event.phase = static_cast<FlightPhase>(what >> 8U & 0xFFU);
    event.subject = static_cast<FlightSubject>(what >> 16U);
    event.code = high(words[whatWord]);
    event.generation = words[generationWord];
    event.value = static_cast<std::int64_t>(words[valueWord]);
    std::array<std::uint64_t, entryWords - textWord> text{};
    std::copy(words.begin() + textWord, words.end(), text.begin());
    event.text = textOf(text);
    return true;
}

std::vector<FlightEvent> FlightReader::events() const {
    std::vector<FlightEvent> all;
    const std::uint64_t end = recorded();
    const std::uint64_t count = std::min<std::uint64_t>(end, entries_);
    all.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t index = end - count; index < end; ++index) {
        FlightEvent event;
        if (read(index, event)) all.push_back(std::move(event));
    }
    return all;
}

std::vector<FlightEvent> FlightReader::lastOf(std::uint32_t resource, std::size_t most,
                                              std::initializer_list<FlightKind> unwanted) const {
    std::vector<FlightEvent> found;
    const std::uint64_t end = recorded();
    const std::uint64_t count = std::min<std::uint64_t>(end, entries_);
    FlightEvent event;
    for (std::uint64_t back = 1; back <= count && found.size() < most; ++back) {
        if (!read(end - back, event)) continue;
        if (event.resource != resource || event.kind == FlightKind::polls) continue;
        if (std::find(unwanted.begin(), unwanted.end(), event.kind) == unwanted.end()) found.push_back(event);
    }
    return found;
}

std::string FlightReader::resourceName(std::uint32_t resource) const {
    if (resource == 0) return {};
    const Word* const slot = words_ + headerWords + (resource % names_) * nameWords;
    if (slot[0].load(std::memory_order_acquire) == resource) {
        std::array<std::uint64_t, nameWords - 1> words{};
        for (std::size_t i = 0; i < words.size(); ++i) words[i] = slot[1 + i].load(std::memory_order_acquire);
        std::string name = textOf(words);
        if (slot[0].load(std::memory_order_relaxed) == resource && !name.empty()) return name;
    }
    return fmt::format("#{}", resource);
}

std::chrono::system_clock::time_point FlightReader::systemTime(const FlightEvent& event) const noexcept {
    const auto steady = static_cast<std::int64_t>(words_[steadyWord].load(std::memory_order_relaxed));
    const auto system = static_cast<std::int64_t>(words_[systemWord].load(std::memory_order_relaxed));
    // Unsigned: a block that lies must not make us overflow.
    const std::uint64_t at = static_cast<std::uint64_t>(system) + static_cast<std::uint64_t>(event.time) -
                             static_cast<std::uint64_t>(steady);
    return std::chrono::system_clock::time_point{std::chrono::duration_cast<std::chrono::system_clock::duration>(
        std::chrono::nanoseconds{static_cast<std::int64_t>(at)})};
}

}  // namespace holdfast::inline v1::exec
