// SPDX-License-Identifier: BSL-1.0
// An agent whose entity is a file in a folder, and which does what other files in that folder say. It writes down what it was told.
#include <holdfast/resource.hpp>

#include <sys/types.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#ifndef RESIDENT_HOST
#define RESIDENT_HOST true
#endif

namespace {
using namespace std::chrono_literals;
using holdfast::Check, holdfast::Operation, holdfast::Presence, holdfast::Verdict;
namespace fs = std::filesystem;

struct Settings {
    fs::path room;
    std::string word;
    std::string secret;
    std::int32_t number{5};
};

class Entity final : public holdfast::Resource {
public:
    Entity(holdfast::Context& context, Settings settings) : context_{context}, settings_{std::move(settings)} {}

    Presence probe(Check&) override {
        if (told("probe-unknown")) return Presence::unknown;
        if (told("probe-throws")) throw holdfast::Error{"probe: told to"};
        return told("running") ? Presence::running : Presence::notRunning;
    }
    bool adopt(Operation&) override {
        if (told("adopt-refuses")) return false;
        wrote("adopt");
        return true;
    }
    void online(Operation& operation) override {
        wrote("online");
        std::ofstream{path("word")} << settings_.word << "\n" << settings_.secret << "\n" << settings_.number << "\n";
        std::ofstream{path("running")} << ::getpid() << "\n";
        operation.checkpoint("half way");
        while (told("online-blocks")) operation.sleepFor(10ms);
        while (told("online-deaf")) std::this_thread::sleep_for(10ms);
        if (told("online-fails"))
            throw holdfast::Error{holdfast::ErrorCode::configuration, "no \xc3\xbcmlaut here <&\""};
        if (told("online-forks") && ::fork() == 0) {
            ::setsid();
            std::ofstream{path("forked")} << ::getpid() << "\n";
            ::execl("/bin/sleep", "sleep", "600", nullptr);
            ::_exit(127);
        }
    }
    void offline(Operation& operation) override {
        wrote("offline");
        while (told("offline-blocks")) operation.sleepFor(10ms);
        while (told("offline-deaf")) std::this_thread::sleep_for(10ms);
        if (told("offline-fails")) throw holdfast::Error{"offline: told to"};
        fs::remove(path("running"));
    }
    void terminate() noexcept override {
        wrote("terminate");
        while (told("terminate-blocks")) std::this_thread::sleep_for(10ms);
        std::error_code ignored;
        fs::remove(path("running"), ignored);
    }
    Verdict isAlive(Check& check) override {
        while (told("check-blocks")) check.sleepFor(10ms);
        if (told("crash")) ::abort();
        if (told("report")) context_.reportFailure("reported: \xe2\x82\xac");
        if (told("check-fails")) return Verdict::failed("check: told to");
        return told("running") ? Verdict::alive() : Verdict::failed("it is gone");
    }

private:
    [[nodiscard]] fs::path path(const char* name) const { return settings_.room / name; }
    [[nodiscard]] bool told(const char* name) const { return fs::exists(path(name)); }
    void wrote(const char* what) noexcept {
        try {
            std::ofstream{path("calls"), std::ios::app} << what << "\n";
        } catch (const std::exception&) {  // the test will miss it
        }
    }
    holdfast::Context& context_;
    const Settings settings_;
};

}  // namespace

HOLDFAST_AGENT(holdfast::ResourceType<Entity, Settings>{"Entity"}
                   .description("A file in a folder")
                   .checkInterval(50ms)
                   .residentHost(RESIDENT_HOST)
                   .property("Room", &Settings::room, holdfast::required, "The folder")
                   .property("Word", &Settings::word, holdfast::pattern("[^!]*"), "Any text")
                   .property("Secret", &Settings::secret, holdfast::secret, "Never shown")
                   .property("Number", &Settings::number, holdfast::range(0, 9), "A digit")
                   .validate([](const Settings& settings) {
                       if (settings.word == "slow") std::this_thread::sleep_for(5s);
                   }));
