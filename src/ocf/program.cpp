// SPDX-License-Identifier: BSL-1.0

#include <holdfast/adapters/ocf.hpp>

#include "code.hpp"
#include "deadline.hpp"
#include "host.hpp"
#include "invocation.hpp"
#include "parameters.hpp"
#include "text.hpp"

#include <holdfast/abi/error_table.hpp>
#include <holdfast/adapters/ocf_metadata.hpp>
#include <holdfast/version.hpp>

#include <fmt/format.h>

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace holdfast::inline v1::ocf {
namespace {

constexpr std::string_view helpText =
    "{0}: {2}\n\n"
    "An OCF resource agent for Pacemaker (ocf:{1}:{0}), also to be run by hand as root:\n\n"
    "  {0} start         brings the resource online; a resident host process keeps watching it\n"
    "  {0} stop          takes it offline, by force if it must be\n"
    "  {0} monitor       exit code 0: runs and is healthy, 7: is stopped, 1: failed\n"
    "  {0} reload-agent  applies changed values of the parameters that are marked * below\n"
    "  {0} validate-all  checks the parameters; with OCF_CHECK_LEVEL=10 also what of this machine they refer to\n"
    "  {0} meta-data     the description as XML\n\n"
    "Parameters come as environment variables OCF_RESKEY_<name>; OCF_RESOURCE_INSTANCE names the resource (default: "
    "default).\n\n";

std::shared_ptr<const AgentType> typeOf(const ProgramFacts& facts, std::string& wrong) {
    const AgentTypes& types = holdfastAgentTypes();
    for (const auto& type : types) {
        if (facts.typeName == nullptr || type->name() == facts.typeName) return type;
    }
    wrong = facts.typeName == nullptr ? "the library has no resource type"
                                      : fmt::format("the library has no resource type \"{}\"", facts.typeName);
    return nullptr;
}

int say(Code code, const std::string& reason) {
    if (!reason.empty()) std::fprintf(stderr, "ocf-exit-reason:%s\n", asciiLine(reason).c_str());
    return static_cast<int>(code);
}

int help(const ProgramFacts& facts, const AgentType& type) {
    const std::string about = type.description().empty() ? type.name() : type.description();
    std::string text = fmt::format(fmt::runtime(helpText), facts.facts.name, facts.facts.provider, about);
    for (const auto& property : type.properties()) {
        if (property.readOnly) continue;
        std::string more = property.required              ? "required"
                           : property.defaultText.empty() ? ""
                                                          : "default " + property.defaultText;
        if (!property.range.empty()) more += (more.empty() ? "" : "; ") + property.range;
        text += fmt::format("  {:<22}{} {}{}\n", property.name, property.framework ? "*" : " ", property.description,
                            more.empty() ? "" : " (" + more + ")");
    }
    text += fmt::format("  {:<22}* how Pacemaker learns of a failure: monitor, notify or off (default monitor)\n",
                        instantFailureName);
    std::fputs(text.c_str(), stdout);
    return 0;
}

int metadata(const ProgramFacts& facts, const AgentType& type) {
    const std::string text = adapters::ocfMetadata(adapters::ocfMetadataOf(type, facts.facts.name, facts.version));
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0 ? 0 : 1;
}

/** L-063: level 0 the parameters alone, 10 also what they refer to. The author's validators run beside a deadline. */
int validate(const std::shared_ptr<const AgentType>& type, const Invocation& call) {
    if (!call.complaint.empty()) return say(Code::generic, call.complaint);
    const auto check = [type, parameters = call.parameters, deep = call.level >= 10]() -> std::pair<Code, std::string> {
        Code wrong = Code::configured;
        try {
            const auto read = readParameters(*type, parameters);
            for (const auto& warning : read.warnings) std::fprintf(stderr, "WARNING: %s\n", asciiLine(warning).c_str());
            type->validate(read.values);
            if (!deep) return {Code::success, {}};
            wrong = Code::arguments;  // what this node lacks
            NowhereContext context{type->name()};
            static_cast<void>(type->build(context, read.values));
            return {Code::success, {}};
        } catch (const Error& error) {
            const auto code = static_cast<Code>(abi::errorRow(error.code()).ocf);
            return {code == Code::configured || code == Code::generic ? wrong : code, error.what()};
        } catch (const std::exception& error) {
            return {wrong, error.what()};
        }
    };
    const auto result = withinDeadline(check, call.budget());
    if (!result) {
        const int code = say(Code::generic, "the agent's validation did not end in time");
        std::fflush(nullptr);
        std::_Exit(code);  // its thread must not meet our destructors
    }
    return say(result->first, result->second);
}

int resident(const ProgramFacts& facts, const std::shared_ptr<const AgentType>& type, const char* instance) {
    // L-136: nothing of who called is kept; the rest was seen to when this process was started.
    if (::chdir("/") != 0) return 1;
    ::umask(0022);
    // Not SIG_IGN, which what an agent executes would inherit; a handler it does not.
    struct sigaction nothing {};
    nothing.sa_handler = [](int) {};
    nothing.sa_flags = SA_RESTART;
    ::sigaction(SIGPIPE, &nothing, nullptr);
    Host host{type, facts.facts.name, instance};
    const int status = host.run(process::Fd{orderDescriptor});
    std::_Exit(status);  // threads of the agent must not meet our destructors
}

}  // namespace

int runProgram(const ProgramFacts& facts, int argc, char** argv) {
    const std::vector<std::string> arguments{argv + (argc > 0 ? 1 : 0), argv + argc};
    const std::string action = arguments.empty() ? std::string{} : arguments.front();
    if (action == "--version") {
        std::printf("%s %s (holdfast %s)\n", facts.facts.name, facts.version, std::string{version()}.c_str());
        return 0;
    }
    std::shared_ptr<const AgentType> type;
    std::string wrong;
    try {
        type = typeOf(facts, wrong);
    } catch (const std::exception& error) {  // what its author got wrong
        wrong = error.what();
    }
    if (action == residentArgument) {
        if (type == nullptr || arguments.size() != 2) return 1;
        return resident(facts, type, arguments[1].c_str());
    }
    for (const char* const own : {"meta-data", "validate-all", "usage", "help", "--help", "-h", "methods"}) {
        if (action != own) continue;
        if (type == nullptr) return say(Code::generic, "the agent is not well-formed: " + wrong);
        if (action == "meta-data") return metadata(facts, *type);
        if (action == "methods")
            return std::puts("start\nstop\nmonitor\nreload-agent\nvalidate-all\nmeta-data") < 0 ? 1 : 0;
        if (action != "validate-all") return help(facts, *type);
        return validate(type, readInvocation(arguments, environmentFrom(environ)));
    }
    return runAction(facts.facts, arguments);
}

}  // namespace holdfast::inline v1::ocf
