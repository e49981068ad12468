// SPDX-License-Identifier: BSL-1.0
#include "guard.hpp"
#include "process/proc.hpp"
#include "service.hpp"
#include "setup.hpp"

#include <holdfast/version.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace holdfast::reaper;
namespace process = holdfast::process;

constexpr int usageError = 2;
constexpr int heldByAnother = 3;
constexpr int cannotRun = 5;

constexpr const char* help =
    R"(holdfast-reaper: owns processes, so that none is orphaned and none runs twice

The agent library and the Resource Monitor start it; a person seldom does.

Usage:
  holdfast-reaper tree --directory DIR --resource NAME [--adopt-timeout MS] [--cgroup DIR] [--detach]
      Owns the processes of one resource, started on request of a client at a socket in DIR. If the client goes, an
      adoptable tree is kept for the next one until the timeout; every other tree is killed, and proved dead.
      --directory DIR      run directory, mode 0700
      --resource NAME      whose tree
      --adopt-timeout MS   default: HOLDFAST_ADOPT_TIMEOUT, else 30000
      --cgroup DIR         control group (version 2) to put the tree's own group in; "none": use none;
                           default: HOLDFAST_CGROUP, else this process's own group if that can be done
      --detach             go into the background; "ready" is printed first
      --connection FD      instead of DIR and NAME: serve this socket only, and end with it
      Ends on SIGTERM, when the tree is proved dead.

  holdfast-reaper guard [--lifeline FD] [--report FD] [--patience MS] [--marker NAME=VALUE] [--adopt-timeout MS]
                        -- PROGRAM ARGUMENT...
      Runs PROGRAM. When it ends, kills everything that it left behind but resources' reapers and their trees.
      --lifeline FD        at its end of file PROGRAM has to end, within the patience (default 5000 ms), or is killed
      --report FD          lines are written to it: "started PID", "exited N" or "killed N", "proved"
      --marker NAME=VALUE  a variable for PROGRAM's environment
      Ends as PROGRAM did: with its exit status, or by the same signal. SIGTERM kills PROGRAM.

  holdfast-reaper --help | --version

Exit status of tree: 0 ended, 2 wrong usage, 3 the resource has a reaper already, 5 cannot run.
)";

int complain(const std::string& what, int code) {
    std::fprintf(stderr, "holdfast-reaper: %s\n", what.c_str());
    if (code == usageError) std::fprintf(stderr, "Try: holdfast-reaper --help\n");
    return code;
}

/** The options of a mode, each with a value, in the order given. */
class Arguments {
public:
    Arguments(int count, char** words) : words_{words + 2, words + count} {}

    [[nodiscard]] bool next() { return at_ < words_.size() && words_[at_] != "--"; }
    std::string_view name() { return words_[at_++]; }
    std::string value() {
        if (at_ >= words_.size()) throw std::string{"option " + words_[at_ - 1] + " needs a value"};
        return words_[at_++];
    }
    long number(long most) {
        const std::string option = words_[at_ - 1];
        const std::string text = value();
        char* end = nullptr;
        errno = 0;
        const long result = std::strtol(text.c_str(), &end, 10);
        if (text.empty() || *end != '\0' || errno != 0 || result < 0 || result > most) {
            throw "option " + option + ": \"" + text + "\" is no number from 0 to " + std::to_string(most);
        }
        return result;
    }
    std::vector<std::string> rest() {
        if (at_ < words_.size()) ++at_;  // --
        return {words_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, words_.size())), words_.end()};
    }

private:
    std::vector<std::string> words_;
    std::size_t at_{0};
};

constexpr long mostMs = 7L * 24 * 3600 * 1000;

std::int64_t adoptTimeoutFromEnvironment() {
    const char* const text = std::getenv("HOLDFAST_ADOPT_TIMEOUT");
    if (text == nullptr) return 30'000;
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    return *text != '\0' && *end == '\0' && value >= 0 && value <= mostMs ? value : 30'000;
}

int serve(const TreeOptions& options, const process::Names* names, process::Fd listener) {
    const process::Fd signals = becomeSubreaper();
    if (!signals) return complain(std::string{"signalfd: "} + process::errorText(errno), cannotRun);
    Service service{options, names, std::move(listener)};
    if (options.connection >= 0) service.accept(process::Fd{options.connection});
    if (names != nullptr) {
        std::printf("ready\n");
        std::fflush(stdout);
    }
    if (options.detach) leaveStandard(options.connection == 0 ? 1 : 0, 2);
    service.run(signals);
    return 0;
}

