// SPDX-License-Identifier: BSL-1.0
#include "cli/ctl_command.hpp"
#include "cli/describe_command.hpp"
#include "cli/exit_code.hpp"
#include "cli/host_setup.hpp"
#include "cli/places.hpp"
#include "cli/run_command.hpp"
#include "cli/timeline_command.hpp"
#include "cli/verify_command.hpp"

#include <holdfast/version.hpp>

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
    using namespace holdfast::cli;
    CLI::App app{"holdfast: keeps things running\n"};
    app.name("holdfast");
    app.allow_windows_style_options(false);  // "/srv/a.toml" is a file everywhere
    app.set_version_flag("--version", std::string{"holdfast "} + std::string{holdfast::version()});
    app.require_subcommand(1);
    app.footer(exitCodeHelp());

    RunOptions run;
    CLI::App* const runCommand = app.add_subcommand("run", "Run the Resource Monitor on the resources of a TOML file");
    runCommand->add_option("FILE", run.file, "what to run (TOML)")->required()->type_name("");
    runCommand
        ->add_option("--trace", run.trace, "write every call, report, state and log line to this file (JSON lines)")
        ->type_name("FILE");
    runCommand->add_flag("--json", run.json, "one JSON object per line instead of text");
    runCommand->add_flag("--check", run.check, "load the agents, validate the file and stop; starts nothing");
    runCommand->add_flag("--debug", run.debug,
                         "load the agents into this process, for a debugger: what hangs or crashes cannot be ended");
    runCommand
        ->add_option("--control", run.control,
                     "listen for 'holdfast ctl' at this socket; default: in the run directory")
        ->type_name("PATH");
    CLI::Option* const plain = runCommand->add_flag("--plain", run.plain, "lines, on a terminal too");
    runCommand->add_flag("--live", run.live, "a live view; the default on a terminal")->excludes(plain);
    runCommand->footer(
        "Ctrl-C or SIGTERM takes every resource offline, dependents first; a second one terminates\n"
        "what still runs, a third one leaves at once (each at least 250 ms after the one before).\n"
        "SIGHUP reads FILE again and changes what changed in it; if anything is wrong with it, nothing.\n" +
        exitCodeHelp());

    RunOptions check;
    check.check = true;
    CLI::App* const checkCommand =
        app.add_subcommand("check", "Load the agents and validate a TOML file; starts nothing (as run --check)");
    checkCommand->add_option("FILE", check.file, "what to check (TOML)")->required()->type_name("");
    checkCommand->add_flag("--json", check.json, "one JSON object per line instead of text");
    checkCommand->footer(exitCodeHelp());
    CtlOptions ctl;
    const CLI::App* const ctlCommand = addCtlCommand(app, ctl);
    DescribeOptions describe;
    const CLI::App* const describeCommand = addDescribeCommand(app, describe);
    VerifyOptions verify;
    const CLI::App* const verifyCommand = addVerifyCommand(app, verify);
    TimelineOptions timeline;
    const CLI::App* const timelineCommand = addTimelineCommand(app, timeline);

    try {
        const auto given = programArguments(argc, argv);
        // Not for people: what 'holdfast verify' starts once per scenario.
        if (given.size() == 3 && given[1] == scenarioVerb()) return runVerifyScenario(given[2]);
        std::vector<const char*> arguments;
        arguments.reserve(given.size());
        for (const auto& argument : given) arguments.push_back(argument.c_str());
        app.parse(static_cast<int>(arguments.size()), arguments.data());
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? 0 : static_cast<int>(ExitCode::usage);
    }
    try {
        if (timelineCommand->parsed()) return static_cast<int>(runTimeline(timeline));
        // Where hosts find the substitutes of a system's libraries, an agent in this process shall, too.
        if (const auto host = companionProgram("holdfast-host"); !host.empty()) findLibrariesIn(host.parent_path());
        if (describeCommand->parsed()) return static_cast<int>(runDescribe(describe));
        if (verifyCommand->parsed()) return static_cast<int>(runVerify(verify));
        if (ctlCommand->parsed()) return static_cast<int>(runCtl(ctl));
        return static_cast<int>(runMonitor(checkCommand->parsed() ? check : run));
    } catch (const std::exception& error) {
        std::cerr << "holdfast: " << error.what() << '\n';
        return static_cast<int>(ExitCode::internal);
    }
}
