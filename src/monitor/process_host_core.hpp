// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/flight_log.hpp"
#include "monitor/host_process.hpp"
#include "monitor/run_directory.hpp"

#include <holdfast/monitor/memory_registry.hpp>
#include <holdfast/monitor/process_host.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor {

/**
 * The inside of a ProcessHost: who lives in which process, and what its death means for each.
 *
 * @par Thread safety Everything on the one thread of `io_`, but `post`, `note`, `running`, `begin` and `end`.
 */
class ProcessHost::Core {
public:
    Core(ProcessHostSettings settings, MemoryRegistry& registry, std::weak_ptr<HostListener> listener);
    void begin();
    void end();
    void abandon();
    template <typename Work>
    void post(Work&& work) {
        boost::asio::post(io_, std::forward<Work>(work));
    }
    void note(const CallOrder& order) {
        const std::lock_guard lock{mutex_};
        running_.insert_or_assign({order.resource, order.entryPoint}, Running{std::chrono::steady_clock::now(), false});
    }
    [[nodiscard]] std::vector<std::string> running() const;

    void add(ResourceNumber resource, const HostedResource& description);
    void order(CallOrder order);
    void forget(const CallOrder& order);
    void store(ResourceNumber resource, const PropertyBag& changes, StoreNumber number);
    void storeType(ResourceNumber resource, const PropertyBag& changes);
    void storeDependencies(ResourceNumber resource, const std::vector<holdfast::Dependency>& dependencies);
    void event(FrameKind kind, ResourceNumber resource, core::Generation generation);
    void condemn(ResourceNumber resource);
    void remove(ResourceNumber resource);
    void isolate(ResourceNumber resource);

private:
    struct Hosted {
        HostedResource description;
        bool separate{false};
        std::string group;  ///< where it was loaded last; empty before that
        bool added{false};  ///< the group's process knows it
        StoreNumber lastStore{0};
    };
    struct Running {
        std::chrono::steady_clock::time_point since;
        bool written{false};  ///< there is a flight file about it
    };
    struct Quota {
        std::chrono::steady_clock::time_point since;
        unsigned lines{0};
        unsigned dropped{0};
    };
    struct Group {
        std::shared_ptr<HostProcess> process;  ///< null: none is needed, or it may not start yet
        std::set<ResourceNumber> members;      ///< who lives, or lived, in `process`
        std::vector<CallOrder> waiting;        ///< for a process that is ready: Startup only
        std::set<ResourceNumber> condemned;
        bool left{false};  ///< `process` was told to go, as nobody lived in it: who comes now waits for the next one
        std::chrono::steady_clock::time_point started;
        std::chrono::steady_clock::time_point lastDeath;
        unsigned deaths{0};  ///< in a row, none of which lived five minutes
        std::unique_ptr<boost::asio::steady_timer> timer;
        Quota printed;  ///< by its agents
        Quota logged;
        std::chrono::steady_clock::time_point lastFlight;
        bool flightWritten{false};  ///< before `process` is killed; its end needs none of its own
    };

    [[nodiscard]] std::string keyOf(ResourceNumber resource, const Hosted& hosted) const;
    [[nodiscard]] HostProcess* processOf(ResourceNumber resource);
    [[nodiscard]] std::chrono::milliseconds backoff(const Group& group) const;
    [[nodiscard]] std::string describe(const HostEnd& end) const;
    [[nodiscard]] std::vector<CallBoard::Worker> culprits(const Group& group, const HostEnd& end) const;
    void clear(std::chrono::steady_clock::time_point deadline, bool said);
    void startGroup(const std::string& key);
    void leaveGroup(ResourceNumber resource, Hosted& hosted);
    void flush(const std::string& key);
    void relay(const std::string& key, const std::string& line);
    [[nodiscard]] bool admits(const std::string& key, Quota& quota, unsigned most);
    void take(const std::string& key, const Frame& frame);
    void processDied(const std::string& key, const HostEnd& end);
    void processProved(const std::string& key);
    void noticeGone();
    void lookAtCalls();
    void alarm(const std::string& key, const std::string& reason);
    [[nodiscard]] bool writeFlight(const std::string& key, const std::string& reason, bool lives,
                                   std::function<void()> taken = {});

    const ProcessHostSettings settings_;
    MemoryRegistry& registry_;
    const std::weak_ptr<HostListener> listener_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    const RunDirectory directory_;
    HostYard yard_;
    boost::asio::steady_timer clearing_;
    boost::asio::steady_timer looking_;
    FlightLog flights_;  // ends after the thread of `io_`
    std::map<ResourceNumber, Hosted> resources_;
    std::map<std::string, Group> groups_;
    bool clear_{false};
    bool leaving_{false};
    std::thread thread_;

    mutable std::mutex mutex_;  // guards everything below
    std::condition_variable gone_;
    bool allGone_{false};
    std::map<std::pair<ResourceNumber, EntryPoint>, Running> running_;
};

}  // namespace holdfast::inline v1::monitor
