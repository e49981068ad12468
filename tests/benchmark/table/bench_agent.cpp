// SPDX-License-Identifier: BSL-1.0
/// The agent that is measured: what an author would write with holdfast, with a user's code that does next to nothing.
#include "conduct.hpp"

#include <holdfast/process.hpp>
#include <holdfast/resource.hpp>

#include <dlfcn.h>

#include <optional>
#include <thread>

namespace {

using namespace std::chrono_literals;
using bench::Conduct;
using holdfast::Check, holdfast::Context, holdfast::Operation, holdfast::Process, holdfast::Verdict;

const bench::Stage& stage() {
    static const bench::Stage* const one =
        reinterpret_cast<bench::StageFunction>(::dlsym(RTLD_DEFAULT, bench::stageFunction))();
    return *one;
}

struct Settings {};

class Measured final : public holdfast::Resource {
public:
    Measured(Context& context, Settings /*settings*/)
        : context_{context}, conduct_{bench::conductOf(context.resourceName())} {}

    void online(Operation& operation) override {
        if (conduct_ == Conduct::onlineBlocks) stage().waitAtDoor();
        if (conduct_ == Conduct::onlineWaits) operation.sleepFor(1h);
        if (conduct_ != Conduct::process) return;
        holdfast::ProcessSettings settings;
        settings.program = bench::victim;
        settings.arguments = {bench::victimArgument};
        process_.reset();
        process_ = Process::start(context_, settings, operation);
        process_->onExit([this](const holdfast::ProcessExit& exit) { context_.reportFailure(exit.text()); });
        stage().started(process_->pid());
    }
    void terminate() noexcept override {
        if (conduct_ == Conduct::process) Process::end(context_);
    }
    Verdict isAlive(Check& /*check*/) override {
        stage().checked();
        if (conduct_ == Conduct::checkTakesTime) std::this_thread::sleep_for(bench::lengthOfCheck);
        if (conduct_ == Conduct::checkHangs) stage().waitAtDoor();
        if (process_ && !process_->running()) return Verdict::failed("the program has ended");
        return Verdict::alive();
    }

private:
    Context& context_;
    const Conduct conduct_;
    std::optional<Process> process_;  // last: its callback uses the others
};

}  // namespace

HOLDFAST_AGENT(holdfast::ResourceType<Measured, Settings>{"Measured"}.checkInterval(1s));
