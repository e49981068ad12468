// SPDX-License-Identifier: BSL-1.0
/// Any text as what a monitor left on disk: refused as a whole, or a state that is the same when it is written and read again; and
/// no time in it lies in the future.
#include "fuzz_target.hpp"
#include "well_formed.hpp"

#include "monitor/state_store.hpp"

#include <string>

using namespace holdfast::monitor;
using namespace std::chrono_literals;
using fuzz::promise;

namespace {

/** Boost.JSON reads a number of many digits to the last bit but one, so these are the same only nearly. */
bool hasFraction(const StoredState& state) {
    for (const auto& [name, resource] : state.resources) {
        for (const auto& [property, stored] : resource.properties) {
            if (std::holds_alternative<double>(stored.value)) return true;
            if (stored.inFile && std::holds_alternative<double>(*stored.inFile)) return true;
        }
    }
    return false;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    StateClock now;
    now.steady = holdfast::core::RestartPolicy::Time{5'000'000ms};
    now.wall = std::chrono::sys_time<std::chrono::milliseconds>{1'800'000'000'000ms};
    for (const char* const boot : {"this start", "another start"}) {
        now.boot = boot;
        const auto read = readState(fuzz::textOf(data, size), now);
        if (!read) continue;
        const auto check = [&](const auto& slices) {
            for (const auto& slice : slices) {
                promise(slice.first <= slice.last, "a time does not end before it begins");
                promise(slice.first <= now.steady && slice.last <= now.steady, "nothing happened in the future");
            }
        };
        for (const auto& [name, resource] : read->resources) check(resource.restarts);
        for (const auto& [name, group] : read->groups) check(group.failovers);

        const std::string text = writeState(*read, now);
        promise(fuzz::isUtf8(text), "a state is UTF-8");
        const auto again = readState(text, now);
        promise(again.has_value(), "a state that is written is a state");
        promise(hasFraction(*read) || *again == *read, "a state is the same when it is read again");
    }
    return 0;
}
