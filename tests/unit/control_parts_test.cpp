// SPDX-License-Identifier: BSL-1.0
// The pure parts of the control socket: its lines, its numbers, and what carries records to it.
#include "monitor/call_statistics.hpp"
#include "monitor/control_protocol.hpp"
#include "monitor/metrics.hpp"
#include "monitor/private_properties.hpp"
#include "monitor/record_feed.hpp"

#include <boost/json.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cctype>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>

using namespace holdfast;
using namespace holdfast::monitor;
using namespace std::chrono_literals;

namespace {

ControlRequest accepted(std::string_view line) {
    auto parsed = parseRequest(line);
    INFO(line);
    REQUIRE(std::holds_alternative<ControlRequest>(parsed));
    return std::get<ControlRequest>(std::move(parsed));
}

ControlRefusal refused(std::string_view line) {
    auto parsed = parseRequest(line);
    INFO(line.substr(0, 100));
    REQUIRE(std::holds_alternative<ControlRefusal>(parsed));
    return std::get<ControlRefusal>(std::move(parsed));
}

/** One sample of the text format, read as strictly as its description allows. */
struct Sample {
    std::string name;
    std::map<std::string, std::string> labels;
    double value{0};
};

class Exposition {
public:
    explicit Exposition(const std::string& text) {
        if (text.empty() || text.back() != '\n') throw std::runtime_error{"the last line has no end"};
        std::istringstream lines{text};
        for (std::string line; std::getline(lines, line);) take(line);
    }
    std::vector<Sample> samples;
    std::map<std::string, std::string> types;

    [[nodiscard]] std::optional<double> value(const std::string& name,
                                              std::map<std::string, std::string> labels) const {
        for (const auto& sample : samples) {
            if (sample.name == name && sample.labels == labels) return sample.value;
        }
        return std::nullopt;
    }

private:
    void take(const std::string& line) {
        if (line.starts_with("# HELP ")) {
            const auto name = line.substr(7, line.find(' ', 7) - 7);
            if (!helped_.insert(name).second) throw std::runtime_error{"HELP twice: " + line};
            return;
        }
        if (line.starts_with("# TYPE ")) {
            const auto space = line.find(' ', 7);
            const auto name = line.substr(7, space - 7);
            const auto kind = line.substr(space + 1);
            if (kind != "gauge" && kind != "counter" && kind != "histogram") throw std::runtime_error{"type: " + line};
            if (!types.emplace(name, kind).second) throw std::runtime_error{"TYPE twice: " + line};
            family_ = name;
            return;
        }
        Sample sample;
        std::size_t at = 0;
        while (at < line.size() && (std::isalnum(static_cast<unsigned char>(line[at])) != 0 || line[at] == '_')) ++at;
        sample.name = line.substr(0, at);
        if (sample.name != family_ && sample.name != family_ + "_bucket" && sample.name != family_ + "_sum" &&
            sample.name != family_ + "_count")
            throw std::runtime_error{"not of the family above it: " + line};
        if (at < line.size() && line[at] == '{') at = labels(line, at + 1, sample);
        if (at >= line.size() || line[at] != ' ') throw std::runtime_error{"no value: " + line};
        std::size_t used = 0;
        sample.value = std::stod(line.substr(at + 1), &used);
        if (at + 1 + used != line.size()) throw std::runtime_error{"more behind the value: " + line};
        std::string key = sample.name;
        for (const auto& [name, text] : sample.labels) key += "\x01" + name + "\x02" + text;
        if (!seen_.insert(key).second) throw std::runtime_error{"the same sample twice: " + line};
        samples.push_back(std::move(sample));
    }
    static std::size_t labels(const std::string& line, std::size_t at, Sample& sample) {
        for (;;) {
            const auto equals = line.find("=\"", at);
            if (equals == std::string::npos) throw std::runtime_error{"label: " + line};
            const auto name = line.substr(at, equals - at);
            std::string text;
            for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
                if (line[at] != '\\') {
                    text.push_back(line[at]);
                    continue;
                }
                ++at;
                if (at >= line.size() || (line[at] != '\\' && line[at] != '"' && line[at] != 'n'))
                    throw std::runtime_error{"escape: " + line};
                text.push_back(line[at] == 'n' ? '\n' : line[at]);
            }
            if (!sample.labels.emplace(name, text).second) throw std::runtime_error{"label twice: " + line};
            ++at;
            if (at < line.size() && line[at] == '}') return at + 1;
            if (at >= line.size() || line[at] != ',') throw std::runtime_error{"labels: " + line};
            ++at;
        }
    }
    std::set<std::string> helped_;
    std::set<std::string> seen_;
    std::string family_;
};

