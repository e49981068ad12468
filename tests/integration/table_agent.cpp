// SPDX-License-Identifier: BSL-1.0

/// A small agent library whose types misbehave as their properties say, for tests through the C table.

#include <holdfast/resource.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;
using holdfast::Check;
using holdfast::Context;
using holdfast::Operation;
using holdfast::Verdict;

struct Settings {
    std::string online{"quick"};     // quick, deaf, throws
    std::string check{"alive"};      // alive, hangs, fails
    std::string terminate{"quick"};  // quick, slow
    std::chrono::milliseconds deafFor{1'500};
    bool slowValidation{false};
};

class Misbehaving final : public holdfast::Resource {
public:
    Misbehaving(Context& context, Settings settings) : context_{context}, settings_{std::move(settings)} {}

    void online(Operation& operation) override {
        context_.info("coming online as \"{}\"", settings_.online);
        if (settings_.online == "deaf") std::this_thread::sleep_for(settings_.deafFor);
        if (settings_.online == "waits") operation.sleepFor(1h);
        if (settings_.online == "throws") throw std::runtime_error{"100% of %1!s! is gone"};
    }
    void terminate() noexcept override {
        if (settings_.terminate == "slow") std::this_thread::sleep_for(settings_.deafFor);
    }
    Verdict isAlive(Check&) override {
        if (settings_.check == "hangs") std::this_thread::sleep_for(settings_.deafFor);
        return settings_.check == "fails" ? Verdict::failed("as told") : Verdict::alive();
    }

private:
    Context& context_;
    Settings settings_;
};

class Other final : public holdfast::Resource {
public:
    Other(Context&, Settings) {}
    void online(Operation&) override {}
    void terminate() noexcept override {}
    Verdict isAlive(Check&) override { return Verdict::alive(); }
};

/** Hears nothing while it comes online, whatever its properties say. */
class Deaf final : public holdfast::Resource {
public:
    Deaf(Context&, Settings) {}
    void online(Operation&) override { std::this_thread::sleep_for(1'500ms); }
    void terminate() noexcept override {}
    Verdict isAlive(Check&) override { return Verdict::alive(); }
};

template <typename Type>
auto describe(const char* name) {
    return std::move(
        holdfast::ResourceType<Type, Settings>{name}
            .property("Online", &Settings::online, "what online() does")
            .property("Check", &Settings::check, "what isAlive() does")
            .property("Terminate", &Settings::terminate, "what terminate() does")
            .property("DeafFor", &Settings::deafFor, holdfast::range(1ms, 10s), "how long it hears nothing")
            .property("SlowValidation", &Settings::slowValidation, "whether the validator hangs")
            .validate([](const Settings& settings) {
                if (settings.slowValidation) std::this_thread::sleep_for(settings.deafFor);
            }));
}

}  // namespace

HOLDFAST_AGENT(describe<Misbehaving>("Misbehaving"), describe<Other>("Other Type"),
               describe<Other>("Quick Type").syncGrace(200ms), describe<Deaf>("Deaf Type"));
