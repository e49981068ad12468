// SPDX-License-Identifier: BSL-1.0
// Runs `holdfast verify` on one agent of the wall and compares what it says with the row of agents.csv: that rule, that
// judgement, and nothing else.
//   bad_agents_judge HOLDFAST LIBRARY RESULTS [--seeds FIRST LAST]
// RESULTS gets AGENT.json, of which the table in docs/bad-agents.md is made:
//   bad_agents_judge --table LINUX-RESULTS WINDOWS-RESULTS
#include <holdfast/os/child.hpp>

#include "support/temporary_folder.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

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
    std::string agent, clause, rule, judgement, options, what;
};

std::vector<Row> allRows() {
    std::vector<Row> rows;
    std::ifstream file{AGENTS_FILE};
    std::string line;
    std::getline(file, line);  // the names of the columns
    while (std::getline(file, line)) {
        std::istringstream fields{line};
        Row row;
        for (auto* field : {&row.agent, &row.clause, &row.rule, &row.judgement, &row.options, &row.what})
            std::getline(fields, *field, ',');
        rows.push_back(std::move(row));
    }
    return rows;
}

std::optional<Row> rowOf(const std::string& agent) {
    if (agent == "goodAgent")
        return Row{agent, "", "", "", "--property Path=@FILE@ --break @BREAK@ --detect-limit 20", ""};
    for (auto& row : allRows()) {
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
    order.arguments = {"verify",  library,  "--type", "Good Agent", "--seed", std::to_string(seed),
                       "--quiet", "--json", result};
    for (auto& argument : argumentsOf(row, folder)) order.arguments.push_back(argument);
    // Whether it leaks is asked at length where that is the question, and once of the good one.
    if (!row.rule.starts_with("leak.") && (!row.rule.empty() || seed != 1)) {
        for (const auto* const word : {"--open-cycles", "100", "--online-cycles", "10"})
            order.arguments.emplace_back(word);
    }
#if defined(_WIN32)
    // Under Wine a process takes half a second to start: a bad one is judged by the rules of its rule's group. By all of
    // them it is judged on Linux.
    if (!row.rule.empty()) {
        order.arguments.emplace_back("--only");
        order.arguments.push_back(row.rule.substr(0, row.rule.find('.')));
    }
#endif
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
        // One late call among many is the machine's as often as the library's, which is why it is a warning only.
        if (judgement == "warning" && id.starts_with("budget.")) continue;
        verdict.wrong.push_back(
            fmt::format("seed {}: {} {}: {}", seed, id, judgement, json::serialize(rule.at("evidence"))));
    }
    if (!named) verdict.wrong.push_back(fmt::format("seed {}: {} is not named", seed, row.rule));
    return verdict;
}

/** What was named in a result: rules that failed, and warnings marked as such. */
std::string named(const std::string& folder, const std::string& name) {
    std::ifstream file{std::filesystem::path{folder} / (name + ".json")};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (text.empty()) return "not run";
    const json::value report = json::parse(text);
    if (!report.is_object()) return "no result";
    std::string names;
    for (const auto& rule : report.at("rules").as_array()) {
        const std::string judgement{rule.at("judgement").as_string()};
        if (judgement != "fail" && judgement != "warning") continue;
        names += fmt::format("{}{}{}", names.empty() ? "" : ", ", std::string{rule.at("id").as_string()},
                             judgement == "fail" ? "" : " (warning)");
    }
    return names.empty() ? "nothing" : names;
}

/** `caught`, or what was named instead. */
std::string verdictOf(const Row& row, const std::string& folder) {
    const std::string names = named(folder, row.agent);
    return names == row.rule ? "caught" : names;
}

void writeTable(const std::string& posix, const std::string& windows) {
    fmt::print("| agent | what it does | clause | rule | Linux | DLL under Wine |\n|---|---|---|---|---|---|\n");
    for (const auto& row : allRows())
        fmt::print("| {} | {} | {} | {} | {} | {} |\n", row.agent, row.what, row.clause, row.rule,
                   verdictOf(row, posix), verdictOf(row, windows));
}

int run(const std::vector<std::string>& arguments) {
    if (arguments.size() == 3 && arguments[0] == "--table") return writeTable(arguments[1], arguments[2]), 0;
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
