// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/restart_policy.hpp>
#include <holdfast/monitor/configuration.hpp>
#include <holdfast/os/file.hpp>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace holdfast::inline v1::monitor {

/** A private property that people set on the running monitor. */
struct StoredProperty {
    SettingValue value;
    std::optional<SettingValue> inFile;  ///< what the file said then: when it says something else, the file wins

    [[nodiscard]] bool operator==(const StoredProperty&) const = default;
};

/** What survives the monitor of one resource. */
struct StoredResource {
    std::optional<bool> wanted;  ///< the last wish of people
    bool separate{false};        ///< it took its host down: it has one of its own since
    bool failed{false};
    std::string reason;  ///< of the last failure
    std::vector<core::RestartPolicy::Slice> restarts;
    std::map<std::string, StoredProperty> properties;

    [[nodiscard]] bool operator==(const StoredResource&) const = default;
};

struct StoredGroup {
    bool held{false};  ///< it was taken offline because it failed, and nobody has asked for it since
    std::vector<core::RestartPolicy::Slice> failovers;

    [[nodiscard]] bool operator==(const StoredGroup&) const = default;
};

/** Everything that survives. Times are of this process's steady clock. */
struct StoredState {
    std::map<std::string, StoredResource> resources;
    std::map<std::string, StoredGroup> groups;

    [[nodiscard]] bool operator==(const StoredState&) const = default;
};

/** "Now" on both clocks, and which start of the system it is. */
struct StateClock {
    core::RestartPolicy::Time steady;
    std::chrono::sys_time<std::chrono::milliseconds> wall;
    std::string boot;

    [[nodiscard]] static StateClock now();
};

/** The state as text: JSON with a format number. */
[[nodiscard]] std::string writeState(const StoredState& state, const StateClock& now);
/** And back; nothing if it is not such a text. Times of an earlier start of the system go by the wall clock. */
[[nodiscard]] std::optional<StoredState> readState(std::string_view text, const StateClock& now);

/**
 * The state of one monitor on disk: one process per directory, whole files only, written behind the back of who changes
 * it.
 *
 * A file that cannot be read is moved aside; a disk that takes no more is said once, and once again when it does. The
 * monitor runs on in both cases.
 *
 * @par Thread safety Every member from any thread; `say` is called on the thread that opens and on the writer's.
 */
class StateStore {
public:
    using Say = std::function<void(bool warning, std::string text)>;
    struct Opened;

    /** Takes the directory and reads what is there. `problem`: somebody else has it, or there can be none. */
    [[nodiscard]] static Opened open(const std::filesystem::path& directory, Say say);
    StateStore(const StateStore&) = delete;
    StateStore& operator=(const StateStore&) = delete;
    /** Writes what is left to write, if that works at once. */
    ~StateStore();

    [[nodiscard]] StoredResource resource(const std::string& name) const;
    [[nodiscard]] StoredGroup group(const std::string& name) const;
    void change(const std::string& name, const std::function<void(StoredResource&)>& how);
    void changeGroup(const std::string& name, const std::function<void(StoredGroup&)>& how);
    void forget(const std::string& name);
    /** Forgets every resource but these: they are not in the file any more. */
    void keepOnly(const std::set<std::string>& names);

    /** The resource took its host down: from now on it has one of its own. */
    void separate(const std::string& name) {
        change(name, [](StoredResource& stored) { stored.separate = true; });
    }
    [[nodiscard]] bool isSeparate(const std::string& name) const { return resource(name).separate; }

    /** Waits until all is on disk; false if it is not. */
    [[nodiscard]] bool flush(std::chrono::milliseconds patience);

private:
    StateStore(std::filesystem::path file, Say say) : file_{std::move(file)}, say_{std::move(say)} {}
    void touch();
    void write();

    const std::filesystem::path file_;
    const Say say_;
    os::LockFile lock_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    StoredState state_;  // guarded by mutex_, as what follows
    std::uint64_t version_{0};
    std::uint64_t written_{0};
    bool failing_{false};
    bool ending_{false};
    std::thread writer_;
};

struct StateStore::Opened {
    std::unique_ptr<StateStore> store;
    std::optional<Problem> problem;
};

}  // namespace holdfast::inline v1::monitor
