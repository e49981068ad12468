// SPDX-License-Identifier: BSL-1.0
#include "timeline/trace_reader.hpp"

#include "timeline/plain_text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>
#include <chrono>
#include <limits>

namespace holdfast::inline v1::timeline {

namespace {

namespace json = boost::json;

/** What is wrong with one record, before its line is known. */
class Refused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/** The fields of one record. A missing field is its default; one of the wrong type is an error. */
class Fields {
public:
    explicit Fields(const json::object& record) : record_{record} {}

    [[nodiscard]] std::string text(std::string_view key) const {
        const json::value* const value = find(key);
        if (value == nullptr) return {};
        if (!value->is_string()) throw Refused{fmt::format("\"{}\" is no text", key)};
        return plainText(std::string_view{value->get_string()});
    }

    /** A number, or a text that names something: "4711" and 4711 are the same host. */
    [[nodiscard]] std::string name(std::string_view key) const {
        const json::value* const value = find(key);
        if (value == nullptr || value->is_string()) return text(key);
        return std::to_string(number(key));
    }

    [[nodiscard]] std::int64_t number(std::string_view key) const {
        const json::value* const value = find(key);
        if (value == nullptr) return 0;
        if (value->is_int64()) return value->get_int64();
        if (value->is_uint64()) throw Refused{fmt::format("\"{}\" is too large", key)};
        throw Refused{fmt::format("\"{}\" is no whole number", key)};
    }

    [[nodiscard]] std::uint64_t count(std::string_view key) const {
        const json::value* const value = find(key);
        if (value != nullptr && value->is_uint64()) return value->get_uint64();
        const std::int64_t n = number(key);
        if (n < 0) throw Refused{fmt::format("\"{}\" is negative", key)};
        return static_cast<std::uint64_t>(n);
    }

    [[nodiscard]] std::uint32_t word(std::string_view key) const {
        const std::uint64_t n = count(key);
        if (n > std::numeric_limits<std::uint32_t>::max()) throw Refused{fmt::format("\"{}\" is too large", key)};
        return static_cast<std::uint32_t>(n);
    }

    /** A length of time: a span that reaches past the next century is damage, and would overflow sums. */
    [[nodiscard]] Nanoseconds length(std::string_view key) const {
        constexpr Nanoseconds most = std::numeric_limits<Nanoseconds>::max() / 4;
        const std::int64_t n = number(key);
        if (n < 0) throw Refused{fmt::format("\"{}\" is negative", key)};
        if (n > most) throw Refused{fmt::format("\"{}\" is too large", key)};
        return n;
    }

    [[nodiscard]] bool flag(std::string_view key) const {
        const json::value* const value = find(key);
        if (value == nullptr) return false;
        if (!value->is_bool()) throw Refused{fmt::format("\"{}\" is neither true nor false", key)};
        return value->get_bool();
    }

    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const {
        const json::value* const value = find(key);
        if (value == nullptr) return {};
        if (!value->is_array()) throw Refused{fmt::format("\"{}\" is no list", key)};
        std::vector<std::string> out;
        for (const auto& item : value->get_array()) {
            if (item.is_string()) {
                out.push_back(plainText(std::string_view{item.get_string()}));
            } else {
                out.push_back(json::serialize(item));
            }
        }
        return out;
    }

