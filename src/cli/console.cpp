// SPDX-License-Identifier: BSL-1.0
#include "cli/console.hpp"

#include <boost/json.hpp>

#include <iostream>
#include <string>
#include <utility>

namespace holdfast::inline v1::cli {

namespace json = boost::json;

void Console::line(std::string_view text) {
    const std::lock_guard lock{mutex_};
    if (sink_) return sink_(text);
    std::cout << text << '\n' << std::flush;
}

void Console::redirect(std::function<void(std::string_view)> sink) {
    const std::lock_guard lock{mutex_};
    sink_ = std::move(sink);
}

void Console::record(const monitor::Record& record) {
    if (json_) return line(monitor::toJson(record));
    if (const auto text = monitor::toLine(record); !text.empty()) line(text);
}

void Console::problem(const monitor::Problem& problem, bool isNote) {
    if (json_) {
        return line(json::serialize(json::object{{"record", isNote ? "note" : "problem"},
                                                 {"file", problem.where.file},
                                                 {"line", problem.where.line},
                                                 {"text", problem.text}}));
    }
    const std::lock_guard lock{mutex_};
    std::cerr << problem.toString() << (isNote ? " (accepted)" : "") << '\n';
}

void Console::say(std::string_view text) {
    if (json_) return line(json::serialize(json::object{{"record", "say"}, {"text", std::string{text}}}));
    line(text);
}

void Console::calls(const std::vector<monitor::CallSummary>& calls) {
    if (json_) return line("{\"record\":\"calls\",\"calls\":" + monitor::toJson(calls) + "}");
    if (!calls.empty()) line("\n" + monitor::toTable(calls));
}

void Console::ended(int exitCode) {
    if (json_) line(json::serialize(json::object{{"record", "end"}, {"exitCode", exitCode}}));
}

}  // namespace holdfast::inline v1::cli
