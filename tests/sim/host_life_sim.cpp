// SPDX-License-Identifier: BSL-1.0
// The system's side of a host process, played by the machine: this program's linker finds it before the real one
// (src/monitor/host_life_linux.cpp). The host's own code runs as it is shipped.
#include "host/host_link.hpp"
#include "host/host_service.hpp"
#include "machine/descriptors.hpp"
#include "monitor/host_life.hpp"
#include "processes.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <csignal>
#include <utility>

namespace holdfast::inline v1::monitor {
namespace {

/** What a host is born with. */
class SimulatedLink final : public host::HostLink {
public:
    explicit SimulatedLink(int descriptor) : descriptor_{descriptor} {}
    std::size_t receive(char* buffer, std::size_t size) noexcept override {
        return sim::descriptors->receive(descriptor_, buffer, size);
    }
    bool send(std::string_view bytes) noexcept override {
        sim::Machine::current()->point();
        return sim::descriptors->write(descriptor_, bytes.data(), bytes.size()) >= 0;
    }
    CallBoard* board() noexcept override { return nullptr; }
    void* flightMemory() noexcept override { return nullptr; }
    void limitLife(unsigned seconds) noexcept override {
        // As alarm(2) would: by its own clock, whatever else it does.
        const sim::ProcessNumber process = sim::Machine::current()->process();
        sim::Machine& machine = *sim::Machine::current();
        machine.start([&machine, process, seconds]() -> void* {
            machine.sleepUntil(machine.now() + static_cast<sim::Instant>(seconds) * 1'000 * sim::oneMs);
            sim::processes->end(process, {true, SIGALRM});
            return nullptr;
        });
    }

private:
    int descriptor_;
};

class SimulatedLife final : public HostLife, public std::enable_shared_from_this<SimulatedLife> {
public:
    SimulatedLife(boost::asio::io_context& io, Events events) : io_{io}, events_{std::move(events)} {}

    void start(HostFrames& frames, HostOutput& output) override {
        const auto [ours, theirs] = sim::descriptors->makeStreams();
        const auto [printed, prints] = sim::descriptors->makeStreams();
        frames.assign(boost::asio::local::stream_protocol{}, ours);
        output.assign(printed);
        const auto ended = [weak = weak_from_this(), io = &io_, theirs = theirs, prints = prints](sim::ProcessEnd end) {
            // Its ends of the connections go first, as with a process; who waits for its status hears later.
            sim::descriptors->close(theirs);
            sim::descriptors->close(prints);
            boost::asio::post(*io, [weak, end] {
                if (const auto self = weak.lock()) self->died(end);
            });
        };
        process_ = sim::processes->start(
            [theirs = theirs] {
                SimulatedLink link{theirs};
                return std::make_shared<host::HostService>(link)->run();
            },
            ended);
    }
    void kill() override {
        if (process_ != 0) sim::processes->end(process_, {true, SIGKILL});
    }
    void killHard() override { kill(); }
    [[nodiscard]] const CallBoard* board() const noexcept override { return nullptr; }
    [[nodiscard]] void* flightMemory() const noexcept override { return nullptr; }

private:
    void died(sim::ProcessEnd end) {
        const sim::ProcessNumber process = std::exchange(process_, 0);
        HostEnd told;
        told.signalled = end.signalled;
        told.number = end.number;
        const auto self = shared_from_this();
        events_.ended(told);
        // What it ran takes a moment to die.
        auto timer = std::make_shared<boost::asio::steady_timer>(io_);
        timer->expires_after(std::chrono::milliseconds{sim::Machine::current()->chance().below(50)});
        timer->async_wait([self, timer, process](const boost::system::error_code& error) {
            if (error) return;
            sim::processes->onGone(process);
            self->events_.proved();
        });
    }

    boost::asio::io_context& io_;
    const Events events_;
    sim::ProcessNumber process_{0};
};

}  // namespace

std::shared_ptr<HostLife> HostLife::make(boost::asio::io_context& io, const HostProcessOrder& /*order*/,
                                         Events events) {
    return std::make_shared<SimulatedLife>(io, std::move(events));
}

HostYard::HostYard(const std::filesystem::path& runDirectory, std::filesystem::path reaperProgram)
    : mark_{runDirectory.string()}, reaperProgram_{std::move(reaperProgram)} {}
HostYard::~HostYard() = default;
std::string HostYard::nextMark() { return mark_ + std::to_string(++last_); }
std::optional<std::vector<std::int64_t>> HostYard::left() const { return std::vector<std::int64_t>{}; }
void HostYard::kill(const std::vector<std::int64_t>& /*processes*/) const {}

}  // namespace holdfast::inline v1::monitor

namespace holdfast::inline v1::host {
void permitLooks(std::int64_t /*monitor*/) noexcept {}
}  // namespace holdfast::inline v1::host
