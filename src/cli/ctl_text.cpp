// SPDX-License-Identifier: BSL-1.0
#include "cli/ctl_text.hpp"

#include "cli/text.hpp"
#include "cli/view.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::cli {

namespace {

namespace json = boost::json;
using Row = std::vector<std::string>;

std::string text(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (value == nullptr || value->is_null()) return {};
    return sanitised(value->is_string() ? std::string{value->get_string()} : json::serialize(*value));
}

/** Columns as wide as their widest cell; the last one is left as it is. */
std::string table(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], cells(row[i]));
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i)
            line += i + 1 < row.size() ? padded(row[i], widths[i]) + "  " : row[i];
        while (line.ends_with(' ')) line.pop_back();
        out += line + "\n";
    }
    return out;
}

std::string note(const json::object& resource, const ViewRow& row) {
    std::string out;
    if (row.stepAge)
        out = fmt::format("{}, {} ago", row.step.empty() ? "nothing said yet" : row.step, shortAge(*row.stepAge));
    if (row.restartIn) out = "restart in " + shortAge(*row.restartIn);
    if (row.mood == ViewRow::Mood::bad && !row.reason.empty()) out += (out.empty() ? "" : ": ") + row.reason;
    if (out.empty() && text(resource, "wanted") == "offline") out = "asked to be offline";
    return sanitised(out);
}

std::time_t secondsOf(const std::tm& utc) {
    using namespace std::chrono;
    const sys_days day = year{utc.tm_year + 1900} / (utc.tm_mon + 1) / utc.tm_mday;
    return system_clock::to_time_t(day + hours{utc.tm_hour} + minutes{utc.tm_min} + seconds{utc.tm_sec});
}

/** The time of a record, which is in UTC, on this machine's clock. */
std::string clockTime(const std::string& utc) {
    std::tm parts{};
    int milliseconds = 0;
    // NOLINTNEXTLINE(cert-err34-c): the count says whether all could be read
    if (std::sscanf(utc.c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
                    &parts.tm_min, &parts.tm_sec, &milliseconds) != 7) {
        return "--:--:--.---";
    }
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return fmt::format("{:%H:%M:%S}.{:03}", fmt::localtime(secondsOf(parts)), milliseconds);
}

}  // namespace

std::string listText(const json::object& answer) {
    std::vector<Row> rows{{"RESOURCE", "TYPE", "STATE", "FOR", "CHECK", "ONLINES", "RESTARTS", "FAILURES", ""}};
    const auto* resources = answer.if_contains("resources");
    if (resources == nullptr || !resources->is_array()) return {};
    for (const auto& value : resources->get_array()) {
        if (!value.is_object()) continue;
        const auto& resource = value.get_object();
        const ViewRow row = rowOf(resource);
        rows.push_back({sanitised(row.name), text(resource, "type"), sanitised(row.state),
                        row.age ? shortAge(*row.age) : "-", row.checkAge ? shortAge(*row.checkAge) : "-",
                        std::to_string(row.onlines), std::to_string(row.restarts), std::to_string(row.failures),
                        note(resource, row)});
    }
    return table(rows);
}

std::string showText(const json::object& resource) {
    const ViewRow row = rowOf(resource);
    std::vector<Row> rows{{"name", sanitised(row.name)},
                          {"type", text(resource, "type")},
                          {"state", fmt::format("{} ({}){}", sanitised(row.state), text(resource, "state"),
                                                row.age ? " for " + shortAge(*row.age) : "")},
                          {"wanted", text(resource, "wanted")}};
    if (const auto* providers = resource.if_contains("dependsOn");
        providers != nullptr && providers->is_array() && !providers->get_array().empty()) {
        std::string names;
        for (const auto& name : providers->get_array()) {
            if (name.is_string()) names += (names.empty() ? "" : ", ") + sanitised(std::string{name.get_string()});
        }
        rows.push_back({"depends on", names});
    }
    if (row.stepAge)
        rows.push_back({"step", fmt::format("{}, {} ago", row.step.empty() ? "nothing said yet" : sanitised(row.step),
                                            shortAge(*row.stepAge))});
    if (row.checkAge) {
        const auto& check = resource.at("lastCheck").get_object();
        rows.push_back({"last check", fmt::format("{} {}, {} ago", text(check, "entryPoint"),
                                                  row.checkAlive ? "alive" : "not alive", shortAge(*row.checkAge))});
    }
    rows.push_back({"onlines", std::to_string(row.onlines)});
    rows.push_back({"restarts", std::to_string(row.restarts)});
    rows.push_back({"failures", std::to_string(row.failures)});
    if (row.restartIn) rows.push_back({"restart in", shortAge(*row.restartIn)});
    if (!row.reason.empty()) rows.push_back({"last failure", sanitised(row.reason)});
    if (row.worstBudget.count() > 0)
        rows.push_back({"worst call", fmt::format("{} {} of {}", sanitised(row.worstCall), shortSpan(row.worstSpan),
                                                  shortSpan(row.worstBudget))});
    rows.push_back({"host", row.host == 0 ? "the monitor itself" : fmt::format("process {}", row.host)});
    return table(rows);
}

std::string propertiesText(const json::object& answer) {
    std::vector<Row> rows;
    if (const auto* properties = answer.if_contains("properties"); properties != nullptr && properties->is_array()) {
        for (const auto& value : properties->get_array()) {
            if (!value.is_object()) continue;
            const auto& property = value.get_object();
            const bool shown = text(property, "shown") == "true";
            rows.push_back({text(property, "name"), shown ? text(property, "format") : "-",
                            shown ? text(property, "value") : "not shown",
                            fmt::format("{}{}", shown && text(property, "stored") == "false" ? "(default)" : "",
                                        text(property, "readOnly") == "true" ? "(read-only)" : "")});
        }
    }
    std::string out = table(rows);
    if (const auto why = text(answer, "why"); !why.empty()) out += why + "\n";
    return out;
}

std::string recordText(const json::object& record) {
    const auto kind = text(record, "record");
    std::string level = "info";
    std::string operation;
    std::string what;
    if (kind == "state") {
        level = "state";
        what = fmt::format("{} -> {}", text(record, "from"), text(record, "to"));
        if (const auto reason = text(record, "reason"); !reason.empty()) what += ": " + reason;
    } else if (kind == "log") {
        level = text(record, "level");
        operation = text(record, "operation");
        what = text(record, "text");
    } else if (kind == "signal") {
        what = "the agent signalled its event";
    } else if (kind == "call") {
        level = "call";
        operation = text(record, "entryPoint");
        const auto* span = record.if_contains("span");
        what = fmt::format(
            "took {}, answered {}",
            shortSpan(std::chrono::nanoseconds{span != nullptr && span->is_int64() ? span->get_int64() : 0}),
            text(record, "result"));
    } else if (kind == "status") {
        level = "status";
        what = fmt::format("{}, checkpoint {}", text(record, "state"), text(record, "checkPoint"));
    } else if (kind == "lost") {
        level = "warning";
        what = text(record, "count") + " events are missing here: there were too many at once";
    } else {
        what = sanitised(json::serialize(record));
    }
    auto who = text(record, "resource");
    if (who.empty()) who = "-";
    return fmt::format("{}  {:<16} {:<8} {:<15} {}", clockTime(text(record, "time")), who, level, operation, what);
}

}  // namespace holdfast::inline v1::cli
