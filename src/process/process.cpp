// SPDX-License-Identifier: BSL-1.0

#include <holdfast/process.hpp>

#include "connection.hpp"
#include "link.hpp"
#include "place.hpp"
#include "proc.hpp"
#include "settings.hpp"
#include "watch.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace holdfast::inline v1 {

using process::Message;
using process::nowMs;
using process::Place;
using process::Role;

namespace {

using std::chrono::milliseconds;

constexpr std::int64_t answerTime = 2'000;  // beyond the patience asked for, for the answer to arrive

/**
 * An owner's connection. What lives of a dead host and is not adoptable is ended first (D17), and so is a tree of another
 * version of holdfast: nobody here could keep it.
 */
process::Opened openAsOwner(Context& context, const Place& place, const Stoppable* call) {
    for (int tries = 0; tries < 50; ++tries) {
        try {
            process::Opened opened = *process::open(place, Role::owner, true, call);
            if (!opened.lives || opened.status.adoptable || opened.attended) return opened;
        } catch (const process::VersionMismatch&) {
            if (tries == 0) context.warning("ending what another version of holdfast left");
        }
        if (!Process::end(context)) break;
        if (tries > 0) ::usleep(100'000);
    }
    throw Error{ErrorCode::busy, "what an earlier host left does not end"};
}

/** Whether a reaper would find something: cheaper than to start one. */
bool leftSomething(const Place& place) {
    return ::access(place.names.state.c_str(), F_OK) == 0 || !process::findMarked(place.names.marker).empty();
}

std::shared_ptr<process::Link> attach(Place place, Context& context, process::Opened opened) {
    auto link = std::make_shared<process::Link>(std::move(place), context, std::move(opened));
    process::Watch::instance().attach(link);
    return link;
}

/** Waits for the answer to a start; what else comes belongs to the log. */
void awaitStart(Context& context, const ProcessSettings& settings, process::Opened& opened, const Stoppable& call) {
    for (;;) {
        const std::string message = opened.connection.receive(nowMs() + 60'000, &call);
        process::Reader in{message};
        switch (static_cast<Message>(in.u8())) {
            case Message::started:
                opened.status.phase = process::Phase::running;
                opened.status.pid = in.i32();
                opened.status.startTime = in.u64();
                return;
            case Message::startFailed: {
                const auto step = static_cast<process::Step>(in.u8());
                const int error = in.i32();
                throw process::startError(settings, step, error, in.text());
            }
            case Message::note: context.warning("{}", in.text()); break;
            case Message::refused: throw Error{in.text()};
            default:
                if (opened.connection.closed()) throw Error{"the reaper ended while it started " + settings.program};
                if (message.empty()) throw Error::make(ErrorCode::timeout, "{} does not start", settings.program);
        }
    }
}

}  // namespace

std::string ProcessExit::text() const {
    if (kind_ == Kind::unknown) return "exit status unknown" + (note_.empty() ? "" : ": " + note_);
    if (kind_ == Kind::status) return fmt::format("exited with status {}", value_);
    const char* const name = ::sigdescr_np(value_);
    return fmt::format("killed by signal {} ({}){}", value_, name == nullptr ? "unknown" : name,
                       coreDumped_ ? ", core dumped" : "");
}

Process::Process(std::shared_ptr<process::Link> link) : link_{std::move(link)} {}
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&& other) noexcept {
    Process old{std::exchange(link_, std::move(other.link_))};
    return *this;
}

Process::~Process() {
    if (!link_) return;
    process::Watch::instance().detach(link_);
    link_->close();
}

Process Process::start(Context& context, const ProcessSettings& settings, Stoppable& call) {
    const process::Order order = process::makeOrder(settings);
    const Place place = process::placeOf(context.resourceName());
    process::Opened opened = openAsOwner(context, place, &call);
    try {
        if (!opened.connection.sendOrder(order))
            throw Error{"the reaper ended before it could start " + settings.program};
        awaitStart(context, settings, opened, call);
    } catch (...) {
        // Also of an adoptable one nothing may stay that nobody knows of.
        opened.connection.send(process::Writer{Message::end}.u32(0).bytes());
        throw;
    }
    opened.status.adoptable = order.adoptable;
    opened.status.fingerprint = order.fingerprint;
    opened.status.program = order.program;
    return Process{attach(place, context, std::move(opened))};
}

std::optional<Process> Process::find(Context& context) {
    const Place place = process::placeOf(context.resourceName());
    process::Opened opened = openAsOwner(context, place, nullptr);
    if (!opened.lives && opened.status.phase == process::Phase::empty) return std::nullopt;
    return Process{attach(place, context, std::move(opened))};
}

bool Process::end(Context& context, milliseconds patience) noexcept {
    try {
        const Place place = process::placeOf(context.resourceName());
        process::Watch::instance().expectEnd(place.names.socket);
        const std::int64_t until = nowMs() + patience.count();
        for (;;) {
            auto opened = process::open(place, Role::controller, false, nullptr);
            if (!opened) {
                if (!leftSomething(place)) return true;
                opened = process::open(place, Role::controller, true, nullptr);
            }
            const auto left = static_cast<std::uint32_t>(std::max<std::int64_t>(until - nowMs(), 0));
            opened->connection.send(process::Writer{Message::end}.u32(left).bytes());
            const std::string answer = opened->connection.receive(until + answerTime, nullptr);
            process::Reader in{answer};
            if (static_cast<Message>(in.u8()) == Message::ended) {
                if (in.flag()) return true;
                context.error("{}", in.text());
                return false;
            }
            // The reaper was killed, too: the next one goes on where it stopped.
            if (nowMs() >= until) {
                context.error("not ended: the reaper gives no answer");
                return false;
            }
        }
    } catch (const std::exception& error) {
        context.log(LogLevel::error, std::string{"not ended: "} + error.what());
    } catch (const process::VersionMismatch&) {
        context.log(LogLevel::error, "not ended: the reaper is of another version");
    }
    return false;
}

bool Process::end(milliseconds patience) noexcept {
    if (!end(link_->context(), patience)) return false;
    link_->awaitExit();
    return true;
}

int Process::pid() const { return link_->status().pid; }
bool Process::running() const { return link_->status().phase == process::Phase::running; }
std::optional<ProcessExit> Process::exit() const { return link_->exit(); }

bool Process::matches(const ProcessSettings& settings) const {
    return matches(settings.fingerprint.empty() ? fingerprintOf(settings) : settings.fingerprint);
}
bool Process::matches(std::string_view fingerprint) const { return link_->status().fingerprint == fingerprint; }

void Process::onExit(std::function<void(const ProcessExit&)> ended) {
    link_->onExit(std::move(ended));
    process::Watch::instance().wake();
}

void Process::onOutput(std::function<void(std::string_view)> take) {
    link_->onOutput(std::move(take));
    process::Watch::instance().wake();
}

bool Process::signal(int number) {
    auto opened = process::open(link_->place(), Role::controller, true, nullptr);
    opened->connection.send(process::Writer{Message::signal}.i32(number).bytes());
    const std::string answer = opened->connection.receive(nowMs() + process::reaperPatience, nullptr);
    process::Reader in{answer};
    if (static_cast<Message>(in.u8()) != Message::signalled) throw Error{"the reaper gave no answer to a signal"};
    const int error = in.i32();
    if (error != 0 && error != ESRCH)
        throw Error::make(ErrorCode::failed, "signal {}: {}", number, process::errorText(error));
    return error == 0;
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
    if (!end()) throw Error{ErrorCode::busy, "what it started does not end; the log names it"};
    return graceful;
}

}  // namespace holdfast::inline v1
