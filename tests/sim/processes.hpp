// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The host processes of one machine, and how they die.

#include "machine/machine.hpp"
#include "monitor/handle_table.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sim {

/** How a process ended, in the words of a wait status. */
struct ProcessEnd {
    bool signalled{false};
    int number{0};
};

class Processes {
public:
    explicit Processes(Machine& machine) : machine_{machine} {}
    Processes(const Processes&) = delete;
    Processes& operator=(const Processes&) = delete;

    /** Starts `work` as a process of its own; `ended` is told once, on whatever thread ends it. */
    ProcessNumber start(std::function<int()> work, std::function<void(ProcessEnd)> ended);
    /** Ends it at once; nothing if it is gone. Does not return if it is the caller's own. */
    void end(ProcessNumber process, ProcessEnd how);
    [[nodiscard]] bool lives(ProcessNumber process) const { return living_.contains(process); }
    [[nodiscard]] std::vector<ProcessNumber> living() const;
    /** Which copy of the agent library is its own. */
    [[nodiscard]] std::size_t copyOf(ProcessNumber process) const { return living_.at(process).copy; }
    /** Told of each that ended: what it ran dies with it, a little later. */
    std::function<void(ProcessNumber, ProcessEnd)> onEnd;
    /** Whether something that it ran has not died yet. */
    std::function<bool(ProcessNumber)> remains;

    /** The RESOURCE_HANDLEs of the running process. */
    [[nodiscard]] holdfast::monitor::HandleTable& handles() { return handles_[machine_.process()]; }

private:
    Machine& machine_;
    struct Process {
        std::size_t copy;
        std::function<void(ProcessEnd)> ended;
    };
    std::map<ProcessNumber, Process> living_;
    ProcessNumber last_{0};
    std::map<ProcessNumber, holdfast::monitor::HandleTable> handles_;
};

/** Of the running machine; set by the world. */
extern Processes* processes;

}  // namespace sim
