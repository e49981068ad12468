// SPDX-License-Identifier: BSL-1.0
#include "monitor/flight_file.hpp"

#include "monitor/flight_memory.hpp"

#include <holdfast/abi/wide.hpp>
#include <holdfast/exec/flight_reader.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace holdfast::inline v1::monitor {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using std::chrono::microseconds;
using std::chrono::system_clock;

constexpr std::size_t longestName = 60;
constexpr std::string_view prefix = "flight-";
constexpr std::string_view suffix = ".jsonl";

/** A host may write anything; files are UTF-8. */
std::string printable(const std::string& text) { return abi::toUtf8(abi::toWide(text)); }

/** `2026-01-31T23:59:59.123456Z`; times that no calendar has, from a block that lies, as they can be said. */
std::string iso(system_clock::time_point time) {
    const auto micro = std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count();
    constexpr std::int64_t second = 1'000'000;
    constexpr std::int64_t lastSecond = 253'402'300'799;  // of the year 9999
    const std::int64_t whole = std::clamp<std::int64_t>(micro / second, 0, lastSecond);
    const std::int64_t rest = micro < 0 ? 0 : micro % second;
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(static_cast<std::time_t>(whole)), rest);
}

struct Recorded {
    std::int64_t time;
    std::string line;
};

const char* phaseName(exec::FlightPhase phase) {
    switch (phase) {
        case exec::FlightPhase::begin: return "begin";
        case exec::FlightPhase::end: return "end";
        case exec::FlightPhase::instant: break;
    }
    return "instant";
}

Recorded lineOf(const exec::FlightReader& reader, const exec::FlightEvent& event, const char* by) {
    json::object line;
    line["record"] = "flightEvent";
    line["time"] = iso(reader.systemTime(event));
    line["start"] = event.time;
    line["by"] = by;
    line["resource"] = printable(reader.resourceName(event.resource));
    line["thread"] = event.thread;
    line["event"] = exec::nameOf(event.kind);
    line["phase"] = phaseName(event.phase);
    line["what"] = exec::nameOf(event.subject);
    line["code"] = event.code;
    line["value"] = event.value;
    line["generation"] = event.generation;
    line["text"] = printable(event.text);
    return {event.time, json::serialize(line) + '\n'};
}

/** For a file's name, on every system. */
std::string nameOf(const std::string& host) {
    std::string name;
    for (const char c : host) {
        const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
        name += plain ? c : '-';
    }
    if (name.size() > longestName) name.erase(0, name.size() - longestName);
    return name.empty() ? "host" : name;
}

void removeOldest(const fs::path& folder) {
    std::error_code error;
    std::vector<std::pair<fs::file_time_type, fs::path>> files;
    for (auto entry = fs::directory_iterator{folder, error}; !error && entry != fs::directory_iterator{};
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with(prefix) && name.ends_with(suffix))
            files.emplace_back(entry->last_write_time(error), entry->path());
    }
    std::sort(files.begin(), files.end());
    for (std::size_t i = 0; i + mostFlightFiles < files.size(); ++i) fs::remove(files[i].second, error);
}

}  // namespace

std::string flightText(const FlightIncident& incident, void* memory) {
    std::vector<Recorded> lines;
    json::array rings;
    for (std::size_t index = 0; memory != nullptr && index < FlightMemory::regions; ++index) {
        std::string problem;
        const auto region = FlightMemory::region(memory, index);
        const auto reader = exec::FlightReader::open(region, problem);
        if (!reader) {
            const bool unused =
                std::all_of(region.begin(), region.begin() + 32, [](std::byte byte) { return byte == std::byte{0}; });
            if (!unused) rings.push_back(json::object{{"ring", index}, {"problem", problem}});
            continue;
        }
        const auto events = reader->events();
        rings.push_back(json::object{
            {"ring", index}, {"recorded", reader->recorded()}, {"kept", events.size()}, {"lost", reader->lost()}});
        for (const auto& event : events) lines.push_back(lineOf(*reader, event, index == 0 ? "host" : "library"));
    }
    std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
    json::object first;
    first["record"] = "flight";
    first["version"] = 1;
    first["pid"] = incident.process;
    first["host"] = printable(incident.host);
    first["reason"] = printable(incident.reason);
    first["time"] = iso(incident.time);
    first["rings"] = std::move(rings);
    std::string text = json::serialize(first) + '\n';
    for (const auto& recorded : lines) text += recorded.line;
    return text;
}

std::string stackLines(std::string_view output, std::string_view problem) {
    std::string lines;
    while (!output.empty()) {
        const auto end = std::min(output.find('\n'), output.size());
        const std::string line{output.substr(0, end)};
        output.remove_prefix(std::min(end + 1, output.size()));
        boost::system::error_code error;
        const auto value = json::parse(line, error);
        if (!error && value.is_object()) lines += json::serialize(value) + '\n';
    }
    if (!problem.empty())
        lines +=
            json::serialize(json::object{{"record", "stacks"}, {"problem", printable(std::string{problem})}}) + '\n';
    return lines;
}

namespace {

/** Makes the file, for its user alone: a checkpoint may tell what others need not know. */
void closeToOthers(const fs::path& file) {
#if defined(_WIN32)
    static_cast<void>(file);  // what is below a user's folder is the user's
#else
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) throw std::runtime_error{fmt::format("cannot write {}", file.string())};
    ::close(descriptor);
#endif
}

}  // namespace

fs::path writeFlightFile(const fs::path& folder, const FlightIncident& incident, std::string_view text) {
    std::error_code error;
    fs::create_directories(folder, error);  // with what the system gives new folders; the file is its user's alone
    const auto micro = std::chrono::duration_cast<microseconds>(incident.time.time_since_epoch()).count();
    const std::string when =
        fmt::format("{:%Y%m%dT%H%M%S}.{:06}Z", fmt::gmtime(system_clock::to_time_t(incident.time)), micro % 1'000'000);
    const fs::path file = folder / fmt::format("{}{}-{}{}", prefix, nameOf(incident.host), when, suffix);
    closeToOthers(file);
    std::ofstream out{file, std::ios::binary};
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    if (!out) {
        fs::remove(file, error);
        throw std::runtime_error{fmt::format("cannot write {}", file.string())};
    }
    removeOldest(folder);
    return file;
}

}  // namespace holdfast::inline v1::monitor
