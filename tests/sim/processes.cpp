// SPDX-License-Identifier: BSL-1.0
#include "processes.hpp"

#include "machine/libraries.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sim {

Processes* processes = nullptr;

ProcessNumber Processes::start(std::function<int()> work, std::function<void(ProcessEnd)> ended) {
    std::size_t copy = 0;
    const auto isTaken = [&] {
        return std::any_of(living_.begin(), living_.end(),
                           [&](const auto& living) { return living.second.copy == copy; });
    };
    while (isTaken()) ++copy;
    if (copy >= mostProcesses) throw std::runtime_error{"the simulated system has no more processes"};
    const ProcessNumber number = ++last_;
    living_.emplace(number, Process{copy, std::move(ended)});
    const ProcessNumber before = machine_.enter(number);
    machine_.start([this, number, work = std::move(work)]() -> void* {
        const int status = work();
        end(number, {false, status});
        return nullptr;
    });
    machine_.enter(before);
    return number;
}

void Processes::end(ProcessNumber process, ProcessEnd how) {
    const auto found = living_.find(process);
    if (found == living_.end()) return;
    // From here on it is dying, and nobody else ends it; its number is never used again.
    const auto ended = std::move(found->second.ended);
    found->second.ended = nullptr;
    if (!ended) return;
    machine_.silence(process);
    resetLibrary(living_.at(process).copy);
    living_.erase(process);
    if (onEnd) onEnd(process, how);
    ended(how);
    machine_.kill(process);
}

std::vector<ProcessNumber> Processes::living() const {
    std::vector<ProcessNumber> numbers;
    for (const auto& [number, process] : living_) numbers.push_back(number);
    return numbers;
}

}  // namespace sim

namespace holdfast::inline v1::monitor {
HandleTable& handles() noexcept { return sim::processes->handles(); }
}  // namespace holdfast::inline v1::monitor
