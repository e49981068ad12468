// SPDX-License-Identifier: BSL-1.0
// Two relatives of examples/020-application, for what it does not do: a tree that is never adopted, and one whose end is noticed
// by the next check only.
#include <holdfast/process.hpp>
#include <holdfast/resource.hpp>

#include <csignal>

namespace {

using namespace std::chrono_literals;
using holdfast::Check, holdfast::Operation, holdfast::Process, holdfast::Verdict;

struct Settings {
    std::filesystem::path program;
    std::vector<std::string> arguments;
};

template <bool Instant>
class Fleeting final : public holdfast::Resource {
public:
    Fleeting(holdfast::Context& context, Settings settings) : context_{context}, settings_{std::move(settings)} {}

    void online(Operation& operation) override {
        holdfast::ProcessSettings process;
        process.program = settings_.program.string();
        process.arguments = settings_.arguments;
        process_.reset();
        process_ = Process::start(context_, process, operation);
        if constexpr (Instant) {
            process_->onExit([this](const holdfast::ProcessExit& exit) { context_.reportFailure(exit.text()); });
        }
    }
    void offline(Operation& operation) override {
        if (process_) static_cast<void>(process_->stop(operation, SIGTERM, 2s));
    }
    void terminate() noexcept override { Process::end(context_); }
    Verdict isAlive(Check&) override {
        return process_->running() ? Verdict::alive() : Verdict::failed(process_->exit()->text());
    }

private:
    holdfast::Context& context_;
    const Settings settings_;
    std::optional<Process> process_;  // last: its callback uses the others
};

template <typename Type>
auto describe(const char* name) {
    return holdfast::ResourceType<Type, Settings>{name}
        .property("Program", &Settings::program, holdfast::required, "What to run")
        .property("Arguments", &Settings::arguments, "Of Program, one by one");
}

}  // namespace

HOLDFAST_AGENT(describe<Fleeting<true>>("Fleeting"), describe<Fleeting<false>>("Polled"));