ResourceSnapshot resource(const std::string& name, abi::ResourceState state) {
    ResourceSnapshot out;
    out.name = name;
    out.type = "Type";
    out.external = state;
    return out;
}

}  // namespace

TEST_CASE("requests: every verb with its fields") {
    CHECK(accepted(R"({"verb":"list"})").verb == ControlVerb::list);
    CHECK(accepted(R"({"verb":"ping","protocol":1})").verb == ControlVerb::ping);
    CHECK(accepted(R"( {"id":"a","verb":"online","resource":"r"} )").resource == "r");
    CHECK(accepted(R"({"verb":"fail","resource":"r","reason":"w"})").reason == "w");
    const auto events = accepted(R"({"verb":"events","history":5,"calls":true})");
    CHECK(events.history == 5);
    CHECK(events.calls);
    const auto set = accepted(R"({"verb":"set","resource":"r","properties":{"A":1,"B":"x","C":["y","z"],"D":true}})");
    REQUIRE(set.settings.size() == 4);
    CHECK(std::get<std::int64_t>(set.settings[0].value) == 1);
    CHECK(std::get<std::vector<std::string>>(set.settings[2].value).size() == 2);
    CHECK_FALSE(set.settings[1].typed);
    CHECK(accepted(R"({"verb":"set","resource":"r","text":true,"properties":{"A":"1"}})").settings[0].typed);
    for (const auto verb : {ControlVerb::show, ControlVerb::offline, ControlVerb::properties})
        CHECK(accepted(R"({"resource":"r","verb":")" + std::string{nameOf(verb)} + "\"}").verb == verb);
}

TEST_CASE("requests: what is wrong is said, and the id comes back") {
    CHECK(refused("").code == "malformed");
    CHECK(refused("{").code == "malformed");
    CHECK(refused(R"({"id":3,"verb":"show"})").id == boost::json::value(3));
    const auto misspelt = refused(R"({"verb":"onlin","resource":"r"})");
    CHECK(misspelt.code == "unknownVerb");
    CHECK(misspelt.suggestion == "online");
    CHECK(refused(R"({"verb":"list","resource":"r"})").text == "'list' takes no field 'resource'");
    CHECK(refused(R"({"verb":"show","resource":7})").text == "'resource' must be a string");
    CHECK(refused(R"({"verb":"set","resource":"r","properties":{"A":null}})").text.starts_with("property 'A'"));
    CHECK(refused(R"({"verb":"set","resource":"r","text":true,"properties":{"A":1}})").code == "malformed");
    CHECK(refused(R"({"verb":"ping","protocol":9})").code == "unsupportedProtocol");
    CHECK(refused(std::string(controlLineLimit + 1, ' ')).code == "tooLong");
    CHECK(refused("{\"verb\":\"\xC3\x28\"}").code == "malformed");
    CHECK(refused("{\"verb\":\"\\u001b[2J\"}").text == "there is no verb '?[2J'");  // nothing of it reaches a terminal
    std::string nested = "1";
    for (int i = 0; i < 9; ++i) nested = "[" + nested + "]";
    CHECK(refused(R"({"verb":)" + nested + "}").code == "malformed");
}

TEST_CASE("requests: random bytes and damaged requests are refused or understood, nothing else") {
    std::mt19937 random{20240229};
    const std::string good =
        R"({"id":12,"verb":"set","resource":"r","properties":{"A":["w","x"],"B":true},"text":false})";
    int understood = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string line = good;
        if (round % 4 == 0) line.resize(random() % 200);
        for (auto changes = random() % 4; changes > 0; --changes)
            if (!line.empty()) line[random() % line.size()] = static_cast<char>(random());
        const auto parsed = parseRequest(line);
        if (std::holds_alternative<ControlRequest>(parsed)) {
            ++understood;
            continue;
        }
        const auto text = refusalLine(std::get<ControlRefusal>(parsed));
        REQUIRE(text.find('\n') == text.size() - 1);
        REQUIRE_NOTHROW(boost::json::parse(text));
    }
    CHECK(understood > 0);
}

