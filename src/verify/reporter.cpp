// SPDX-License-Identifier: BSL-1.0
#include "verify/reporter.hpp"

#include "verify/process_view.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace holdfast::inline v1::verify {
namespace {

namespace json = boost::json;

constexpr int findingsPerRule = 4;
constexpr int mostLogLines = 200;
constexpr std::size_t longestText = 1'200;  // a record is written at once, so it stays well below a pipe's atomic 4,096

/** JSON takes UTF-8 only, and a library's text may be anything. */
std::string clean(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, longestText)) {
        const auto byte = static_cast<unsigned char>(c);
        out.push_back(byte < 0x20 || byte >= 0x7F ? '?' : c);
    }
    return out;
}

}  // namespace

void Reporter::line(const std::string& text) {
    std::string record{recordMark};
    record += text;
    record += '\n';
    write_(record);
}

void Reporter::judge(std::string_view rule, Judgement judgement, std::string_view evidence) {
    const std::lock_guard lock{mutex_};
    if (judgement == Judgement::failed) failed_.emplace(rule);
    auto& told = told_.emplace(std::string{rule} + std::to_string(static_cast<int>(judgement)), 0).first->second;
    if (++told > findingsPerRule) return;
    line(json::serialize(json::object{{"k", "judge"},
                                      {"rule", std::string{rule}},
                                      {"as", std::string{nameOf(judgement)}},
                                      {"text", clean(evidence)}}));
}

bool Reporter::failed(std::string_view rule) const {
    const std::lock_guard lock{mutex_};
    return failed_.contains(rule);
}

std::uint64_t Reporter::entered(std::string_view call, std::string_view resource) {
    const std::lock_guard lock{mutex_};
    const std::uint64_t number = ++lastNumber_;
    line(json::serialize(json::object{{"k", "enter"},
                                      {"n", number},
                                      {"call", clean(call)},
                                      {"resource", clean(resource)},
                                      {"thread", currentThread()},
                                      {"at", (std::chrono::steady_clock::now() - start_).count()}}));
    return number;
}

void Reporter::left(const Left& what) {
    const std::lock_guard lock{mutex_};
    json::object record{{"k", "leave"}, {"n", what.number}, {"span", what.span.count()}, {"code", what.code}};
    if (what.stalled.count() != 0) record["stalled"] = what.stalled.count();
    if (!what.budget.empty()) record["budget"] = std::string{what.budget};
    if (!what.also.empty()) record["also"] = clean(what.also);
    line(json::serialize(record));
}

void Reporter::status(std::string_view resource, std::int32_t state, abi::Dword checkPoint, abi::Dword answer) {
    const std::lock_guard lock{mutex_};
    line(json::serialize(json::object{{"k", "status"},
                                      {"resource", clean(resource)},
                                      {"state", state},
                                      {"checkPoint", checkPoint},
                                      {"answer", answer},
                                      {"at", (std::chrono::steady_clock::now() - start_).count()}}));
}

void Reporter::logged(std::string_view resource, abi::Dword level, std::string_view text) {
    const std::lock_guard lock{mutex_};
    if (++logLines_ > mostLogLines) return;
    line(json::serialize(json::object{{"k", "log"},
                                      {"resource", clean(resource)},
                                      {"level", level},
                                      {"text", clean(text)},
                                      {"at", (std::chrono::steady_clock::now() - start_).count()}}));
}

void Reporter::blame(std::string_view rule) {
    const std::lock_guard lock{mutex_};
    line(json::serialize(json::object{{"k", "blame"}, {"rule", std::string{rule}}}));
}

void Reporter::note(std::string_view text) {
    const std::lock_guard lock{mutex_};
    line(json::serialize(json::object{{"k", "note"}, {"text", clean(text)}}));
}

void Reporter::done(bool broken) {
    const std::lock_guard lock{mutex_};
    line(json::serialize(json::object{{"k", "done"}, {"broken", broken}}));
}

}  // namespace holdfast::inline v1::verify
