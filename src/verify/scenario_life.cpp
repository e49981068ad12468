// SPDX-License-Identifier: BSL-1.0
#include "verify/scenario_life.hpp"

#include "verify/reporter.hpp"

#include <holdfast/monitor/host.hpp>
#include <holdfast/monitor/record.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <optional>

namespace holdfast::inline v1::verify {
namespace {

namespace json = boost::json;
using std::chrono::nanoseconds;

constexpr std::size_t keptOutput = 600;
constexpr std::size_t longestRecord = 64UL * 1'024;

std::string textOf(const json::object& object, const char* key) {
    const auto* const value = object.if_contains(key);
    return value != nullptr && value->is_string() ? json::value_to<std::string>(*value) : std::string{};
}

template <typename Number>
Number numberOf(const json::object& object, const char* key) {
    const auto* const value = object.if_contains(key);
    return value != nullptr && value->is_number() ? value->to_number<Number>() : Number{};
}

std::optional<monitor::EntryPoint> entryPointOf(std::string_view call) {
    using monitor::EntryPoint;
    call = call.substr(0, call.find('('));
    if (call == "StartupEx") return EntryPoint::startup;
    for (const auto entry : {EntryPoint::startup, EntryPoint::open, EntryPoint::close, EntryPoint::online,
                             EntryPoint::offline, EntryPoint::terminate, EntryPoint::resourceControl,
                             EntryPoint::resourceTypeControl, EntryPoint::looksAlive, EntryPoint::isAlive}) {
        if (monitor::nameOf(entry) == call) return entry;
    }
    return std::nullopt;
}

}  // namespace

void ScenarioLife::take(std::string_view text) {
    buffer_ += text;
    for (;;) {
        const auto begin = buffer_.find(recordMark);
        const auto end = begin == std::string::npos ? begin : buffer_.find('\n', begin);
        const auto foreign = std::min(begin, buffer_.size());
        other_.append(buffer_, 0, foreign);
        if (other_.size() > 4 * keptOutput) other_.erase(0, other_.size() - keptOutput);
        if (end == std::string::npos) {
            buffer_.erase(0, foreign);
            if (buffer_.size() > longestRecord) {  // a mark of the library's own: no record is so long
                other_ += buffer_.substr(0, keptOutput);
                buffer_.clear();
            }
            return;
        }
        const std::string line = buffer_.substr(begin + 1, end - begin - 1);
        buffer_.erase(0, end + 1);
        record(line);
    }
}

void ScenarioLife::record(std::string_view text) {
    boost::system::error_code error;
    const json::value parsed = json::parse(text, error);
    if (error || !parsed.is_object()) {  // the library printed into the middle of it
        other_ += text;
        return;
    }
    const auto& object = parsed.as_object();
    const std::string kind = textOf(object, "k");
    if (kind == "enter" || kind == "leave" || kind == "judge" || kind == "blame" || kind == "done") ++steps_;
    if (kind == "judge") {
        if (const auto judgement = judgementOf(textOf(object, "as")))
            judged_.push_back({textOf(object, "rule"), *judgement, textOf(object, "text")});
    } else if (kind == "enter") {
        TimedCall call;
        call.call = textOf(object, "call");
        call.resource = textOf(object, "resource");
        call.thread = numberOf<std::uint64_t>(object, "thread");
        call.at = nanoseconds{numberOf<std::int64_t>(object, "at")};
        for (auto& [number, other] : open_) {
            other.beside = call.call;
            call.beside = other.call;
        }
        open_.emplace(numberOf<std::uint64_t>(object, "n"), std::move(call));
    } else if (kind == "leave") {
        const auto found = open_.find(numberOf<std::uint64_t>(object, "n"));
        if (found == open_.end()) return;
        TimedCall call = std::move(found->second);
        open_.erase(found);
        call.span = nanoseconds{numberOf<std::int64_t>(object, "span")};
        call.stalled = nanoseconds{numberOf<std::int64_t>(object, "stalled")};
        call.code = numberOf<std::uint32_t>(object, "code");
        call.budget = textOf(object, "budget");
        sawPending_ =
            sawPending_ || (call.code == abi::code::ioPending && (call.call == "Online" || call.call == "Offline"));
        if (const auto entry = entryPointOf(call.call)) {
            monitor::CallRecord record;
            record.entryPoint = *entry;
            record.thread = call.thread;
            record.start = std::chrono::steady_clock::time_point{
                std::chrono::duration_cast<std::chrono::steady_clock::duration>(call.at)};
            record.span = call.span;
            record.budget = monitor::budgetOf(*entry);
            record.code = call.code;
            trace_.push_back(monitor::toJson(monitor::Record{
                start_ + std::chrono::duration_cast<std::chrono::system_clock::duration>(call.at + call.span),
                call.resource, record}));
        }
        calls_.push_back(std::move(call));
    } else if (kind == "status") {
        monitor::StatusRecord status;
        status.status.report.state = static_cast<abi::ResourceState>(numberOf<std::int32_t>(object, "state"));
        status.status.report.checkPoint = numberOf<std::uint32_t>(object, "checkPoint");
        status.answer = static_cast<abi::ExitState>(numberOf<std::uint32_t>(object, "answer"));
        trace_.push_back(
            monitor::toJson(monitor::Record{start_ + std::chrono::duration_cast<std::chrono::system_clock::duration>(
                                                         nanoseconds{numberOf<std::int64_t>(object, "at")}),
                                            textOf(object, "resource"), status}));
    } else if (kind == "log") {
        monitor::LogRecord log;
        log.level = static_cast<LogLevel>(std::min<std::uint32_t>(numberOf<std::uint32_t>(object, "level"), 3));
        log.text = textOf(object, "text");
        log.fromAgent = true;
        trace_.push_back(
            monitor::toJson(monitor::Record{start_ + std::chrono::duration_cast<std::chrono::system_clock::duration>(
                                                         nanoseconds{numberOf<std::int64_t>(object, "at")}),
                                            textOf(object, "resource"), log}));
    } else if (kind == "blame") {
        blamed_ = textOf(object, "rule");
    } else if (kind == "note") {
        note_ = textOf(object, "text");
    } else if (kind == "done") {
        ended_ = true;
        broken_ = object.contains("broken") && object.at("broken").is_bool() && object.at("broken").as_bool();
    }
}

std::string ScenarioLife::running() const {
    std::string text;
    for (const auto& [number, call] : open_) {
        text += fmt::format("{}{}{}{} (thread {})", text.empty() ? "" : ", ", call.call,
                            call.resource.empty() ? "" : " of ", call.resource, call.thread);
    }
    return text;
}

std::string ScenarioLife::otherOutput() const {
    std::string text;
    for (const char c : other_.size() > keptOutput ? other_.substr(other_.size() - keptOutput) : other_) {
        if (c == '\n' && !text.empty()) text += " | ";
        if (static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F) text.push_back(c);
    }
    return text;
}

void ScenarioLife::writeTrace(std::ostream& out, std::string_view scenario) const {
    monitor::LogRecord heading;
    heading.text = fmt::format("scenario {}", scenario);
    out << monitor::toJson(monitor::Record{start_, {}, heading}) << '\n';
    for (const std::string& line : trace_) out << line << '\n';
}

}  // namespace holdfast::inline v1::verify
