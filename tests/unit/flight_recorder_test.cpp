// SPDX-License-Identifier: BSL-1.0
// The flight recorder's ring: what is read is whole and in order, however it was written.

#include <holdfast/exec/flight_reader.hpp>
#include <holdfast/exec/flight_recorder.hpp>
#include <holdfast/os/process.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

using namespace holdfast::exec;
namespace layout = holdfast::exec::flight_layout;

namespace {

/** A recorder with memory of its own. */
struct Ring {
    explicit Ring(std::size_t entries = 64) : words(layout::wordsOf(entries, 16)) {
        CHECK(recorder.useMemory(bytes()));
    }
    [[nodiscard]] std::span<std::byte> bytes() {
        return {reinterpret_cast<std::byte*>(words.data()), words.size() * sizeof(layout::Word)};
    }
    [[nodiscard]] FlightReader reader() const {
        std::string problem;
        const auto opened = FlightReader::open(recorder.block(), problem);
        INFO(problem);
        REQUIRE(opened);
        return *opened;
    }
    std::vector<layout::Word> words;
    FlightRecorder recorder;
};

std::string refusal(std::span<const std::byte> block) {
    std::string problem;
    CHECK_FALSE(FlightReader::open(block, problem));
    return problem;
}

}  // namespace

TEST_CASE("what is recorded is read back, with the time, the thread and the resource's name") {
    Ring ring;
    const auto before = std::chrono::system_clock::now();
    const std::uint32_t resource = ring.recorder.addResource("db");
    ring.recorder.record({FlightKind::checkpoint, FlightPhase::instant, FlightSubject::onlineJob, resource, 7, 3, -5,
                          "waiting for the port"});
    const FlightReader reader = ring.reader();
    const auto events = reader.events();
    REQUIRE(events.size() == 1);
    const FlightEvent& event = events[0];
    CHECK(event.index == 0);
    CHECK(event.kind == FlightKind::checkpoint);
    CHECK(event.subject == FlightSubject::onlineJob);
    CHECK(reader.resourceName(event.resource) == "db");
    CHECK(event.thread == holdfast::os::threadId());
    CHECK(event.code == 7);
    CHECK(event.generation == 3);
    CHECK(event.value == -5);
    CHECK(event.text == "waiting for the port");
    CHECK(reader.systemTime(event) >= before - std::chrono::seconds{1});
    CHECK(reader.systemTime(event) <= std::chrono::system_clock::now() + std::chrono::seconds{1});
    CHECK(reader.process() == holdfast::os::processId());
    CHECK(reader.lost() == 0);
}

TEST_CASE("a full ring keeps the newest, oldest first") {
    Ring ring{64};
    const auto count = ring.reader().capacity() * 3 + 5;
    for (std::uint32_t i = 0; i < count; ++i)
        ring.recorder.record({FlightKind::log, FlightPhase::instant, FlightSubject::none, 1, i});
    const auto events = ring.reader().events();
    REQUIRE(events.size() == ring.reader().capacity());
    for (std::size_t i = 0; i < events.size(); ++i) CHECK(events[i].code == count - events.size() + i);
    CHECK(ring.reader().recorded() == count);
}

TEST_CASE("texts are cut between two characters, and a long one leaves nothing behind in the next") {
    Ring ring;
    const std::string umlauts = [] {
        std::string text = "x";
        for (int i = 0; i < 60; ++i) text += "\xC3\xA4";
        return text;
    }();
    for (const std::string& text :
         {umlauts, std::string(80, 'a'), std::string(79, 'b'), std::string("c"), std::string{}})
        ring.recorder.record({FlightKind::log, FlightPhase::instant, FlightSubject::none, 0, 0, 0, 0, text});
    const auto events = ring.reader().events();
    REQUIRE(events.size() == 5);
    CHECK(events[0].text == umlauts.substr(0, 79));
    CHECK(events[1].text == std::string(80, 'a'));
    CHECK(events[2].text == std::string(79, 'b'));
    CHECK(events[3].text == "c");
    CHECK(events[4].text.empty());
}

