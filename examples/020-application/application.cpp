// SPDX-License-Identifier: BSL-1.0
#include <holdfast/process.hpp>
#include <holdfast/resource.hpp>

#include <csignal>

namespace {
using namespace std::chrono_literals;
using holdfast::Check, holdfast::Error, holdfast::Operation, holdfast::Presence, holdfast::Process, holdfast::Verdict;
using enum holdfast::ErrorCode;

#ifdef _WIN32
enum class StopSignal { term = SIGTERM, intr = SIGINT, brk = SIGBREAK };
const auto stopSignals =
    holdfast::names({{StopSignal::term, "TERM"}, {StopSignal::intr, "INT"}, {StopSignal::brk, "BREAK"}});
#else
enum class StopSignal { term = SIGTERM, intr = SIGINT, quit = SIGQUIT, hup = SIGHUP, usr1 = SIGUSR1, usr2 = SIGUSR2 };
const auto stopSignals = holdfast::names({{StopSignal::term, "TERM"},
                                          {StopSignal::intr, "INT"},
                                          {StopSignal::quit, "QUIT"},
                                          {StopSignal::hup, "HUP"},
                                          {StopSignal::usr1, "USR1"},
                                          {StopSignal::usr2, "USR2"}});
#endif

struct Settings {
    std::string commandLine;
    std::filesystem::path program;
    std::vector<std::string> arguments, environment;
    std::filesystem::path workingDirectory{"/"};
    std::string user, group;
    std::uint64_t openFiles{0}, processes{0}, addressSpace{0}, coreSize{0};
    std::uint32_t outputBurst{200}, outputRate{20};
    StopSignal stopSignal{StopSignal::term};
    std::chrono::milliseconds stopPatience{10s}, startTime{100ms}, healthTimeout{5s};
    std::string healthCommand;
};

/** What to run, from either way to say it. */
holdfast::ProcessSettings toProcess(const Settings& settings) {
    holdfast::ProcessSettings process;
    auto words = holdfast::splitCommandLine(settings.commandLine);
    if (words.empty() == settings.program.empty()) throw Error{configuration, "set CommandLine, or Program"};
    if (words.empty()) {
        words = settings.arguments;
        words.insert(words.begin(), settings.program.string());
    } else if (!settings.arguments.empty()) {
        throw Error{configuration, "Arguments belong to Program; CommandLine has its own"};
    }
    process.program = words.front();
    process.arguments.assign(words.begin() + 1, words.end());
    for (const auto& entry : settings.environment) {
        const auto equals = entry.find('=');
        if (equals == 0 || equals == std::string::npos)
            throw Error{configuration, "Environment: NAME=value, not " + entry};
        process.environment[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    process.workingDirectory = settings.workingDirectory;
    process.user = settings.user;
    process.group = settings.group;
    const auto limit = [](std::uint64_t value) { return value == 0 ? std::nullopt : std::optional{value}; };
    process.limits.openFiles = limit(settings.openFiles);
    process.limits.processes = limit(settings.processes);
    process.limits.addressSpace = limit(settings.addressSpace);
    process.limits.coreSize = settings.coreSize;
    process.outputBurst = settings.outputBurst;
    process.outputRate = settings.outputRate;
    process.adoptable = true;
    return process;
}

class Application final : public holdfast::Resource {
public:
    Application(holdfast::Context& context, Settings settings) : context_{context}, settings_{std::move(settings)} {}

    // One that runs already, under a host that died: with the same settings it is kept, else it is ended and started anew.
    Presence probe(Check&) override {
        process_ = Process::find(context_);
        if (process_ && process_->exit()) context_.warning("while nobody watched: {}", process_->exit()->text());
        return process_ ? Presence::running : Presence::notRunning;
    }

    bool adopt(Operation&) override {
        if (!process_->running() || !process_->matches(toProcess(settings_))) return false;
        context_.info("took over pid {}", process_->pid());
        watch();
        return true;
    }

    void online(Operation& op) override {
        process_.reset();
        process_ = Process::start(context_, toProcess(settings_), op);
        op.checkpoint(fmt::format("pid {} runs", process_->pid()));
        const auto ended = [this] { return !process_->running(); };
        if (op.waitUntil(ended, settings_.startTime, 10ms)) {
            throw Error{settings_.commandLine + settings_.program.string() + " " + process_->exit()->text()};
        }
        // A command that says no may only be early: it has until the engine's patience ends, or the program does.
        for (auto health = checkHealth(op); !health; health = checkHealth(op)) {
            if (ended()) throw Error{process_->exit()->text() + "; " + health.reason()};
            op.checkpoint("not healthy yet: " + health.reason());
            op.sleepFor(250ms);
        }
        watch();
    }

    void offline(Operation& op) override {
        if (!process_) return;
        if (!process_->stop(op, static_cast<int>(settings_.stopSignal), settings_.stopPatience)) {
            context_.warning("killed: it did not obey its stop signal in {} ms", settings_.stopPatience.count());
        }
    }

    // Needs no object of an operation that may still run: the reaper is found by the resource's name.
    void terminate() noexcept override { Process::end(context_); }

    Verdict looksAlive(Check&) override {
        return process_->running() ? Verdict::alive() : Verdict::failed(process_->exit()->text());
    }

    Verdict isAlive(Check& check) override {
        const auto verdict = looksAlive(check);
        return verdict ? checkHealth(check) : verdict;
    }

private:
    void watch() {  // its end is known at once, not at the next check
        process_->onExit([this](const holdfast::ProcessExit& exit) { context_.reportFailure(exit.text()); });
    }

    Verdict checkHealth(holdfast::Stoppable& call) {
        auto words = holdfast::splitCommandLine(settings_.healthCommand);
        if (words.empty()) return Verdict::alive();
        auto command = toProcess(settings_);  // the same user, the same surroundings
        command.program = words.front();
        command.arguments.assign(words.begin() + 1, words.end());
        command.environment["PROGRAM_PID"] = std::to_string(process_->pid());
        const auto result = runCommand(context_, command, settings_.healthTimeout, call);
        return result.succeeded() ? Verdict::alive() : Verdict::failed("HealthCommand " + result.text());
    }

    holdfast::Context& context_;
    const Settings settings_;
    std::optional<Process> process_;  // last: its callback uses the others
};

}  // namespace

HOLDFAST_AGENT(
    holdfast::ResourceType<Application, Settings>{"Application"}
        .property("CommandLine", &Settings::commandLine,
                  "Program and arguments; quotes as in a shell, and no more of it")
        .property("Program", &Settings::program, "In place of CommandLine: the program")
        .property("Arguments", &Settings::arguments, "Of Program, one by one")
        .property("Environment", &Settings::environment, "NAME=value, added to the engine's")
        .property("WorkingDirectory", &Settings::workingDirectory, "Where it starts")
        .property("User", &Settings::user, "Name or number; default: the engine's")
        .property("Group", &Settings::group, "Name or number; default: the user's")
        .property("OpenFiles", &Settings::openFiles, "Most files open at a time; 0: as the engine")
        .property("Processes", &Settings::processes, "Most processes of its user; 0: as the engine")
        .property("AddressSpace", &Settings::addressSpace, "Most memory, in bytes, of each process; 0: as the engine")
        .property("CoreSize", &Settings::coreSize, "Largest core dump, in bytes")
        .property("OutputBurst", &Settings::outputBurst, "Lines of output logged at once")
        .property("OutputRate", &Settings::outputRate, "Lines per second after that; the rest is counted")
        .property("StopSignal", &Settings::stopSignal, stopSignals, "Asks it to end")
        .property("StopPatience", &Settings::stopPatience, holdfast::range(0ms, 1h), "Until it is killed")
        .property("StartTime", &Settings::startTime, holdfast::range(0ms, 1h), "It has to live so long to be online")
        .property("HealthCommand", &Settings::healthCommand, "Succeeds while it is healthy; is given PROGRAM_PID")
        .property("HealthTimeout", &Settings::healthTimeout, holdfast::range(10ms, 1h),
                  "Longest HealthCommand may take")
        .validate([](const Settings& settings) {
            static_cast<void>(toProcess(settings));  // each throws what is wrong
            static_cast<void>(holdfast::splitCommandLine(settings.healthCommand));
        }));
