// SPDX-License-Identifier: BSL-1.0
#include "cli/ctl_command.hpp"

#include "cli/control_client.hpp"
#include "cli/ctl_text.hpp"
#include "cli/ctl_watch.hpp"
#include "cli/find_monitor.hpp"
#include "cli/places.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>

namespace holdfast::inline v1::cli {

namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Kind = ClientError::Kind;

constexpr auto patience = 10s;
/** Set, get and reload wait for agents. */
constexpr auto agentPatience = 310s;
constexpr auto lookInterval = 100ms;
constexpr std::uint64_t lastingMs = 2'000;
constexpr double longestWait = 1e8;  // seconds; three years

void print(std::string_view text) { std::cout << text << std::flush; }
void printJson(const json::value& value) { print(json::serialize(value) + "\n"); }

std::string textOf(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

std::uint64_t numberOf(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (value == nullptr) return 0;
    if (value->is_uint64()) return value->get_uint64();
    return value->is_int64() ? static_cast<std::uint64_t>(value->get_int64()) : 0;
}

const json::object& objectOf(const json::value& value) {
    if (!value.is_object()) throw ClientError{Kind::lost, "the monitor's answer makes no sense"};
    return value.get_object();
}

/** The socket that was named, or the one monitor that can be found. */
std::filesystem::path findMonitor(const CtlOptions& options) {
    if (!options.control.empty()) return options.control;
    std::vector<std::filesystem::path> alive;
    for (const auto& path : controlCandidates()) {
        try {
            const ControlClient probe{path};
            alive.push_back(path);
        } catch (const ClientError&) {
            continue;  // left by a dead one
        }
    }
    if (alive.size() == 1) return alive.front();
    if (alive.empty()) {
        throw ClientError{Kind::noMonitor,
                          fmt::format("no monitor of yours runs (looked in {}); --control PATH names another",
                                      runDirectories().string())};
    }
    std::string text = "several monitors run; name one with --control:";
    for (const auto& path : alive) text += "\n  " + path.string();
    throw ClientError{Kind::noMonitor, text};
}

class Ctl {
public:
    Ctl(const CtlOptions& options, std::filesystem::path path)
        : options_{options}, path_{std::move(path)}, client_{path_} {
        client_.onEvent = [this](const json::object& record) {
            if (record.contains("to")) lastState_ = textOf(record, "to");
            if (options_.json)
                printJson(record);
            else
                print(recordText(record) + "\n");
        };
    }

    ExitCode run() {
        const std::string& verb = options_.verb;
        if (verb == "list") return list();
        if (verb == "show") return show();
        if (verb == "online" || verb == "offline") return want();
        if (verb == "fail") return fail();
        if (verb == "set") return set();
        if (verb == "get") return get();
        if (verb == "events") return events();
        if (verb == "top") return watch(client_, path_.string());
        if (verb == "metrics") return metrics();
        if (verb == "reload") return reload();
        if (verb == "stop") return stop();
        return ping();
    }

private:
    [[nodiscard]] json::value ask(json::object request, ControlClient::Ms time = patience) {
        return client_.ask(std::move(request), time);
    }
    [[nodiscard]] bool waits() const { return !options_.wait.empty(); }
    [[nodiscard]] Clock::time_point waitDeadline() const {
        const std::chrono::duration<double> wait{std::min(std::strtod(options_.wait.c_str(), nullptr), longestWait)};
        return Clock::now() + std::chrono::duration_cast<Clock::duration>(wait);
    }
    [[nodiscard]] json::object named(std::string_view verb) const {
        return {{"verb", verb}, {"resource", options_.resource}};
    }
    void say(const json::value& answer, std::string_view text) const {
        if (options_.json) return printJson(answer);
        print(fmt::format("{}\n", text));
    }

    ExitCode list() {
        const auto answer = ask({{"verb", "list"}});
        if (!options_.json) {
            print(listText(objectOf(answer)));
            return ExitCode::success;
        }
        const auto* resources = objectOf(answer).if_contains("resources");
        if (resources == nullptr || !resources->is_array()) return ExitCode::internal;
        for (const auto& resource : resources->get_array()) printJson(resource);
        return ExitCode::success;
    }

    ExitCode show() {
        const auto answer = ask(named("show"));
        if (options_.json)
            printJson(answer);
        else
            print(showText(objectOf(answer)));
        return ExitCode::success;
    }

    ExitCode want() {
        if (waits()) static_cast<void>(ask({{"verb", "events"}, {"resource", options_.resource}}));
        const auto before = ask(named(options_.verb));
        if (!waits()) {
            say(json::object{{"resource", options_.resource}, {"asked", options_.verb}},
                fmt::format("{}: asked to go {}", options_.resource, options_.verb));
            return ExitCode::success;
        }
        const auto deadline = waitDeadline();
        for (;;) {
            const auto answer = ask(named("show"));
            const auto& now = objectOf(answer);
            if (const auto result = reached(objectOf(before), now)) {
                showTheRest(objectOf(before), now);
                if (options_.json)
                    printJson(answer);
                else
                    print(fmt::format("{}: {}\n", options_.resource, verdict(now, *result)));
                return *result;
            }
            if (Clock::now() >= deadline) {
                throw ClientError{Kind::late, fmt::format("{} is still {} after {} s{}", options_.resource,
                                                          textOf(now, "external"), options_.wait, waitsFor(now))};
            }
            while (client_.listen(0ms)) {
            }
            static_cast<void>(client_.listen(lookInterval));
        }
    }

    /** An answer may overtake the events it comes from: those are on their way, and belong above it. */
    void showTheRest(const json::object& before, const json::object& now) {
        const auto state = textOf(now, "state");
        if (state == textOf(before, "state")) return;
        const auto deadline = Clock::now() + 5s;  // a moment, but for a machine that is very busy
        while (lastState_ != state && Clock::now() < deadline) static_cast<void>(client_.listen(lookInterval));
    }

    /** How it ended; nothing while it has not. */
    [[nodiscard]] std::optional<ExitCode> reached(const json::object& before, const json::object& now) const {
        const auto external = textOf(now, "external");
        const bool restarts = now.contains("restartIn");
        const bool dead = textOf(now, "state") == "Dead";
        // Its process is lost. Where there can be another one that lasts a moment only.
        if (dead && numberOf(now, "age") >= lastingMs) return ExitCode::failedResource;
        if (options_.verb == "offline") {
            if (external == "Offline") return ExitCode::success;
            return std::nullopt;  // from Failed it goes there at once
        }
        if (external == "Online") return ExitCode::success;
        const bool failedSince = numberOf(now, "failures") > numberOf(before, "failures");
        if (external == "Failed" && failedSince && !restarts && !dead) return ExitCode::failedResource;
        return std::nullopt;
    }

    [[nodiscard]] static std::string verdict(const json::object& now, ExitCode result) {
        const auto reason = textOf(now, "reason");
        if (result == ExitCode::success || reason.empty()) return textOf(now, "external");
        return fmt::format("{}: {}", textOf(now, "external"), reason);
    }

    /** What it depends on that is not online. */
    [[nodiscard]] std::string waitsFor(const json::object& now) {
        const auto* providers = now.if_contains("dependsOn");
        if (options_.verb != "online" || providers == nullptr || !providers->is_array()) return {};
        std::string out;
        for (const auto& name : providers->get_array()) {
            const auto answer = ask({{"verb", "show"}, {"resource", name}});
            const auto external = textOf(objectOf(answer), "external");
            if (external != "Online") out += fmt::format("; '{}' is {}", textOf(objectOf(answer), "name"), external);
        }
        return out;
    }

    ExitCode fail() {
        auto request = named("fail");
        if (!options_.reason.empty()) request["reason"] = options_.reason;
        static_cast<void>(ask(std::move(request)));
        say(json::object{{"resource", options_.resource}, {"asked", "fail"}},
            options_.resource + ": declared failed; its restart policy decides what follows");
        return ExitCode::success;
    }

    ExitCode set() {
        json::object properties;
        for (const auto& assignment : options_.assignments) {
            const auto equals = assignment.find('=');
            if (equals == std::string::npos || equals == 0) {
                std::cerr << "holdfast ctl: '" << assignment << "' is not PROPERTY=VALUE\n";
                return ExitCode::usage;
            }
            const std::string name = assignment.substr(0, equals);
            if (properties.contains(name)) {
                std::cerr << "holdfast ctl: '" << name << "' is given twice\n";
                return ExitCode::usage;
            }
            properties[name] = assignment.substr(equals + 1);
        }
        auto request = named("set");
        request["properties"] = std::move(properties);
        request["text"] = true;
        const auto answer = ask(std::move(request), agentPatience);
        const auto code = numberOf(objectOf(answer), "code");
        say(answer, code == 0 ? options_.resource + ": stored"
                              : fmt::format("{}: stored; used at the next Online ({})", options_.resource, code));
        return ExitCode::success;
    }

    ExitCode get() {
        const auto answer = ask(named("properties"), agentPatience);
        if (options_.json)
            printJson(answer);
        else
            print(propertiesText(objectOf(answer)));
        return ExitCode::success;
    }

    ExitCode events() {
        json::object request{{"verb", "events"}, {"history", options_.history}, {"calls", options_.calls}};
        if (!options_.resource.empty()) request["resource"] = options_.resource;
        static_cast<void>(ask(std::move(request)));
        for (;;) static_cast<void>(client_.listen(60s));
    }

    ExitCode metrics() {
        const auto answer = ask({{"verb", "metrics"}});
        if (options_.json)
            printJson(answer);
        else
            print(textOf(objectOf(answer), "text"));
        return ExitCode::success;
    }

    ExitCode reload() {
        static_cast<void>(ask({{"verb", "events"}}));  // what changes is said there
        const auto answer = ask({{"verb", "reload"}}, agentPatience);
        while (client_.listen(lookInterval)) {
        }
        say(answer, "reloaded");
        return ExitCode::success;
    }

    ExitCode stop() {
        const auto answer = ask({{"verb", "stop"}});
        say(answer, "stopping: every resource goes offline");
        if (!waits()) return ExitCode::success;
        const auto deadline = waitDeadline();
        try {
            while (Clock::now() < deadline) static_cast<void>(ask({{"verb", "ping"}})), client_.listen(lookInterval);
        } catch (const ClientError& error) {
            if (error.kind() != Kind::lost) throw;
            say(json::object{{"stopped", true}}, "stopped");
            return ExitCode::success;
        }
        throw ClientError{Kind::late, fmt::format("it still runs after {} s", options_.wait)};
    }

    ExitCode ping() {
        const auto answer = ask({{"verb", "ping"}});
        say(answer, fmt::format("{}, process {}, at {}", textOf(objectOf(answer), "program"),
                                numberOf(objectOf(answer), "process"), path_.string()));
        return ExitCode::success;
    }

    const CtlOptions& options_;
    const std::filesystem::path path_;
    ControlClient client_;
    std::string lastState_;  // of the last event that told one
};

ExitCode codeOf(const ClientError& error) {
    switch (error.kind()) {
        case Kind::noMonitor:
        case Kind::lost: return ExitCode::noMonitor;
        case Kind::late: return ExitCode::late;
        case Kind::refused: break;
    }
    return error.code() == "unknownResource" ? ExitCode::unknownResource : ExitCode::failedResource;
}

}  // namespace

ExitCode runCtl(const CtlOptions& options) {
    try {
        return Ctl{options, findMonitor(options)}.run();
    } catch (const ClientError& error) {
        const auto code = codeOf(error);
        if (options.json) {
            printJson(json::object{{"error", json::object{{"code", error.code()}, {"text", error.what()}}},
                                   {"exitCode", static_cast<int>(code)}});
        } else {
            std::cerr << "holdfast ctl: " << error.what() << '\n';
        }
        return code;
    }
}

}  // namespace holdfast::inline v1::cli
