// SPDX-License-Identifier: BSL-1.0
/// Any environment as that of an OCF agent (L-020 to L-025): the input is an action and `NAME=value` entries, each ended by a NUL.
/// Parameters become values of their property's format or are refused by name; the same bytes as a message between an action and
/// its resource's host are refused or survive being written.
#include "fuzz_target.hpp"

#include "ocf/invocation.hpp"
#include "ocf/message.hpp"
#include "ocf/parameters.hpp"
#include "ocf/text.hpp"

#include <holdfast/resource.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace holdfast;
using fuzz::promise;

namespace {

struct Settings {
    std::string path;
    bool fast{false};
    std::uint16_t port{5432};
    std::int64_t offset{0};
    std::uint64_t most{0};
    std::int32_t bias{0};
    std::chrono::milliseconds patience{5'000};
    std::vector<std::string> replicas;
    std::string password;
    std::string edition;
};

class Server final : public Resource {
public:
    Server(Context&, Settings) {}
    void online(Operation&) override {}
    void terminate() noexcept override {}
    Verdict isAlive(Check&) override { return Verdict::alive(); }
};

const AgentType& serverType() {
    static const AgentTypes types = agentTypes(std::move(ResourceType<Server, Settings>{"Fuzzed Server"}
                                                             .property("Path", &Settings::path, required)
                                                             .property("Fast", &Settings::fast)
                                                             .property("Port", &Settings::port, range(1, 65'535))
                                                             .property("Offset", &Settings::offset)
                                                             .property("Most", &Settings::most)
                                                             .property("Bias", &Settings::bias)
                                                             .property("Patience", &Settings::patience)
                                                             .property("Replicas", &Settings::replicas)
                                                             .property("Password", &Settings::password, secret)
                                                             .property("Edition", &Settings::edition, readOnly)));
    return *types.front();
}

void checkLine(const std::string& text) {
    const auto line = ocf::asciiLine(text);
    promise(line.size() <= 500, "L-111 what an engine is told is short");
    promise(std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7F; }),
            "L-112 what an engine is told is one line of printable ASCII");
}

void checkParameters(const ocf::Invocation& call) {
    try {
        const auto read = ocf::readParameters(serverType(), call.parameters);
        for (const auto& entry : read.values) {
            const auto& properties = serverType().properties();
            const auto found = std::find_if(properties.begin(), properties.end(),
                                            [&](const auto& property) { return property.name == entry.first; });
            promise(found != properties.end(), "L-021 a value has a property");
            promise(!entry.second.absent() && entry.second.format() == found->format,
                    "a value has its property's format");
            promise(!found->readOnly, "what is read-only is not set");
        }
        for (const auto& warning : read.warnings) checkLine(warning);
    } catch (const PropertyError& error) {
        promise(!error.property().empty() && !error.rule().empty(), "a refusal names the parameter and the rule");
        if (error.property() == "Password") promise(error.value().empty(), "a secret is not repeated");
        checkLine(error.what());
    }
}

void checkMessage(std::string_view body) {
    const auto message = ocf::Message::parse(body);
    if (!message) return;
    const std::string frame = message->frame();
    promise(frame.size() == sizeof(std::uint32_t) + body.size(), "a message is as long as what it was read from");
    promise(frame.substr(sizeof(std::uint32_t)) == body, "a message that is written is what was read");
    static_cast<void>(message->number("protocol"));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto rest = fuzz::textOf(data, size);
    checkMessage(rest);
    std::vector<std::string_view> words;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\0'), rest.size());
        words.push_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    std::vector<std::string> arguments;
    if (!words.empty()) arguments.emplace_back(words.front());
    const ocf::Environment environment{words.begin() + (words.empty() ? 0 : 1), words.end()};
    const auto call = ocf::readInvocation(arguments, environment);
    promise(call.action != "status", "L-062 status is monitor");
    promise(!call.instance.empty(), "a resource has a name");
    promise(call.timeout.count() >= 0 && call.interval.count() >= 0 && call.level >= 0, "L-024 no time is negative");
    promise(call.budget().count() >= 0, "L-077 a budget is not negative");
    promise(call.timeout.count() == 0 || call.budget() <= call.timeout, "L-077 a budget is within the time-out");
    promise(call.logFile.empty() || call.logFile.front() == '/', "a log file has a whole path");
    for (const auto& [name, value] : call.parameters)
        promise(!name.empty() && !value.empty() && !name.starts_with("CRM_meta_"), "L-022 L-023 a parameter is one");
    for (const auto& warning : call.warnings) checkLine(warning);
    if (!call.complaint.empty()) checkLine(call.complaint);
    checkParameters(call);
    return 0;
}
