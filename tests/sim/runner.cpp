// SPDX-License-Identifier: BSL-1.0
#include "runner.hpp"

#include <fmt/format.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <thread>

namespace sim {

void Sums::add(const Outcome& outcome) {
    ++schedules;
    steps += outcome.steps;
    switches += outcome.switches;
    calls += outcome.calls;
    reports += outcome.reports;
    onlines += outcome.onlines;
    failures += outcome.failures;
    restarts += outcome.restarts;
    deaths += outcome.deaths;
    refused += outcome.refused ? 1 : 0;
    seconds += outcome.seconds;
}

void Sums::add(const Sums& other) {
    schedules += other.schedules;
    steps += other.steps;
    switches += other.switches;
    calls += other.calls;
    reports += other.reports;
    onlines += other.onlines;
    failures += other.failures;
    restarts += other.restarts;
    deaths += other.deaths;
    refused += other.refused;
    seconds += other.seconds;
}

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t rowLength = 250;
constexpr std::chrono::seconds patience{60};

/** What a child tells its parent, in memory they share. */
struct Board {
    std::atomic<std::uint64_t> current;  ///< the seed under way
    Sums sums;
    bool violated;
    bool done;
    char text[4'096];
    std::uint64_t digest;
    std::size_t storySize;
    char story[1U << 20U];
};

class SharedBoard {
public:
    SharedBoard() {
        void* const made =
            ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (made == MAP_FAILED) throw std::runtime_error{"no memory to share with a child"};
        board_ = static_cast<Board*>(made);
    }
    SharedBoard(SharedBoard&& other) noexcept : board_{std::exchange(other.board_, nullptr)} {}
    SharedBoard(const SharedBoard&) = delete;
    SharedBoard& operator=(const SharedBoard&) = delete;
    ~SharedBoard() {
        if (board_ != nullptr) ::munmap(board_, sizeof(Board));
    }
    Board* operator->() const noexcept { return board_; }
    Board& operator*() const noexcept { return *board_; }

private:
    Board* board_;
};

Ground ownGround(const Ground& ground) { return {ground.library, ground.runDirectory / std::to_string(::getpid())}; }

void put(char* into, std::size_t size, const std::string& text) {
    const std::size_t count = std::min(size - 1, text.size());
    std::memcpy(into, text.data(), count);
    into[count] = '\0';
}

/** The child's whole life. */
[[noreturn]] void playRow(Board& board, std::uint64_t first, std::uint64_t count, const Ground& ground, bool sabotage) {
    const Ground own = ownGround(ground);
    for (std::uint64_t i = 0; i < count; ++i) try {
            board.current.store(first + i);
            Plan plan = Plan::of(first + i);
            plan.sabotage = sabotage;
            const Outcome outcome = play(plan, own, false);
            board.sums.add(outcome);
            if (outcome.violation.empty()) continue;
            put(board.text, sizeof board.text, outcome.violation);
            board.violated = true;
            break;
        } catch (const std::exception& error) {
            put(board.text, sizeof board.text, std::string{"the simulation itself: "} + error.what());
            board.violated = true;
            break;
        }
    board.done = true;
    std::error_code ignored;
    std::filesystem::remove_all(own.runDirectory, ignored);
    ::_exit(0);
}

struct Worker {
    SharedBoard board;
    pid_t process{0};
    std::uint64_t first{0};
    std::uint64_t count{0};
    std::uint64_t lastSeen{0};
    Clock::time_point lastChange;
};

void startRow(Worker& worker) {
    std::memset(static_cast<void*>(&*worker.board), 0, offsetof(Board, story));
    worker.board->current.store(worker.first);
    worker.lastSeen = worker.first;
    worker.lastChange = Clock::now();
    std::fflush(nullptr);
    worker.process = ::fork();
    if (worker.process < 0) throw std::runtime_error{"cannot fork"};
}

/** How it ended, if not as it should. */
std::string endOf(int status) {
    if (WIFSIGNALED(status)) return fmt::format("the program crashed: signal {}", WTERMSIG(status));
    return fmt::format("the program ended with status {}", WEXITSTATUS(status));
}

/** The rule that was broken, without names and numbers. */
std::string kindOf(const std::string& violation) {
    std::string kind;
    for (const char c : violation.substr(0, violation.find('\n'))) {
        if ((c < '0' || c > '9') && c != '.') kind += c;
    }
    return kind;
}

}  // namespace

Result run(const Campaign& campaign, const Ground& ground) {
    Result result;
    const auto start = Clock::now();
    auto nextProgress = start + std::chrono::seconds{1};
    std::uint64_t next = campaign.seed;
    const std::uint64_t end = campaign.seed + campaign.schedules;
    std::vector<Worker> workers(campaign.jobs);
    const auto late = [&] { return campaign.limit.count() != 0 && Clock::now() - start > campaign.limit; };
    const auto takeRow = [&](Worker& worker) {
        worker.first = next;
        worker.count = std::min(rowLength, end - next);
        next += worker.count;
    };
    const auto launch = [&](Worker& worker) {
        startRow(worker);
        if (worker.process == 0) playRow(*worker.board, worker.first, worker.count, ground, campaign.sabotage);
    };
    const auto more = [&] { return next < end && result.violations.size() < campaign.mostViolations && !late(); };
    for (Worker& worker : workers) {
        if (!more()) break;
        takeRow(worker);
        launch(worker);
    }
    while (std::any_of(workers.begin(), workers.end(), [](const Worker& worker) { return worker.process != 0; })) {
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
        for (Worker& worker : workers) {
            if (worker.process == 0) continue;
            int status = 0;
            const bool ended = ::waitpid(worker.process, &status, WNOHANG) == worker.process;
            const std::uint64_t current = worker.board->current.load();
            if (!ended) {
                if (current != worker.lastSeen) {
                    worker.lastSeen = current;
                    worker.lastChange = Clock::now();
                } else if (Clock::now() - worker.lastChange > patience) {
                    ::kill(worker.process, SIGKILL);
                }
                continue;
            }
            worker.process = 0;
            result.sums.add(worker.board->sums);
            const bool fine = worker.board->done && !worker.board->violated;
            if (!fine) {
                const bool hung = Clock::now() - worker.lastChange > patience;
                result.violations.push_back({current, worker.board->violated ? std::string{worker.board->text}
                                                      : hung                 ? "it does not come to an end"
                                                                             : endOf(status)});
                if (!worker.board->violated) ++result.sums.schedules;
            }
            const std::uint64_t rowEnd = worker.first + worker.count;
            if (!fine && current + 1 < rowEnd && result.violations.size() < campaign.mostViolations && !late()) {
                worker.first = current + 1;  // the rest of its row
                worker.count = rowEnd - worker.first;
                launch(worker);
            } else if (more()) {
                takeRow(worker);
                launch(worker);
            }
        }
        if (campaign.progress && Clock::now() >= nextProgress) {
            nextProgress += std::chrono::seconds{1};
            campaign.progress(result.sums);
        }
    }
    result.took = std::chrono::duration<double>(Clock::now() - start).count();
    std::sort(result.violations.begin(), result.violations.end(),
              [](const Violation& a, const Violation& b) { return a.seed < b.seed; });
    return result;
}

Outcome playAlone(const Plan& plan, const Ground& ground, bool tells) {
    static SharedBoard board;
    std::memset(static_cast<void*>(&*board), 0, offsetof(Board, story));
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error{"cannot fork"};
    if (child == 0) {
        ::alarm(patience.count());
        const Ground own = ownGround(ground);
        const Outcome outcome = play(plan, own, tells);
        put(board->text, sizeof board->text, outcome.violation);
        board->sums.add(outcome);
        board->digest = outcome.digest;
        std::string story;
        for (const std::string& line : outcome.story) story += line + '\n';
        put(board->story, sizeof board->story, story);
        board->done = true;
        std::error_code ignored;
        std::filesystem::remove_all(own.runDirectory, ignored);
        ::_exit(0);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    Outcome outcome;
    outcome.violation = board->done                                          ? std::string{board->text}
                        : WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "it does not come to an end"
                                                                             : endOf(status);
    outcome.digest = board->digest;
    outcome.steps = board->sums.steps;
    if (board->done && tells) {
        const std::string story{board->story};
        for (std::size_t at = 0; at < story.size();) {
            const std::size_t lineEnd = story.find('\n', at);
            outcome.story.push_back(story.substr(at, lineEnd - at));
            at = lineEnd + 1;
        }
    }
    return outcome;
}

Plan shrink(Plan plan, const std::string& violation, const Ground& ground, std::uint64_t& tried) {
    const std::string kind = kindOf(violation);
    // Who goes on first changes with every event left out, so each candidate gets some orders of its own.
    const auto breaks = [&](Plan candidate) -> std::optional<Plan> {
        const std::uint64_t first = plan.seed;
        for (std::uint64_t i = 0; i < 24; ++i) {
            candidate.seed = first + i * 0x1'0000'0000U;
            ++tried;
            if (kindOf(playAlone(candidate, ground, false).violation) == kind) return candidate;
        }
        return std::nullopt;
    };
    const auto improve = [&](const std::function<bool(Plan&)>& change) {
        Plan candidate = plan;
        if (!change(candidate)) return false;
        const auto found = breaks(candidate);
        if (found) plan = *found;
        return found.has_value();
    };
    for (bool again = true; again;) {
        again = false;
        for (std::size_t i = plan.wishes.size(); i-- > 0;) {
            again = improve([&](Plan& p) {
                        p.wishes.erase(p.wishes.begin() + static_cast<std::ptrdiff_t>(i));
                        return true;
                    }) ||
                    again;
        }
        for (std::size_t i = plan.deeds.size(); i-- > 0;) {
            again = improve([&](Plan& p) {
                        p.deeds.erase(p.deeds.begin() + static_cast<std::ptrdiff_t>(i));
                        return true;
                    }) ||
                    again;
        }
        again = improve([](Plan& p) { return std::exchange(p.weather.delay, 0) != 0; }) || again;
        again = improve([](Plan& p) { return std::exchange(p.weather.spurious, 0) != 0; }) || again;
        again = improve([](Plan& p) { return std::exchange(p.weather.priorities, false); }) || again;
        again = improve([](Plan& p) { return std::exchange(p.separate, false); }) || again;
        again = improve([](Plan& p) { return std::exchange(p.abrupt, false); }) || again;
        again = improve([](Plan& p) { return std::exchange(p.failureTolerance, 0) != 0; }) || again;
        again = improve([](Plan& p) { return std::exchange(p.timeoutTolerance, 0) != 0; }) || again;
        again = improve([](Plan& p) {
                    const bool alone =
                        std::all_of(p.wishes.begin(), p.wishes.end(), [](const Wish& w) { return w.resource == 0; }) &&
                        std::all_of(p.deeds.begin(), p.deeds.end(), [](const Deed& d) { return d.resource == 0; });
                    return alone && std::exchange(p.resources, 1) != 1;
                }) ||
                again;
    }
    return plan;
}

}  // namespace sim
