// SPDX-License-Identifier: BSL-1.0
// Runs `holdfast verify` on one agent of the wall and compares what it says with the row of agents.csv: that rule, that
// judgement, and nothing else.
//   bad_agents_judge HOLDFAST LIBRARY RESULTS [--seeds FIRST LAST]
// RESULTS gets AGENT.json, from which scripts/bad-agents-table.sh makes docs/bad-agents.md.
#include <holdfast/os/child.hpp>

#include "support/temporary_folder.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace json = boost::json;
using holdfast::tests::TemporaryFolder;

/** What is expected of an agent; the good one has no rule. */
struct Row {
    std::string agent, clause, rule, judgement, options;
};

std::optional<Row> rowOf(const std::string& agent) {
    if (agent == "goodAgent")
        return Row{agent, "", "", "", "--property Path=@FILE@ --break @BREAK@ --detect-limit 20"};
    std::ifstream file{AGENTS_FILE};
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields{line};
        Row row;
        for (auto* field : {&row.agent, &row.clause, &row.rule, &row.judgement, &row.options})
            std::getline(fields, *field, ',');
        if (row.agent == agent) return row;
    }
    return std::nullopt;
}

/** The options of a row, with places of their own in them. */
std::vector<std::string> argumentsOf(const Row& row, const TemporaryFolder& folder) {
    const std::string file = folder.file("served").string();
    std::istringstream words{row.options};
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) {
        if (word == "@BREAK@") word = "echo broken> " + file + ".fail";  // means the same to sh and to cmd
        if (const auto at = word.find("@FILE@"); at != std::string::npos) word.replace(at, 6, file);
        arguments.push_back(word);
    }
    return arguments;
}

struct Verdict {
    std::vector<std::string> wrong;
    json::value report;
};

Verdict judge(const Row& row, const std::string& holdfast, const std::string& library, int seed) {
    const TemporaryFolder folder;
    const std::string result = folder.file("result.json").string();
    holdfast::os::ChildOrder order;
    order.program = holdfast;
    order.arguments = {"verify", library, "--type", "Good Agent", "--seed", std::to_string(seed), "--quiet", "--json", result};
    for (auto& argument : argumentsOf(row, folder)) order.arguments.push_back(argument);
    // Whether it leaks is asked at length where that is the question, and once of the good one.
    if (!row.rule.starts_with("leak.") && (!row.rule.empty() || seed != 1)) {
        for (const auto* const word : {"--open-cycles", "100", "--online-cycles", "10"}) order.arguments.emplace_back(word);
    }
    order.timeout = std::chrono::minutes{9};
    std::string said;
    const auto outcome = holdfast::os::runChild(
        order, [&](std::string_view text) { said += text; }, [] { return false; });
    Verdict verdict;
    const int expected = row.judgement == "fail" ? 1 : 0;
    if (outcome.kind != holdfast::os::ChildOutcome::Kind::exited || outcome.code != expected)
        verdict.wrong.push_back(fmt::format("exit code {} expected, got: {}", expected, outcome.toString()));
    std::ifstream file{result};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (text.empty()) {
        verdict.wrong.push_back("no result; it said: " + said);
        return verdict;
    }
    verdict.report = json::parse(text);
    bool named = row.rule.empty();
    for (const auto& value : verdict.report.at("rules").as_array()) {
        const auto& rule = value.as_object();
        const std::string id{rule.at("id").as_string()};
        const std::string judgement{rule.at("judgement").as_string()};
        if (judgement != "fail" && judgement != "warning") continue;
        if (id == row.rule && judgement == row.judgement) {
            named = true;
            continue;
        }
        verdict.wrong.push_back(fmt::format("seed {}: {} {}: {}", seed, id, judgement, json::serialize(rule.at("evidence"))));
    }
    if (!named) verdict.wrong.push_back(fmt::format("seed {}: {} is not named", seed, row.rule));
    return verdict;
}

int run(const std::vector<std::string>& arguments) {
    if (arguments.size() != 3 && arguments.size() != 6) {
        fmt::print(stderr, "usage: bad_agents_judge HOLDFAST LIBRARY RESULTS [--seeds FIRST LAST]\n");
        return 2;
    }
    const std::string agent = std::filesystem::path{arguments[1]}.stem().string();
    const auto row = rowOf(agent);
    if (!row) {
        fmt::print(stderr, "{} is not in " AGENTS_FILE "\n", agent);
        return 2;
    }
    const int first = arguments.size() == 6 ? std::stoi(arguments[4]) : 1;
    const int last = arguments.size() == 6 ? std::stoi(arguments[5]) : 1;
    int code = 0;
    for (int seed = first; seed <= last; ++seed) {
        const auto verdict = judge(*row, arguments[0], arguments[1], seed);
        for (const auto& wrong : verdict.wrong) fmt::print("{}: {}\n", agent, wrong);
        if (!verdict.wrong.empty()) code = 1;
        std::filesystem::create_directories(arguments[2]);
        const auto name = row->rule.empty() ? fmt::format("{}-{}.json", agent, seed) : agent + ".json";
        std::ofstream{std::filesystem::path{arguments[2]} / name} << json::serialize(verdict.report) << '\n';
    }
    return code;
}

}  // namespace

int main(int count, char** arguments) {
    try {
        return run({arguments + 1, arguments + count});
    } catch (const std::exception& error) {
        fmt::print(stderr, "bad_agents_judge: {}\n", error.what());
        return 3;
    }
}
