// SPDX-License-Identifier: BSL-1.0

#include <holdfast/process.hpp>

#include "tree.hpp"
#include "watch.hpp"

#include "process/names.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <utility>

namespace holdfast::inline v1 {

using process::Job;
using process::nowMs;
using process::Watch;

namespace {

using std::chrono::milliseconds;

constexpr milliseconds leftoverPatience{25'000};

/** The kernel's names for what belongs to a resource. One run directory per monitor, as on Linux. */
struct TreeNames {
    std::wstring job;
    std::wstring stop;
};

TreeNames namesOf(const std::string& resource) {
    const char* const directory = std::getenv("HOLDFAST_RUN_DIRECTORY");  // NOLINT(concurrency-mt-unsafe): the host's
    const std::wstring hash =
        abi::toWide(process::nameHash((directory == nullptr ? std::string{} : directory) + ":" + resource));
    return {L"Local\\holdfast-tree-" + hash, L"Local\\holdfast-stop-" + hash};
}

/** The host that started a tree holds its event, and its processes inherited it: while the name exists, one of them lives. */
bool somebodyHolds(const std::wstring& event) {
    return static_cast<bool>(process::Handle{::OpenEventW(SYNCHRONIZE, FALSE, event.c_str())});
}

/** Ends what another host left or still holds; true once nobody of it lives. */
bool clear(const TreeNames& names, milliseconds patience, const Stoppable* call) {
    for (const std::int64_t until = nowMs() + patience.count();;) {
        {
            const Job other = Job::find(names.job);
            if (other && other.living() != 0) {
                other.kill();
            } else if (!somebodyHolds(names.stop)) {
                return true;
            }
        }
        if (nowMs() >= until) return false;
        if (call != nullptr) call->throwIfStopped();
        ::Sleep(5);
    }
}

/**
 * A job object whose processes were ended may outlive them for a moment, and lets nobody in: its name is free when the last of its
 * handles is closed. One that somebody looks at for longer is used as it is.
 */
void waitForName(const TreeNames& names, const Stoppable& call) {
    constexpr milliseconds namePatience{1'000};
    for (const std::int64_t until = nowMs() + namePatience.count(); nowMs() < until && Job::find(names.job);) {
        call.throwIfStopped();
        ::Sleep(5);
    }
}

[[noreturn]] void refuse(const std::string& resource) {
    throw Error::make(ErrorCode::busy, "another process still holds what it started for {}; end that process",
                      resource);
}

/** The stop event of a new tree: to have made it is the claim to the resource's names. */
process::Handle claim(const TreeNames& names, const std::string& resource, const Stoppable& call) {
    SECURITY_ATTRIBUTES inheritable{sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
    for (const std::int64_t until = nowMs() + leftoverPatience.count(); nowMs() < until;) {
        if (!clear(names, leftoverPatience, &call)) break;
        process::Handle stop{::CreateEventW(&inheritable, TRUE, FALSE, names.stop.c_str())};
        const DWORD error = ::GetLastError();
        if (!stop) throw process::systemError("cannot make the stop event", error);
        if (error != ERROR_ALREADY_EXISTS) return stop;
    }
    refuse(resource);
}

}  // namespace

std::string ProcessExit::text() const {
    if (kind_ == Kind::unknown) return "exit status unknown" + (note_.empty() ? "" : ": " + note_);
    if (kind_ == Kind::signal) return "killed";
    const auto status = static_cast<std::uint32_t>(value_);
    if (status < 0x8000'0000) return fmt::format("exited with status {}", value_);
    const char* name = "";
    switch (status) {  // what a status of the system itself says most often
        case 0xC000'0005: name = " (access violation)"; break;
        case 0xC000'00FD: name = " (stack overflow)"; break;
        case 0xC000'0135: name = " (a library was not found)"; break;
        case 0xC000'0139: name = " (a library lacks a function)"; break;
        case 0xC000'013A: name = " (ended by Ctrl+C, Ctrl+Break or from outside)"; break;
        case 0xC000'0142: name = " (a library failed to start)"; break;
        case 0xC000'0374: name = " (heap corruption)"; break;
        case 0xC000'0409: name = " (stack buffer overrun or fast fail)"; break;
        case 0xE06D'7363: name = " (C++ exception)"; break;
        default: break;
    }
    return fmt::format("exited with status 0x{:08X}{}", status, name);
}

Process::Process(std::shared_ptr<process::Tree> link) : link_{std::move(link)} {}
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&& other) noexcept {
    Process old{std::exchange(link_, std::move(other.link_))};
    return *this;
}

Process::~Process() {
    if (!link_) return;
    Watch::instance().detach(link_);
    link_->close();
}

Process Process::start(Context& context, const ProcessSettings& settings, Stoppable& call) {
    const std::string resource = context.resourceName();
    call.throwIfStopped();
    if (const auto earlier = Watch::instance().find(resource); earlier && !earlier->retire()) {
        throw Error::make(ErrorCode::busy, "{} of an earlier start still lives", earlier->exit() ? "something" : "all");
    }
    const TreeNames names = namesOf(resource);
    process::Handle stop = claim(names, resource, call);
    waitForName(names, call);
    auto job = std::make_shared<Job>(names.job, settings.limits);
    process::Launched launched = process::launch(settings, *job, stop.get(), names.stop);
    auto tree = std::make_shared<process::Tree>(resource, context, std::move(job), std::move(stop), std::move(launched),
                                                settings);
    try {
        Watch::instance().attach(tree);
    } catch (...) {
        tree->close();
        throw;
    }
    return Process{std::move(tree)};
}

std::optional<Process> Process::find(Context& context) {
    const std::string resource = context.resourceName();
    if (const auto own = Watch::instance().find(resource); own && own->end(leftoverPatience)) own->retire();
    if (!clear(namesOf(resource), leftoverPatience, nullptr)) refuse(resource);
    return std::nullopt;
}

bool Process::end(Context& context, milliseconds patience) noexcept {
    try {
        const std::string resource = context.resourceName();
        if (const auto own = Watch::instance().find(resource)) {
            if (own->end(patience)) return true;
        } else if (clear(namesOf(resource), patience, nullptr)) {
            return true;
        }
        context.log(LogLevel::error, "not ended: a process of its job object does not die, or another host holds it");
    } catch (const std::exception& error) {
        context.log(LogLevel::error, std::string{"not ended: "} + error.what());
    }
    return false;
}

bool Process::end(milliseconds patience) noexcept {
    if (!link_->end(patience)) {
        link_->context().log(LogLevel::error, "not ended: a process of its job object does not die");
        return false;
    }
    link_->awaitExit();
    return true;
}

int Process::pid() const { return static_cast<int>(link_->pid()); }
bool Process::running() const { return !link_->exit().has_value(); }
std::optional<ProcessExit> Process::exit() const { return link_->exit(); }

bool Process::matches(const ProcessSettings& settings) const {
    return matches(settings.fingerprint.empty() ? fingerprintOf(settings) : settings.fingerprint);
}
bool Process::matches(std::string_view fingerprint) const { return link_->fingerprint() == fingerprint; }

void Process::onExit(std::function<void(const ProcessExit&)> ended) {
    link_->onExit(std::move(ended));
    Watch::instance().wake(*link_);
}

void Process::onOutput(std::function<void(std::string_view)> take) { link_->onOutput(std::move(take)); }

bool Process::signal(int number) {
    if (number != SIGTERM && number != SIGINT && number != SIGBREAK) {
        throw Error::make(ErrorCode::configuration,
                          "signal {}: Windows has none; SIGTERM, SIGINT and SIGBREAK all ask a program to end", number);
    }
    if (!running()) return false;
    link_->askToEnd();
    return true;
}

bool Process::stop(Operation& operation, int number, milliseconds patience) {
    link_->expectEnd();
    const std::int64_t since = nowMs();
    std::int64_t said = since;
    bool graceful = !running();
    if (running() && signal(number)) {
        graceful = operation.waitUntil(
            [&] {
                if (nowMs() - said >= 1'000) {
                    said = nowMs();
                    operation.checkpoint(fmt::format("pid {} has not ended for {} s", pid(), (said - since) / 1'000));
                }
                return !running();
            },
            patience, milliseconds{10});
    }
    if (!end()) throw Error{ErrorCode::busy, "what it started does not end"};
    return graceful;
}

}  // namespace holdfast::inline v1
