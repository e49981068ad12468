// SPDX-License-Identifier: BSL-1.0

/// An agent with holdfast inside that hangs where it is told to, after a checkpoint that says so.

#include <holdfast/resource.hpp>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

// By name in a stack: exported, and not inlined away.
#if defined(_WIN32)
#define SEEN extern "C" __declspec(dllexport) __attribute__((noinline))
#else
#define SEEN extern "C" __attribute__((visibility("default"), noinline))
#endif

SEEN void waitForWhatNeverComes() {
    for (volatile bool never = false; !never;) std::this_thread::sleep_for(std::chrono::milliseconds{50});
}

namespace {

using holdfast::Check;
using holdfast::Context;
using holdfast::Operation;
using holdfast::Verdict;

struct Settings {
    std::string script;
};

class Hanging final : public holdfast::Resource {
public:
    Hanging(Context&, Settings settings) : script_{std::move(settings.script)} {}
    void online(Operation& operation) override {
        operation.checkpoint("the step before the last");
        if (script_ == "hang") {
            operation.checkpoint("waiting for what never comes");
            waitForWhatNeverComes();
        }
        if (script_ == "pend") {
            operation.checkpoint("half of it is done");
            operation.sleepFor(std::chrono::hours{1});
        }
        if (script_ == "abort") {
            operation.checkpoint("about to give up");
            std::abort();
        }
    }
    void terminate() noexcept override {
        if (script_ == "hang") waitForWhatNeverComes();
    }
    Verdict isAlive(Check&) override { return Verdict::alive(); }

private:
    const std::string script_;
};

}  // namespace

HOLDFAST_AGENT(holdfast::ResourceType<Hanging, Settings>{"Hanging"}.property("Script", &Settings::script,
                                                                             std::string{}));