    [[nodiscard]] Time time() const {
        const std::string given = text("time");
        if (given.empty()) throw Refused{"it has no \"time\""};
        const auto parsed = parseUtc(given);
        if (!parsed) throw Refused{fmt::format("\"time\" is \"{}\", not like 2026-01-31T12:00:00.000Z", given)};
        return *parsed;
    }

private:
    [[nodiscard]] const json::value* find(std::string_view key) const {
        const json::value* const value = record_.if_contains(json::string_view{key.data(), key.size()});
        return value == nullptr || value->is_null() ? nullptr : value;
    }
    const json::object& record_;
};

CallEntry readCall(const Fields& fields) {
    CallEntry call;
    call.entryPoint = fields.text("entryPoint");
    if (call.entryPoint.empty()) throw Refused{"a call without \"entryPoint\""};
    call.host = fields.name("host");
    call.thread = fields.count("thread");
    call.start = fields.length("start");
    call.span = fields.length("span");
    call.budget = fields.length("budget");
    call.result = fields.number("result");
    call.control = fields.word("control");
    call.threw = fields.flag("threw");
    return call;
}

FlightEventEntry readFlightEvent(const Fields& fields) {
    FlightEventEntry event;
    event.event = fields.text("event");
    event.what = fields.text("what");
    event.text = fields.text("text");
    event.by = fields.text("by");
    event.thread = fields.count("thread");
    event.generation = fields.count("generation");
    event.start = fields.length("start");
    const bool isLength =
        event.event == "call" || event.event == "job" || event.event == "budget" || event.event == "stall";
    event.value = isLength ? fields.length("value") : fields.number("value");
    event.code = fields.number("code");
    event.ends = fields.text("phase") == "end" || (fields.text("phase").empty() && event.value > 0);
    return event;
}

/** Empty for kinds of records that the timeline does not draw. */
std::optional<Entry> readRecord(const json::object& record, Time previous) {
    const Fields fields{record};
    const std::string kind = fields.text("record");
    if (kind.empty()) throw Refused{"it has no \"record\" that says what it is"};
    Entry entry;
    if (kind == "call") {
        entry.what = readCall(fields);
    } else if (kind == "status") {
        entry.what = StatusEntry{fields.text("state"), fields.word("checkPoint"), fields.number("answer") == 1};
    } else if (kind == "state") {
        entry.what = StateEntry{fields.text("from"), fields.text("to"), fields.text("reason")};
    } else if (kind == "log") {
        entry.what = LogEntry{fields.text("level"), fields.text("operation"), fields.text("text"),
                              fields.text("source") == "agent"};
    } else if (kind == "signal") {
        entry.what = SignalEntry{};
    } else if (kind == "flight") {
        entry.what = FlightEntry{fields.text("reason"), fields.count("pid")};
    } else if (kind == "flightEvent") {
        try {  // what a dying process wrote last may be anything: the rest of the file counts all the more
            entry.what = readFlightEvent(fields);
            entry.time = fields.time();
        } catch (const Refused&) {
            return std::nullopt;
        }
    } else if (kind == "stack") {
        entry.what = StackEntry{fields.text("threadName"), fields.count("thread"), fields.texts("frames")};
        entry.time = fields.text("time").empty() ? previous : fields.time();  // taken when the file was written
        return entry;
    } else {
        return std::nullopt;
    }
    entry.time = fields.time();
    entry.resource = fields.text("resource");
    return entry;
}

std::string shortened(std::string_view line) {
    constexpr std::size_t most = 60;
    std::string out;
    for (const char c : line.substr(0, most)) {
        // Bytes that a terminal would obey, or a cut UTF-8 character would break, are not repeated.
        out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F ? '?' : c;
    }
    return line.size() > most ? out + "…" : out;
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

}  // namespace

std::optional<Time> parseUtc(std::string_view text) {
    using namespace std::chrono;
    // "YYYY-MM-DDTHH:MM:SS", then ".fraction", then "Z"
    constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd";
    if (text.size() < shape.size() + 1 || text.back() != 'Z') return std::nullopt;
    std::array<int, 6> parts{};
    std::size_t part = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] != 'd') {
            if (text[i] != shape[i]) return std::nullopt;
            ++part;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') return std::nullopt;
        parts[part] = parts[part] * 10 + (text[i] - '0');
    }
    std::int64_t fraction = 0;
    std::string_view rest = text.substr(shape.size(), text.size() - shape.size() - 1);
    if (!rest.empty()) {
        if (rest.front() != '.' || rest.size() < 2 || rest.size() > 10) return std::nullopt;
        rest.remove_prefix(1);
        for (std::size_t i = 0; i < 9; ++i) {
            const char c = i < rest.size() ? rest[i] : '0';
            if (c < '0' || c > '9') return std::nullopt;
            fraction = fraction * 10 + (c - '0');
        }
    }
    const year_month_day day{year{parts[0]}, month{static_cast<unsigned>(parts[1])},
                             std::chrono::day{static_cast<unsigned>(parts[2])}};
    if (!day.ok() || parts[0] < 1970 || parts[0] > 2200 || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) {
        return std::nullopt;
    }
    const auto whole = sys_days{day}.time_since_epoch() + hours{parts[3]} + minutes{parts[4]} + seconds{parts[5]};
    return duration_cast<nanoseconds>(whole).count() + fraction;
}

Trace readTrace(std::istream& in) {
    Trace trace;
    std::string line;
    std::size_t number = 0;
    std::size_t unknown = 0;
    while (std::getline(in, line)) {
        const bool ended = !in.eof();  // a line end came after it
        ++number;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.find_first_not_of(" \t") == std::string::npos) continue;
        boost::system::error_code bad;
        const json::value value = json::parse(line, bad);
        if (bad && !ended) {
            trace.notes.push_back(fmt::format("line {}, the last one, is torn and was left out", number));
            break;
        }
        if (bad || !value.is_object()) {
            throw TraceError{fmt::format("line {} is no JSON object{}: {}", number,
                                         bad ? " (" + bad.message() + ")" : std::string{}, shortened(line))};
        }
        try {
            auto entry = readRecord(value.get_object(), trace.entries.empty() ? 0 : trace.entries.back().time);
            if (entry) {
                trace.entries.push_back(std::move(*entry));
            } else {
                ++unknown;
            }
        } catch (const Refused& refused) {
            throw TraceError{
                fmt::format("line {} is no record of a trace: {}: {}", number, refused.what(), shortened(line))};
        }
    }
    if (in.bad()) throw TraceError{fmt::format("it could not be read after line {}", number)};
    if (trace.entries.empty()) {
        if (number == 0) throw TraceError{"it is empty: nothing was recorded"};
        throw TraceError{unknown == 0 ? "it has no record"
                                      : fmt::format("it has {} of kinds that the timeline does not draw, and no other",
                                                    counted(unknown, "record", "records"))};
    }
    if (unknown > 0) {
        trace.notes.push_back(
            fmt::format("{} of other kinds left out", counted(unknown, "record was", "records were")));
    }
    return trace;
}

}  // namespace holdfast::inline v1::timeline