TEST_CASE("answers are one line each") {
    CHECK(greetingLine("holdfast 1", 7) == "{\"hello\":{\"protocol\":1,\"program\":\"holdfast 1\",\"process\":7}}\n");
    CHECK(answerLine("a", boost::json::object{{"x", "1\n2"}}) ==
          "{\"id\":\"a\",\"ok\":true,\"result\":{\"x\":\"1\\n2\"}}\n");
    ControlRefusal refusal;
    refusal.code = "refused";
    refusal.text = "no";
    refusal.win32 = 87;
    CHECK(refusalLine(refusal) ==
          "{\"id\":null,\"ok\":false,\"error\":{\"code\":\"refused\",\"text\":\"no\",\"win32\":87}}\n");
}

TEST_CASE("typed text becomes what the agent's format wants") {
    const std::optional<PropertyFormats> formats = PropertyFormats{{"Number", PropertyFormat::dword},
                                                                   {"Text", PropertyFormat::sz},
                                                                   {"List", PropertyFormat::multiSz},
                                                                   {"Signed", PropertyFormat::largeInteger}};
    const auto value = [&](const std::string& name, const std::string& text) {
        const auto out = encodeProperties({{name, text, {}, true}}, formats);
        INFO(name << "=" << text);
        return out.problems.empty() ? *out.bag.find(name) : PropertyValue{};
    };
    CHECK(value("Number", "8080") == PropertyValue::dword(8080));
    CHECK(value("Number", "5 s") == PropertyValue::dword(5000));
    CHECK(value("Number", "true") == PropertyValue::dword(1));
    CHECK(value("Number", "-1").absent());
    CHECK(value("Number", "many").absent());
    CHECK(value("Text", "8080") == PropertyValue::sz("8080"));
    CHECK(value("Text", "") == PropertyValue::sz(""));
    CHECK(value("List", "one, two") == PropertyValue::multiSz({"one, two"}));
    CHECK(value("List", R"(["one","two"])") == PropertyValue::multiSz({"one", "two"}));
    CHECK(value("Signed", "-7") == PropertyValue::largeInteger(-7));
    const auto guessed = encodeProperties({{"A", std::string{"7"}, {}, true}, {"B", std::string{"x"}, {}, true}}, {});
    CHECK(*guessed.bag.find("A") == PropertyValue::dword(7));
    CHECK(*guessed.bag.find("B") == PropertyValue::sz("x"));
}