TEST_CASE("the last of one resource are found among those of others, without polls") {
    Ring ring;
    for (std::uint32_t i = 0; i < 10; ++i) {
        for (const std::uint32_t resource : {1U, 2U}) {
            ring.recorder.record({FlightKind::call, FlightPhase::end, FlightSubject::online, resource, i});
            ring.recorder.record({FlightKind::polls, FlightPhase::instant, FlightSubject::isAlive, resource, 1});
        }
    }
    const auto last = ring.reader().lastOf(2, 3);
    REQUIRE(last.size() == 3);
    for (std::uint32_t i = 0; i < 3; ++i) {
        CHECK(last[i].resource == 2);
        CHECK(last[i].code == 9 - i);
    }
    CHECK(ring.reader().lastOf(3, 3).empty());
}

TEST_CASE("the name of a resource goes with its number, until others have taken the place") {
    Ring ring;
    const std::uint32_t first = ring.recorder.addResource("first");
    ring.recorder.rename(first, "renamed");
    CHECK(ring.reader().resourceName(first) == "renamed");
    CHECK(ring.reader().resourceName(0).empty());
    for (int i = 0; i < 16; ++i) CHECK(ring.recorder.addResource(std::string(100, 'n')) != first);
    CHECK(ring.reader().resourceName(first) == "#" + std::to_string(first));
    CHECK(ring.reader().resourceName(first + 1) == std::string(layout::nameText, 'n'));
}

