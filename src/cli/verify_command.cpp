// SPDX-License-Identifier: BSL-1.0
#include "cli/verify_command.hpp"

#include "cli/described_library.hpp"
#include "cli/places.hpp"
#include "cli/signals.hpp"
#include "cli/terminal.hpp"
#include "verify/child.hpp"
#include "verify/report.hpp"
#include "verify/verifier.hpp"

#include <fmt/format.h>
#include <holdfast/abi/wide.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

namespace holdfast::inline v1::cli {
namespace {

using Seconds = std::chrono::duration<double>;

std::chrono::milliseconds milliseconds(double seconds) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Seconds{seconds});
}

std::optional<verify::Injection> injectionOf(const std::string& text) {
    static const std::array<std::pair<const char*, verify::Injection::Fault>, 4> faults{
        {{"hang", verify::Injection::Fault::hang},
         {"slow", verify::Injection::Fault::slow},
         {"throw", verify::Injection::Fault::fail},
         {"crash", verify::Injection::Fault::crash}}};
    const auto at = text.find('@');
    if (at == std::string::npos) return std::nullopt;
    static const std::array entries{"online",     "offline", "terminate", "isAlive",
                                    "looksAlive", "repair",  "probe",     "adopt"};
    const std::string entry = text.substr(at + 1);
    if (std::find(entries.begin(), entries.end(), entry) == entries.end()) return std::nullopt;
    for (const auto& [name, fault] : faults) {
        if (text.substr(0, at) == name) return verify::Injection{fault, entry};
    }
    return std::nullopt;
}

ExitCode refuse(ExitCode code, const std::string& text) {
    std::cerr << "holdfast: " << text << '\n';
    return code;
}

/** A pattern that means nothing is a mistake, not a rule that is kept. */
std::string unknownPattern(const std::vector<std::string>& patterns) {
    for (const std::string& pattern : patterns) {
        const auto all = verify::rules();
        if (std::none_of(all.begin(), all.end(),
                         [&](const verify::Rule& rule) { return verify::matches(pattern, rule); }))
            return pattern;
    }
    return {};
}

void forgetVariable(const char* name) {
#if defined(_WIN32)
    _putenv_s(name, "");
#else
    ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): no other thread runs yet
#endif
}

bool write(const std::string& file, const std::string& text) {
    if (file == "-") {
        std::cout << text << std::flush;
        return static_cast<bool>(std::cout);
    }
    std::ofstream out{std::filesystem::u8path(file), std::ios::binary | std::ios::trunc};
    out << text;
    out.close();
    return static_cast<bool>(out);
}

}  // namespace

