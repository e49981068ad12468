// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What `ServiceResource` needs of a system's service manager, cut by role; a test puts a recording fake in their place.

#include <holdfast/property.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::inline v1 {

class Context;

namespace service {

enum class State : std::uint8_t {
    stopped,
    starting,
    running,
    stopping,
    other,  ///< paused, or what the manager has no plain word for
};

/** What the manager says of one service. */
struct Status {
    State state{State::stopped};
    std::int64_t process{0};      ///< its main process; 0: none, or it has none
    std::uint32_t checkPoint{0};  ///< the service's own, where the system has such
    std::string text;             ///< in the manager's words: "START_PENDING", "activating (start-pre)"
    std::string ending;           ///< of one that stopped: why, as far as the manager knows
};

struct EnvironmentVariable {
    std::string name;
    std::string value;
};

/**
 * Asks the manager about the service, and tells it what to do.
 *
 * @par Thread safety Every member from any thread: terminate() overlaps a call that hangs.
 * @par Budget Each may block on the manager (W-701); none waits for the service itself.
 * @par Errors All throw `Error`.
 */
class Control {
public:
    virtual ~Control() = default;
    [[nodiscard]] virtual Status status() = 0;
    virtual void start(const Strings& arguments) = 0;
    /** Asks it to stop; true if the request was taken, or it is stopped or stopping already. */
    virtual bool requestStop() = 0;
};

/** What only the cluster may decide about a service (W-702, W-703). Thread safety, budget and errors as `Control`. */
class Configuration {
public:
    virtual ~Configuration() = default;
    /** Replaces what an earlier call set; what people configured stays, unless a variable here has its name. */
    virtual void setEnvironment(const std::vector<EnvironmentVariable>& variables) = 0;
    /** The environment is again what people configured. */
    virtual void removeEnvironment() = 0;
    /** W-702: refuses a disabled service; manual start; no restarts by the manager. */
    virtual void setStartParameters() = 0;
};

/**
 * The processes of a running service, known by more than a number.
 *
 * @par Thread safety Every member from any thread. No member asks the manager but `killAll` where the system leaves no
 *      other way to find them all.
 */
class Processes {
public:
    virtual ~Processes() = default;
    /** From now on it is about `process` and what that starts; 0: about nothing. The same one again changes nothing. */
    virtual void attach(std::int64_t process) = 0;
    /** Runs `ended` once, on a thread of its own, when the attached process ends. It may not block. */
    virtual void watch(std::function<void(std::string how)> ended) = 0;
    /** No `ended` runs any more when this returns. */
    virtual void unwatch() noexcept = 0;
    /** The process it is about; 0: none, or one that others live in too, so that only the manager's word counts. */
    [[nodiscard]] virtual std::int64_t attached() const noexcept = 0;
    /** False once the attached process has ended: this, not the manager's word, says whether the service died. */
    [[nodiscard]] virtual bool alive() const noexcept = 0;
    /** Ends all of them; false if some are left after `patience`. */
    [[nodiscard]] virtual bool killAll(std::chrono::milliseconds patience) noexcept = 0;
};

/** One service of this system. */
struct Manager {
    std::unique_ptr<Control> control;
    std::unique_ptr<Configuration> configuration;
    std::unique_ptr<Processes> processes;
};

/**
 * The service `name` in this system's manager: the SCM, or systemd. `context` outlives it.
 *
 * @par Errors Throws `Error`: `notInstalled` if the system has no such manager, or the manager no such service;
 *      `permission`; `configuration` for a name that cannot be one.
 */
[[nodiscard]] Manager openManager(const std::string& name, Context& context);

}  // namespace service
}  // namespace holdfast::inline v1
