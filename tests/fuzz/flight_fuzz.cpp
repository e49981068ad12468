// SPDX-License-Identifier: BSL-1.0
/// Any bytes as what a dead process left in a flight recorder's memory: what is read lies inside the memory, and the file that is
/// made of it is JSON by lines that `holdfast timeline` reads.
#include "fuzz_target.hpp"
#include "well_formed.hpp"

#include "monitor/flight_file.hpp"
#include "monitor/flight_memory.hpp"
#include "timeline/trace_reader.hpp"

#include <holdfast/exec/flight_reader.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

using namespace holdfast;
using fuzz::promise;

namespace {

/** Memory as the monitor maps it; all zero between two inputs. */
std::byte* sharedMemory() {
    static std::vector<std::uint64_t> words(monitor::FlightMemory::size / sizeof(std::uint64_t) + 1);
    return reinterpret_cast<std::byte*>(words.data());
}

void checkReader(const std::uint8_t* data, std::size_t size) {
    // A block of exactly that size, so that AddressSanitizer sees one word too many.
    const auto words = std::make_unique<std::uint64_t[]>(size / sizeof(std::uint64_t) + 1);
    if (size != 0) std::memcpy(words.get(), data, size);
    const std::span<const std::byte> block{reinterpret_cast<const std::byte*>(words.get()), size};
    std::string problem;
    const auto reader = exec::FlightReader::open(block, problem);
    promise(reader.has_value() == problem.empty(), "a block is refused with a reason");
    if (!reader) return;
    const auto events = reader->events();
    promise(events.size() <= reader->capacity(), "there are no more events than places");
    promise(events.size() <= reader->recorded(), "there are no more events than were recorded");
    for (std::size_t i = 0; i < events.size(); ++i) {
        promise(i == 0 || events[i - 1].index < events[i].index, "events are in the order in which they came");
        promise(events[i].text.size() <= exec::flight_layout::entryText, "a text fits its place");
        promise(!exec::describe(events[i]).empty(), "every event can be said");
        promise(!reader->resourceName(events[i].resource).empty() || events[i].resource == 0, "a resource has a name");
        const auto last = reader->lastOf(events[i].resource, 3);
        promise(last.size() <= 3, "no more than what was asked for");
        if (i > 16) break;
    }
}

void checkFile(const std::uint8_t* data, std::size_t size, std::size_t index) {
    auto* const memory = sharedMemory();
    const auto region = monitor::FlightMemory::region(memory, index);
    const std::size_t used = std::min(size, region.size());
    if (used != 0) std::memcpy(region.data(), data, used);
    const monitor::FlightIncident incident{"host <\xFF>", "killed: \x01", 4711, {}};
    const std::string text = monitor::flightText(incident, memory);
    std::memset(region.data(), 0, used);

    promise(!text.empty() && text.back() == '\n' && fuzz::isUtf8(text), "a flight file is whole lines of UTF-8");
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        boost::system::error_code error;
        const auto value = boost::json::parse(line, error);
        promise(!error && value.is_object(), "each line of a flight file is a JSON object");
    }
    std::istringstream in{text};
    const auto trace = timeline::readTrace(in);  // throws if it is none
    promise(!trace.entries.empty(), "a flight file is a trace");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    checkReader(data + 1, size - 1);
    checkFile(data + 1, size - 1, data[0] % monitor::FlightMemory::regions);
    const std::string said = monitor::stackLines(fuzz::textOf(data + 1, size - 1), "a \xFF problem");
    promise(fuzz::isUtf8(said), "what holdfast-stacks said is kept as UTF-8");
    return 0;
}
