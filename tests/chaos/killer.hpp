// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor_life.hpp"
#include "plan.hpp"
#include "processes.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace chaos {

/**
 * Kills, stops and continues processes of a run at random, in whatever state they are.
 *
 * @par Thread safety One thread.
 */
class Killer {
public:
    Killer(const Options& options, MonitorLife& monitor, Journal& journal);
    /** One act, and what is due of earlier ones; `monitorToo` unless what policy decides now is to hold. */
    void step(bool monitorToo);
    /** Until the next act. */
    [[nodiscard]] std::chrono::milliseconds pause();
    /** Lets everything that was stopped go on, and starts the monitor if there is none. */
    void finish();

    [[nodiscard]] const std::map<std::string, unsigned>& kills() const noexcept { return kills_; }
    /** Ends of the monitor that were not ours, or not by a signal of ours. */
    [[nodiscard]] const std::vector<std::string>& surprises() const noexcept { return surprises_; }

private:
    using Clock = std::chrono::steady_clock;
    struct Stopped {
        Target target;
        Clock::time_point until;
    };
    [[nodiscard]] unsigned draw(unsigned below) {
        return std::uniform_int_distribution<unsigned>{0, below - 1}(random_);
    }
    [[nodiscard]] const Seen* any(Role role, const std::string& resource = {});
    [[nodiscard]] pid_t hostOf(const std::string& resource);
    void refresh(bool now);
    void tend();
    bool kill(const Seen* seen, const std::string& what);
    void killMonitor(const std::string& what);
    void killTogether(bool everything);
    void stop();

    const Options& options_;
    MonitorLife& monitor_;
    Journal& journal_;
    std::mt19937_64 random_;
    std::vector<Seen> seen_;
    Clock::time_point seenAt_;
    std::vector<Stopped> stopped_;
    Clock::time_point monitorAt_;
    bool monitorKilled_{false};
    std::map<std::string, unsigned> kills_;
    std::vector<std::string> surprises_;
};

}  // namespace chaos
