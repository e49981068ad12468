// SPDX-License-Identifier: BSL-1.0
// An agent for the cluster's scenarios: runs a program, and hangs in the member function for which there is a file in the folder
// Wedge, heeding nothing, for as long as the file is there: online, offline, terminate, looksalive, isalive.
#include <holdfast/process.hpp>
#include <holdfast/resource.hpp>

#include <csignal>
#include <thread>

namespace {
using namespace std::chrono_literals;
using holdfast::Check, holdfast::Operation, holdfast::Presence, holdfast::Process, holdfast::Verdict;

struct Settings {
    std::filesystem::path wedge;
};

const holdfast::ProcessSettings program = [] {
    holdfast::ProcessSettings settings;
    settings.program = "/bin/sleep";
    settings.arguments = {"86398"};
    settings.adoptable = true;
    return settings;
}();

class Stubborn final : public holdfast::Resource {
public:
    Stubborn(holdfast::Context& context, Settings settings) : context_{context}, settings_{std::move(settings)} {}

    Presence probe(Check&) override {
        process_ = Process::find(context_);
        return process_ ? Presence::running : Presence::notRunning;
    }

    bool adopt(Operation&) override { return process_->running() && process_->matches(program); }

    void online(Operation& op) override {
        hang("online");
        process_.reset();
        process_ = Process::start(context_, program, op);
    }

    void offline(Operation& op) override {
        hang("offline");
        if (process_) process_->stop(op, SIGTERM, 5s);
    }

    void terminate() noexcept override {
        hang("terminate");
        Process::end(context_);
    }

    Verdict looksAlive(Check&) override {
        hang("looksalive");
        return process_->running() ? Verdict::alive() : Verdict::failed(process_->exit()->text());
    }

    Verdict isAlive(Check& check) override {
        hang("isalive");
        return looksAlive(check);
    }

private:
    void hang(const char* where) const {
        for (std::error_code none; std::filesystem::exists(settings_.wedge / where, none);)
            std::this_thread::sleep_for(10ms);
    }

    holdfast::Context& context_;
    const Settings settings_;
    std::optional<Process> process_;
};

}  // namespace

HOLDFAST_AGENT(holdfast::ResourceType<Stubborn, Settings>{"Stubborn"}.property(
    "Wedge", &Settings::wedge, "Folder with a file for each member function that hangs"));