CLI::App* addVerifyCommand(CLI::App& program, VerifyOptions& options) {
    CLI::App* const command = program.add_subcommand(
        "verify", "Drive a resource library as an engine would at its worst, and tell which rules it breaks");
    command->add_option("AGENT", options.agent, "the resource library (.dll, .so), made with holdfast or not")
        ->type_name("");
    command->add_option("--type", options.type, "its resource type; not needed if it is made with holdfast and has one")
        ->type_name("NAME");
    command
        ->add_option("--property", options.properties,
                     "a private property of the resource, NAME=VALUE; repeat for more")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    command
        ->add_option("--only", options.only,
                     "only these rules: an id, a group (pending), a clause (W-203), or a beginning (load.t*)")
        ->type_name("RULE")
        ->delimiter(',')
        ->allow_extra_args(false);  // AGENT may follow
    command->add_option("--skip", options.skip, "all but these rules")
        ->type_name("RULE")
        ->delimiter(',')
        ->allow_extra_args(false);  // AGENT may follow
    command->add_flag("--list", options.list, "list the rules with their clauses, and stop");
    command->add_option("--seed", options.seed, "of everything random; default: a new one, which is printed")
        ->type_name("NUMBER");
    command
        ->add_option(
            "--break", options.breakCommand,
            "a shell command that makes the online resource fail: then it is looked at whether that is noticed")
        ->type_name("COMMAND");
    command->add_option("--mend", options.mendCommand, "a shell command that undoes --break")->type_name("COMMAND");
    command
        ->add_option("--inject", options.inject,
                     "put a fault into a member of an agent made with holdfast: hang, slow, throw or crash @ online, "
                     "offline, terminate, isAlive, looksAlive, repair; repeat for more")
        ->type_name("FAULT@MEMBER")
        ->delimiter(',')
        ->allow_extra_args(false);  // AGENT may follow
    command->add_option("--call-limit", options.callLimit, "a call that takes longer hangs (default 5)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.5, 3'600.0));
    command
        ->add_option("--operation-limit", options.operationLimit,
                     "a pending operation that takes longer never ends (default 60)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.5, 86'400.0));
    command
        ->add_option("--pending-timeout", options.pendingTimeout,
                     "the engine's PendingTimeout: the longest gap between two reports (default 180)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.01, 86'400.0));
    command->add_option("--detect-limit", options.detectLimit, "a failure must be noticed in that time (default 60)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.1, 3'600.0));
    command
        ->add_option("--open-cycles", options.openCycles,
                     "how often Open and Close are repeated in search of leaks (default 1000)")
        ->type_name("NUMBER")
        ->check(CLI::Range(10, 1'000'000));
    command->add_option("--online-cycles", options.onlineCycles, "the same for Online and Offline (default 200)")
        ->type_name("NUMBER")
        ->check(CLI::Range(5, 100'000));
    command
        ->add_option("--json", options.json,
                     "write the result to this file as JSON (-: to the output, and nothing else)")
        ->type_name("FILE");
    command->add_option("--junit", options.junit, "write it as JUnit XML")->type_name("FILE");
    command->add_option("--trace", options.trace, "write every call and report, for 'holdfast timeline'")
        ->type_name("FILE");
    command->add_flag("-q,--quiet", options.quiet, "print what is wrong, and the summary");
    command->footer(
        "The library is loaded into a process of its own for each scenario, and that process is killed if a call does "
        "not\n"
        "return; this one never runs its code. The resource really comes online: give it properties it can use.\n"
        "A rule can pass, fail, be a warning, be not applicable, or stay unchecked because something else failed "
        "before.\n\n"
        "Exit codes:\n"
        "  0  no rule is broken (there may be warnings)\n"
        "  1  a rule is broken\n"
        "  2  wrong usage\n"
        "  3  the library or its properties were refused\n"
        "  5  holdfast itself failed, or was interrupted\n");
    return command;
}

ExitCode runVerify(const VerifyOptions& options) {
    if (options.list) {
        std::cout << verify::ruleList() << std::flush;
        return ExitCode::success;
    }
    if (options.agent.empty())
        return refuse(ExitCode::usage, "verify needs the resource library; see holdfast verify --help");
    for (const auto* const patterns : {&options.only, &options.skip}) {
        if (const auto unknown = unknownPattern(*patterns); !unknown.empty())
            return refuse(ExitCode::usage,
                          fmt::format("no rule is meant by '{}'; holdfast verify --list shows them all", unknown));
    }
    verify::Plan plan;
    std::error_code error;
    plan.library = std::filesystem::absolute(std::filesystem::u8path(options.agent), error);
    if (!std::filesystem::is_regular_file(plan.library, error))
        return refuse(ExitCode::configuration, fmt::format("{}: there is no such file", options.agent));
    plan.type = options.type;
    for (const std::string& text : {options.agent, options.type, options.breakCommand, options.mendCommand}) {
        if (abi::toUtf8(abi::toWide(text).c_str()) != text) return refuse(ExitCode::usage, "an argument is no UTF-8");
    }
    for (const std::string& text : options.properties) {
        if (abi::toUtf8(abi::toWide(text).c_str()) != text) return refuse(ExitCode::usage, "a --property is no UTF-8");
    }
    for (const std::string& text : options.properties) {
        const auto equals = text.find('=');
        if (equals == std::string::npos || equals == 0)
            return refuse(ExitCode::usage, fmt::format("--property wants NAME=VALUE, not '{}'", text));
        plan.properties.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    for (const std::string& text : options.inject) {
        const auto injection = injectionOf(text);
        if (!injection)
            return refuse(
                ExitCode::usage,
                fmt::format("--inject wants hang, slow, throw or crash @ a member such as isAlive, not '{}'", text));
        plan.injections.push_back(*injection);
    }
    if (plan.type.empty()) {
        const auto types = verify::typesOf(ownProgram(), plan.library);
        if (types.size() != 1) {
            std::string names;
            for (const std::string& name : types) names += fmt::format("\n  --type \"{}\"", name);
            return refuse(ExitCode::usage,
                          types.empty() ? std::string{"the library does not tell its types: name one with --type"}
                                        : "the library has more than one type; choose one:" + names);
        }
        plan.type = types.front();
    }
    plan.seed = options.seed ? *options.seed : std::random_device{}() % 1'000'000;
    plan.callLimit = milliseconds(options.callLimit);
    plan.operationLimit = milliseconds(options.operationLimit);
    plan.pendingTimeout = milliseconds(options.pendingTimeout);
    plan.detectLimit = milliseconds(options.detectLimit);
    plan.breakCommand = options.breakCommand;
    plan.mendCommand = options.mendCommand;
    plan.openCycles = options.openCycles;
    plan.onlineCycles = options.onlineCycles;

    const bool bare = options.json == "-";
    verify::Choice choice;
    const EndSignals interrupted;
    bool wasInterrupted = false;
    choice.cancelled = [&] {
        return wasInterrupted = wasInterrupted || interrupted.came(std::chrono::milliseconds{0});
    };
    choice.only = options.only;
    choice.skip = options.skip;
    std::ofstream trace;
    if (!options.trace.empty()) {
        trace.open(std::filesystem::u8path(options.trace), std::ios::binary | std::ios::trunc);
        if (!trace) return refuse(ExitCode::internal, "cannot write " + options.trace);
        choice.trace = &trace;
    }
    if (!bare)
        std::cout << fmt::format("holdfast verify {} --type \"{}\" --seed {}\n", options.agent, plan.type, plan.seed)
                  << std::flush;
    const bool progress = !bare && !options.quiet && terminalTraits().terminal;
    if (progress) {
        choice.begins = [](std::string_view scenario, std::size_t number, std::size_t of) {
            std::cout << fmt::format("\r\x1b[K[{}/{}] {}", number, of, scenario) << std::flush;
        };
    }
    verify::Report report;
    try {
        report = verify::verify(ownProgram(), plan, choice);
    } catch (const std::runtime_error& failure) {
        if (progress) std::cout << "\r\x1b[K";
        return refuse(wasInterrupted ? ExitCode::internal : ExitCode::configuration, failure.what());
    }
    if (progress) std::cout << "\r\x1b[K";
    if (!bare) std::cout << verify::toText(report, options.quiet) << std::flush;
    if (!options.json.empty() && !write(options.json, verify::toJson(report)))
        return refuse(ExitCode::internal, "cannot write " + options.json);
    if (!options.junit.empty() && !write(options.junit, verify::toJunit(report)))
        return refuse(ExitCode::internal, "cannot write " + options.junit);
    if (choice.trace != nullptr && !trace.flush()) return refuse(ExitCode::internal, "cannot write " + options.trace);
    return report.worst() == verify::Judgement::failed ? ExitCode::failedResource : ExitCode::success;
}

const char* scenarioVerb() { return verify::scenarioVerb; }

int runVerifyScenario(const std::string& scenario) {
    const char* const plan =
        std::getenv(verify::planVariable);  // NOLINT(concurrency-mt-unsafe): no other thread runs yet
    if (plan == nullptr) {
        std::cerr << "holdfast: this verb is for 'holdfast verify' alone\n";
        return static_cast<int>(ExitCode::usage);
    }
    verify::Plan read;
    try {
        read = verify::Plan::fromJson(plan);
    } catch (const std::exception& error) {
        std::cerr << "holdfast: " << error.what() << '\n';
        return static_cast<int>(ExitCode::configuration);
    }
    // Properties may be secrets, and what the library starts inherits the environment.
    forgetVariable(verify::planVariable);
    return verify::runScenario(scenario, read);
}

}  // namespace holdfast::inline v1::cli
