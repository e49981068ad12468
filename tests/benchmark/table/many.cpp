// SPDX-License-Identifier: BSL-1.0
#include "engine.hpp"
#include "is_alive.hpp"
#include "own_use.hpp"
#include "scenarios.hpp"

#include <holdfast/abi/control_codes.hpp>

#include <array>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

using Resources = std::vector<std::unique_ptr<Resource>>;

/** Until as many are online as were asked for, or one more is not possible. */
std::string bringAllOnline(const Library& library, std::size_t count, Resources& resources,
                           const std::string& conduct = "plain") {
    for (std::size_t i = 0; i < count; ++i) {
        try {
            resources.push_back(std::make_unique<Resource>(library, conduct + ' ' + std::to_string(i)));
        } catch (const std::exception& error) {
            return error.what();
        }
        if (!resources.back()->online()) return "Online answers " + std::to_string(resources.back()->failure());
        // An engine brings them online one after the other, and waits for each answer, not for each end.
    }
    std::size_t failed = 0;
    for (const auto& one : resources) failed += one->finished(abi::ResourceState::online) ? 0 : 1;
    return failed == 0 ? std::string{} : std::to_string(failed) + " of them failed to come online";
}

/** Nothing but checks for a while; what it takes, under names that begin with `what`. */
OwnUse measureChecks(const Options& options, Rows& rows, const std::string& what) {
    const auto key = [&](const char* of) { return Key{what + '.' + of, options.subject, options.count}; };
    const OwnUse start = ownUse();
    const std::size_t checksBefore = checksSoFar();
    const auto since = Clock::now();
    std::this_thread::sleep_for(options.idle);
    const OwnUse end = ownUse();
    const double seconds = microseconds(Clock::now() - since) / 1e6;
    const double checks = static_cast<double>(checksSoFar() - checksBefore);
    rows.value(key("processor"), "% of a core", (end.processor - start.processor) / seconds * 100);
    rows.value(key("contextSwitches"), "1/s",
               static_cast<double>(end.contextSwitches - start.contextSwitches) / seconds);
    rows.value(key("checks"), "1/s", checks / seconds);
    rows.value(key("threads"), "", static_cast<double>(end.threads));
    return end;
}

void measureIdle(const Options& options, Rows& rows, const OwnUse& before) {
    const double grown = measureChecks(options, rows, "idle").resident - before.resident;
    rows.value({"idle.memory", options.subject, options.count}, "KiB", grown);
    rows.value({"idle.memoryEach", options.subject, options.count}, "KiB", grown / static_cast<double>(options.count));
}

struct Taken {
    std::vector<double> open, control, online, onlineDone, offline, offlineDone, terminate, close;
};

/** A resource's whole life, again and again, beside all the others. */
void live(const Library& library, std::size_t rounds, Taken& taken) {
    const auto timed = [](std::vector<double>& samples, const auto& call) {
        const auto start = Clock::now();
        call();
        samples.push_back(microseconds(Clock::now() - start));
        return start;
    };
    for (std::size_t round = 0; round < rounds; ++round) {
        std::unique_ptr<Resource> one;
        timed(taken.open, [&] { one = std::make_unique<Resource>(library, "plain, measured"); });
        timed(taken.control, [&] {
            std::array<char, 256> list{};
            abi::Dword size = 0;
            const auto answer = library.table().resourceControl(one->id(), abi::control::resourceGetCharacteristics,
                                                                nullptr, 0, list.data(), sizeof list, &size);
            if (answer != abi::code::success)
                throw std::runtime_error{"its characteristics cannot be read: " + std::to_string(answer)};
        });
        auto start = timed(taken.online, [&] { static_cast<void>(one->online()); });
        if (!one->finished(abi::ResourceState::online)) throw std::runtime_error{"it does not come online"};
        taken.onlineDone.push_back(microseconds(one->reportedAt() - start));
        start = timed(taken.offline, [&] { static_cast<void>(one->offline()); });
        if (!one->finished(abi::ResourceState::offline)) throw std::runtime_error{"it does not go offline"};
        taken.offlineDone.push_back(microseconds(one->reportedAt() - start));
        if (!one->bringOnline()) throw std::runtime_error{"it does not come online again"};
        timed(taken.terminate, [&] { one->terminate(); });
        timed(taken.close, [&] { one->close(); });
    }
}

std::string limits() {
    const auto number = [](const char* file) {
        std::string text = "?";
        std::ifstream{file} >> text;
        return text;
    };
    return "threads-max " + number("/proc/sys/kernel/threads-max") + ", pid_max " + number("/proc/sys/kernel/pid_max") +
           ", max_map_count " + number("/proc/sys/vm/max_map_count");
}

/** Somebody stopped at so many resources. */
void stoppedAt(const Options& options, const char* what, std::size_t count, const std::string& problem, Rows& rows) {
    rows.stopped({what, options.subject, options.count}, "at " + std::to_string(count) + " resources, " +
                                                             std::to_string(ownUse().threads) + " threads: " + problem +
                                                             " (" + limits() + ")");
}

}  // namespace

void measureTaking(const Options& options, Rows& rows) {
    const Library library{options.library};
    Resources resources;
    if (const std::string problem = bringAllOnline(library, options.count, resources, "check-takes-time");
        !problem.empty()) {
        stoppedAt(options, "taking", resources.size(), problem, rows);
        return;
    }
    std::this_thread::sleep_for(options.settle);
    measureChecks(options, rows, "taking");
}

void measureMany(const Options& options, Rows& rows) {
    const Library library{options.library};
    const auto key = [&](const char* what) { return Key{what, options.subject, options.count}; };
    {
        // What the library needs once, whatever it serves, is not counted below.
        Resource first{library, "plain, first"};
        if (!first.bringOnline() || !first.takeOffline()) throw std::runtime_error{"not even one comes online"};
    }
    Resource keeper{library, "plain, keeper"};
    const OwnUse before = ownUse();
    Resources resources;
    const auto start = Clock::now();
    const std::string problem = bringAllOnline(library, options.count, resources);
    if (!problem.empty()) {
        stoppedAt(options, "many", resources.size(), problem, rows);
        return;
    }
    rows.value(key("many.online"), "ms", microseconds(Clock::now() - start) / 1'000);
    std::this_thread::sleep_for(options.settle);
    measureIdle(options, rows, before);

    std::vector<abi::ResourceId> ids;
    for (const auto& one : resources) ids.push_back(one->id());
    for (const auto& [what, routine] :
         {std::pair{"isAlive", library.table().isAlive}, std::pair{"looksAlive", library.table().looksAlive}}) {
        const PollCost cost = pollCost(routine, ids, options.rounds);
        rows.samples(key(what), "ns", cost.batches);
        rows.samples(key((std::string{what} + ".single").c_str()), "ns", cost.singles);
    }
    Taken taken;
    live(library, options.rounds, taken);
    rows.samples(key("open"), "us", taken.open);
    rows.samples(key("control"), "us", taken.control);
    rows.samples(key("online"), "us", taken.online);
    rows.samples(key("online.done"), "us", taken.onlineDone);
    rows.samples(key("offline"), "us", taken.offline);
    rows.samples(key("offline.done"), "us", taken.offlineDone);
    rows.samples(key("terminate"), "us", taken.terminate);
    rows.samples(key("close"), "us", taken.close);
}

}  // namespace bench