TEST_CASE("histograms count exactly under each bound, the budgets among them") {
    CallStatistics statistics;
    const auto call = [&](EntryPoint entryPoint, std::chrono::nanoseconds span) {
        CallRecord record;
        record.entryPoint = entryPoint;
        record.span = span;
        record.budget = budgetOf(entryPoint);
        statistics.add("r", record);
    };
    for (const auto span : {0ns, 10'000ns, 10'001ns, 49'999'999ns, 50'000'000ns, 50'000'001ns, 400'000'000'000ns})
        call(EntryPoint::isAlive, span);
    const auto rows = statistics.histograms();
    REQUIRE(rows.size() == 1);
    const auto& row = rows.front();
    const auto atMost = [&](std::chrono::nanoseconds bound) {
        for (std::size_t i = 0; i < row.atMost.size(); ++i)
            if (CallHistogram::bounds[i] == bound) return row.atMost[i];
        return std::uint64_t{0};
    };
    CHECK(atMost(10us) == 2);
    CHECK(atMost(30us) == 3);
    CHECK(atMost(50ms) == 5);
    CHECK(atMost(100ms) == 6);
    CHECK(atMost(300s) == 6);
    CHECK(row.count == 7);
    CHECK(row.overBudget == 2);
    CHECK(row.sum == 400'150'020'001ns);
    for (const auto budget : {budgetOf(EntryPoint::isAlive), budgetOf(EntryPoint::online)})
        CHECK(std::count(CallHistogram::bounds.begin(), CallHistogram::bounds.end(),
                         std::chrono::nanoseconds{budget}) == 1);
}

TEST_CASE("metrics: the text format, read back strictly") {
    MetricsInput input;
    input.now = std::chrono::steady_clock::now();
    input.started = std::chrono::system_clock::time_point{1'700'000'000s};
    const std::string odd = "a\"b\\c\nd ü";
    input.resources = {resource(odd, abi::ResourceState::online), resource("p", abi::ResourceState::onlinePending),
                       resource("f", abi::ResourceState::failed), resource("u", abi::ResourceState::unknown)};
    input.resources[0].onlines = 3;
    input.resources[0].lastCheck = SeenCheck{EntryPoint::isAlive, true, input.now - 1500ms};
    input.resources[0].hostProcess = input.resources[1].hostProcess = 77;
    input.resources[1].since = input.now - 2s;
    input.resources[2].restartPending = true;
    input.resources[2].restartAt = input.now + 30s;
    input.resources[2].failures = 5;
    input.resources[2].restarts = 4;
    CallStatistics statistics;
    for (int i = 1; i <= 10; ++i) {
        CallRecord record;
        record.entryPoint = EntryPoint::online;
        record.span = std::chrono::milliseconds{i * 50};
        record.budget = 300ms;
        statistics.add("r", record);
    }
    input.calls = statistics.histograms();

    const Exposition read{metricsText(input)};
    const auto of = [&](const std::string& name, const std::string& resource) {
        return read.value("holdfast_resource_" + name, {{"resource", resource}, {"type", "Type"}});
    };
    const auto state = [&](const std::string& resource, const std::string& which) {
        return read.value("holdfast_resource_state", {{"resource", resource}, {"type", "Type"}, {"state", which}});
    };
    CHECK(read.value("holdfast_monitor_start_time_seconds", {}) == 1'700'000'000.0);
    CHECK(read.value("holdfast_monitor_hosts", {}) == 1.0);
    CHECK(state(odd, "Online") == 1.0);
    CHECK(state(odd, "Failed") == 0.0);
    CHECK(state("u", "other") == 1.0);
    CHECK(of("onlines_total", odd) == 3.0);
    CHECK(of("failures_total", "f") == 5.0);
    CHECK(of("restarts_total", "f") == 4.0);
    CHECK(of("pending_seconds", "p") == 2.0);
    CHECK(of("pending_seconds", "f") == 0.0);
    CHECK(of("last_check_age_seconds", odd) == 1.5);
    CHECK_FALSE(of("last_check_age_seconds", "f"));
    CHECK(of("restart_in_seconds", "f") == 30.0);
    const std::string call = "holdfast_call_duration_seconds";
    CHECK(read.types.at(call) == "histogram");
    CHECK(read.value(call + "_count", {{"entry_point", "Online"}}) == 10.0);
    CHECK(std::abs(*read.value(call + "_sum", {{"entry_point", "Online"}}) - 2.75) < 1e-9);
    CHECK(read.value(call + "_bucket", {{"entry_point", "Online"}, {"le", "0.3"}}) == 6.0);
    CHECK(read.value(call + "_bucket", {{"entry_point", "Online"}, {"le", "+Inf"}}) == 10.0);
    CHECK(read.value("holdfast_calls_over_budget_total", {{"entry_point", "Online"}}) == 4.0);
    double before = 0;
    for (const auto& sample : read.samples) {
        if (sample.name != call + "_bucket") continue;
        CHECK(sample.value >= before);  // cumulative
        before = sample.value;
    }
    for (const auto& one : input.resources) {  // exactly one state each
        double sum = 0;
        for (const auto& sample : read.samples)
            if (sample.name == "holdfast_resource_state" && sample.labels.at("resource") == one.name)
                sum += sample.value;
        CHECK(sum == 1.0);
    }
    CHECK_NOTHROW(Exposition{metricsText({})});
}

TEST_CASE("the feed keeps the last records, carries calls only if somebody wants them, and is bounded") {
    const auto log = [](int i) {
        return Record{{}, "r", LogRecord{LogLevel::information, {}, std::to_string(i), false}};
    };
    RecordFeed feed{3};
    for (int i = 0; i < 5; ++i) CHECK_FALSE(feed.put(log(i)));  // nobody to wake
    CHECK_FALSE(feed.put({{}, "r", CallRecord{}}));
    const auto missed = feed.follow(false, 2);
    REQUIRE(missed.size() == 2);
    CHECK(std::get<LogRecord>(missed[1]->what).text == "4");
    CHECK_FALSE(feed.put({{}, "r", CallRecord{}}));
    CHECK(feed.put(log(5)));
    CHECK_FALSE(feed.put(log(6)));  // it is awake
    CHECK(feed.take().records.size() == 2);
    CHECK(feed.follow(true, 0).empty());
    CHECK(feed.put({{}, "r", CallRecord{}}));
    for (std::size_t i = 0; i < 2 * RecordFeed::mostWaiting; ++i) static_cast<void>(feed.put(log(0)));
    const auto taken = feed.take();
    CHECK(taken.records.size() == RecordFeed::mostWaiting);
    CHECK(taken.lost == RecordFeed::mostWaiting + 1);
    feed.unfollow(true);
    feed.unfollow(false);
    CHECK_FALSE(feed.put(log(1)));
    CHECK(feed.take().records.empty());
}