int runTree(Arguments arguments) {
    TreeOptions options;
    options.adoptTimeout = adoptTimeoutFromEnvironment();
    if (const char* group = std::getenv("HOLDFAST_CGROUP")) options.cgroup = group;
    while (arguments.next()) {
        const std::string_view name = arguments.name();
        if (name == "--directory") {
            options.directory = arguments.value();
        } else if (name == "--resource") {
            options.resource = arguments.value();
        } else if (name == "--cgroup") {
            options.cgroup = arguments.value();
        } else if (name == "--adopt-timeout") {
            options.adoptTimeout = arguments.number(mostMs);
        } else if (name == "--connection") {
            options.connection = static_cast<int>(arguments.number(1 << 20));
        } else if (name == "--detach") {
            options.detach = true;
        } else {
            return complain("unknown option " + std::string{name}, usageError);
        }
    }
    if (options.connection >= 0) {
        if (!options.directory.empty()) return complain("--connection serves no run directory", usageError);
    } else if (options.directory.empty() || options.resource.empty()) {
        return complain("tree needs --directory and --resource", usageError);
    }
    if (options.detach) {
        const pid_t child = ::fork();
        if (child < 0) return complain(std::string{"fork: "} + process::errorText(errno), cannotRun);
        if (child > 0) ::_exit(0);
        ::setsid();
        closeOthers({options.connection});
        static_cast<void>(::chdir("/") == 0);
    }
    if (options.connection >= 0) return serve(options, nullptr, {});

    const std::string wrong = process::prepareDirectory(options.directory);
    if (!wrong.empty()) return complain(wrong, cannotRun);
    const process::Names names{process::canonical(options.directory), options.resource};
    if (const std::string complaint = names.complaint(); !complaint.empty()) return complain(complaint, cannotRun);
    std::string complaint;
    const process::Fd lock = takeLock(names.lock, complaint);
    if (!lock) {
        if (!complaint.empty()) return complain(complaint, cannotRun);
        return complain("the reaper of \"" + names.resource + "\" runs already", heldByAnother);
    }
    process::Fd listener = listenAt(names.socket, complaint);
    if (!listener) return complain(complaint, cannotRun);
    const int code = serve(options, &names, std::move(listener));
    ::unlink(names.socket.c_str());
    ::unlink(names.lock.c_str());  // while it is held: see takeLock
    return code;
}

int runGuard(Arguments arguments) {
    GuardOptions options;
    options.adoptTimeout = adoptTimeoutFromEnvironment();
    while (arguments.next()) {
        const std::string_view name = arguments.name();
        if (name == "--lifeline") {
            options.lifeline = static_cast<int>(arguments.number(1 << 20));
        } else if (name == "--report") {
            options.report = static_cast<int>(arguments.number(1 << 20));
        } else if (name == "--patience") {
            options.patience = arguments.number(mostMs);
        } else if (name == "--adopt-timeout") {
            options.adoptTimeout = arguments.number(mostMs);
        } else if (name == "--marker") {
            options.marker = arguments.value();
            if (options.marker.find('=') == std::string::npos) return complain("--marker needs NAME=VALUE", usageError);
        } else {
            return complain("unknown option " + std::string{name}, usageError);
        }
    }
    options.command = arguments.rest();
    if (options.command.empty()) return complain("guard needs -- and a program", usageError);
    return Guard{options}.run();
}

}  // namespace

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOLDFAST_REAPER_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HOLDFAST_REAPER_ASAN
#endif
#if defined(HOLDFAST_REAPER_ASAN)
// LeakSanitizer looks at exit from a child that it makes for that: for a process that owns all its children, one too many, and
// now and then it never ends. Not an option's default, which whoever runs the tests would overrule.
extern "C" __attribute__((visibility("default"))) int __lsan_is_turned_off();  // NOLINT: its name
int __lsan_is_turned_off() { return 1; }                                       // NOLINT
#endif

int main(int argc, char** argv) {
    const std::string_view mode = argc > 1 ? argv[1] : "";
    try {
        if (mode == "--help" || mode == "-h") {
            std::fputs(help, stdout);
            return 0;
        }
        if (mode == "--version") {
            std::printf("holdfast-reaper %s\n", std::string{holdfast::version()}.c_str());
            return 0;
        }
        if (mode == "tree") return runTree(Arguments{argc, argv});
        if (mode == "guard") return runGuard(Arguments{argc, argv});
        return complain(mode.empty() ? "what to do? tree or guard" : "unknown mode " + std::string{mode}, usageError);
    } catch (const std::string& wrong) {
        return complain(wrong, usageError);
    } catch (const std::exception& error) {
        return complain(error.what(), cannotRun);
    }
}