TEST_CASE("concurrent writers never leave a torn entry, and nobody waits") {
    // Far fewer entries than events: writers meet in the same entry, and the reader in those being written.
    Ring ring{16};
    constexpr int writers = 4;
    constexpr std::uint32_t each = 40'000;
    std::atomic<int> running{writers};
    std::vector<std::thread> threads;
    for (std::uint32_t writer = 1; writer <= writers; ++writer) {
        threads.emplace_back([&, writer] {
            for (std::uint32_t i = 0; i < each; ++i) {
                // Every field says the same.
                const std::uint32_t what = writer * each + i;
                const std::string text(20 + what % 60, static_cast<char>('a' + what % 26));
                ring.recorder.record(
                    {FlightKind::log, FlightPhase::instant, FlightSubject::none, what, what, what, what, text});
            }
            --running;
        });
    }
    const FlightReader reader = ring.reader();
    std::size_t seen = 0;
    bool whole = true;
    bool ordered = true;
    while (running > 0) {
        std::uint64_t last = 0;
        for (const FlightEvent& event : reader.events()) {
            const std::uint32_t what = event.code;
            whole = whole && event.resource == what && event.generation == what && event.value == what &&
                    event.text == std::string(20 + what % 60, static_cast<char>('a' + what % 26));
            ordered = ordered && (last == 0 || event.index > last);
            last = event.index;
            ++seen;
        }
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(whole);
    CHECK(ordered);
    CHECK(reader.recorded() == writers * each);
    CHECK(reader.lost() < writers * each);
    INFO(seen << " entries read beside the writers, " << reader.lost() << " lost");
    CHECK(reader.events().size() + 3 >= ring.reader().capacity());  // at the end a loser's place may have been the last
}

TEST_CASE("an entry whose writer died is left out, and costs only its place") {
    Ring ring{64};
    ring.recorder.record({FlightKind::log, FlightPhase::instant, FlightSubject::none, 1, 1});
    // As a thread leaves it that is killed while it writes event 1.
    layout::Word* const entry = ring.words.data() + layout::headerWords + 16 * layout::nameWords + layout::entryWords;
    entry[layout::sequenceWord] = 2 * 1 + 1;
    ring.words[layout::nextWord] = 2;
    const auto capacity = ring.reader().capacity();
    for (std::uint32_t i = 2; i < 2 * capacity; ++i)
        ring.recorder.record({FlightKind::log, FlightPhase::instant, FlightSubject::none, 1, i});
    const auto events = ring.reader().events();
    CHECK(events.size() == capacity - 1);
    CHECK(std::none_of(events.begin(), events.end(), [&](const auto& event) { return event.index == capacity + 1; }));
    CHECK(ring.reader().lost() == 1);
}

TEST_CASE("a reader refuses what is no ring, and says why") {
    Ring ring;
    ring.recorder.record({FlightKind::log});
    const auto block = ring.recorder.block();
    CHECK(refusal({}).find("too few") != std::string::npos);
    CHECK(refusal(block.first(100)).find("too few") != std::string::npos);
    CHECK(refusal(block.first(block.size() - 8)).find("cut") != std::string::npos);
    CHECK(refusal(block.subspan(1)).find("aligned") != std::string::npos);
    const std::vector<layout::Word> zero(layout::wordsOf(16, 16));
    CHECK(refusal(std::as_bytes(std::span{zero})).find("nothing was recorded") != std::string::npos);

    const auto spoiled = [&](std::size_t word, std::uint64_t value) {
        const std::uint64_t was = ring.words[word].exchange(value);
        const std::string problem = refusal(block);
        ring.words[word] = was;
        return problem;
    };
    CHECK(spoiled(0, 1).find("no flight recorder") != std::string::npos);
    CHECK(spoiled(layout::versionWord, layout::halves(2, 256)).find("layout 2") != std::string::npos);
    CHECK(spoiled(layout::versionWord, layout::halves(1, 8)).find("contradict") != std::string::npos);
    CHECK(spoiled(layout::entryWord, layout::halves(128, 0)).find("contradict") != std::string::npos);
    CHECK(spoiled(layout::entryWord, layout::halves(64, 64)).find("contradict") != std::string::npos);
    CHECK(spoiled(layout::entryWord, layout::halves(128, 0xFFFF'FFFF)).find("cut") != std::string::npos);
    CHECK(spoiled(layout::nameWord, layout::halves(64, 0xFFFF'FFFF)).find("cut") != std::string::npos);
    std::string problem;
    CHECK(FlightReader::open(block, problem));  // what was spoiled is whole again
}

TEST_CASE("entries full of noise are read without harm") {
    Ring ring;
    std::uint64_t noise = 0x9E37'79B9'7F4A'7C15;
    for (std::size_t i = layout::headerWords; i < ring.words.size(); ++i) {
        noise = noise * 6'364'136'223'846'793'005 + 1;
        ring.words[i] = noise;
    }
    ring.words[layout::nextWord] = 200;
    const std::size_t entries = layout::headerWords + 16 * layout::nameWords;
    const auto capacity = ring.reader().capacity();
    for (std::uint64_t index = 200 - capacity; index < 200; ++index)
        ring.words[entries + index % capacity * layout::entryWords] = 2 * index + 2;
    const auto events = ring.reader().events();
    CHECK(events.size() == capacity);
    for (const FlightEvent& event : events) {
        CHECK_FALSE(describe(event).empty());
        static_cast<void>(ring.reader().systemTime(event));
        static_cast<void>(ring.reader().resourceName(event.resource));
    }
}

TEST_CASE("memory that is too small, askew or second is refused") {
    std::vector<layout::Word> words(layout::wordsOf(16, 16));
    const std::span<std::byte> bytes{reinterpret_cast<std::byte*>(words.data()), words.size() * sizeof(layout::Word)};
    FlightRecorder recorder;
    CHECK(recorder.block().empty());
    CHECK_FALSE(recorder.useMemory({}));
    CHECK_FALSE(recorder.useMemory(bytes.first(bytes.size() - 8)));
    CHECK_FALSE(recorder.useMemory(bytes.subspan(1)));
    CHECK(recorder.useMemory(bytes));
    CHECK_FALSE(recorder.useMemory(bytes));
    recorder.record({FlightKind::log});
    // A library that is loaded again goes on where it was.
    FlightRecorder again;
    CHECK(again.useMemory(bytes));
    again.record({FlightKind::log});
    std::string problem;
    const auto reader = FlightReader::open(again.block(), problem);
    REQUIRE(reader);
    CHECK(reader->events().size() == 2);
}
