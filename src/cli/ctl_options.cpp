// SPDX-License-Identifier: BSL-1.0
// What `holdfast ctl` understands on its command line.
#include "cli/ctl_command.hpp"

#include <CLI/CLI.hpp>

namespace holdfast::inline v1::cli {

namespace {

class Verbs {
public:
    Verbs(CLI::App& ctl, CtlOptions& options) : ctl_{ctl}, options_{options} {}

    CLI::App* add(const std::string& name, const std::string& help) {
        CLI::App* const verb = ctl_.add_subcommand(name, help);
        verb->fallthrough();  // --json and --control may stand behind the verb
        verb->callback([&options = options_, name] { options.verb = name; });
        return verb;
    }
    CLI::App* addForResource(const std::string& name, const std::string& help) {
        CLI::App* const verb = add(name, help);
        verb->add_option("NAME", options_.resource, "the resource")->required()->type_name("");
        return verb;
    }

private:
    CLI::App& ctl_;
    CtlOptions& options_;
};

}  // namespace

CLI::App* addCtlCommand(CLI::App& program, CtlOptions& options) {
    CLI::App* const ctl = program.add_subcommand("ctl", "Ask a running Resource Monitor, or tell it what to do");
    ctl->require_subcommand(1);
    ctl->add_option("--control", options.control, "the monitor's socket, if more than one runs")->type_name("PATH");
    ctl->add_flag("--json", options.json, "one JSON object per line instead of text");

    Verbs verbs{*ctl, options};
    verbs.add("list", "every resource and its state");
    verbs.addForResource("show", "all about one resource");
    for (const char* name : {"online", "offline"}) {
        CLI::App* const verb = verbs.addForResource(
            name, std::string{"bring a resource "} + name +
                      (std::string{name} == "online" ? "" : "; it stays so until asked otherwise"));
        verb->add_flag("--wait{300}", options.wait,
                       "wait until it is done and show how it goes; --wait=SECONDS: at most so long")
            ->check(CLI::NonNegativeNumber);
    }
    verbs.addForResource("fail", "declare an online resource failed: it is restarted by policy")
        ->add_option("--reason", options.reason, "why, for the log")
        ->type_name("TEXT");
    CLI::App* const set = verbs.addForResource("set", "set private properties; the agent validates them");
    set->add_option("PROPERTY=VALUE", options.assignments, "the agent's formats decide how the values are read")
        ->required()
        ->type_name("");
    verbs.addForResource("get", "the private properties the agent shows");
    CLI::App* const events = verbs.add("events", "follow what happens, until Ctrl-C");
    events->add_option("NAME", options.resource, "of this resource only")->type_name("");
    events->add_flag("--calls", options.calls, "calls and status reports too");
    events->add_option("--history", options.history, "begin with the last N that happened before")
        ->type_name("N")
        ->check(CLI::Range(0, 1'000));
    CLI::App* const top = verbs.add("top", "a live view, until Ctrl-C");
    top->alias("watch");
    verbs.add("metrics", "numbers for Prometheus, text format 0.0.4");
    verbs.add("reload", "read the configuration again and change what changed");
    verbs.add("stop", "take every resource offline and end the monitor; a second one terminates what still runs")
        ->add_flag("--wait{300}", options.wait, "wait until the monitor has ended; --wait=SECONDS: at most so long")
        ->check(CLI::NonNegativeNumber);
    verbs.add("ping", "whether a monitor runs, and which");
    ctl->footer(ctlExitCodeHelp());
    return ctl;
}

}  // namespace holdfast::inline v1::cli
