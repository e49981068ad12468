// SPDX-License-Identifier: BSL-1.0

#include "connection.hpp"
#include "link.hpp"
#include "place.hpp"
#include "proc.hpp"
#include "settings.hpp"

#include <holdfast/process.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace holdfast::inline v1 {

using process::Message;
using process::nowMs;

namespace {

constexpr std::size_t mostOutput = 4'096;
constexpr std::int64_t endPatience = 5'000;  // for a killed command to be gone

/** Kills what is left of the command when the scope is left, also by `Stopped`. */
class EndAtLast {
public:
    explicit EndAtLast(process::Connection& connection) : connection_{connection} {}
    EndAtLast(const EndAtLast&) = delete;
    EndAtLast& operator=(const EndAtLast&) = delete;
    ~EndAtLast() {
        if (!connection_.send(process::Writer{Message::end}.u32(endPatience).bytes())) return;
        try {
            for (const std::int64_t until = nowMs() + endPatience; nowMs() < until && !connection_.closed();) {
                const std::string message = connection_.receive(until, nullptr);
                if (!message.empty() && static_cast<Message>(message[0]) == Message::ended) return;
            }
        } catch (const std::exception&) {  // out of memory: the reaper ends it without us
        }
    }

private:
    process::Connection& connection_;
};

}  // namespace

CommandResult runCommand(Context& context, const ProcessSettings& settings, std::chrono::milliseconds timeout,
                         Stoppable& call) {
    process::Order order = process::makeOrder(settings);
    order.outputBurst = order.outputRate = 100'000;  // the tail is all that is kept
    order.adoptable = false;
    call.throwIfStopped();
    process::Connection connection = process::startUnnamed(process::reaperProgram());
    const EndAtLast ending{connection};
    const std::int64_t until = nowMs() + timeout.count();
    connection.sendOrder(order);
    CommandResult result{{ProcessExit::Kind::unknown, 0, false, "its reaper ended"}, false, {}};
    for (;;) {
        const std::string message = connection.receive(until, &call);
        if (message.empty()) {
            result.timedOut = !connection.closed();
            if (result.timedOut) result.exit = {ProcessExit::Kind::unknown, 0, false, "it took too long"};
            return result;
        }
        process::Reader in{message};
        switch (static_cast<Message>(in.u8())) {
            case Message::output:
                static_cast<void>(in.u8());
                result.output += in.text() + "\n";
                if (result.output.size() > mostOutput) result.output.erase(0, result.output.size() - mostOutput);
                break;
            case Message::startFailed: {
                const auto step = static_cast<process::Step>(in.u8());
                const int error = in.i32();
                throw process::startError(settings, step, error, in.text());
            }
            case Message::note: context.warning("{}", in.text()); break;
            case Message::refused: throw Error{in.text()};
            case Message::exited: result.exit = process::toExit(process::getExit(in)); return result;
            default: break;
        }
    }
}

}  // namespace holdfast::inline v1
