// SPDX-License-Identifier: BSL-1.0
#include "host/farewell.hpp"

#include <algorithm>
#include <set>

namespace holdfast::inline v1::host {

namespace {

using Known = HostService::Known;
using All = std::map<ResourceNumber, Known>;
using Clock = std::chrono::steady_clock;

bool mustStop(const Known& known) { return known.touched && !known.adoptable; }

std::chrono::milliseconds until(Clock::time_point deadline) {
    return std::max(std::chrono::milliseconds{0},
                    std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()));
}

bool anyOf(const All& all, const std::set<ResourceNumber>& some, bool (*holds)(const Known&)) {
    return std::any_of(some.begin(), some.end(), [&](ResourceNumber each) { return holds(all.at(each)); });
}

}  // namespace

void sayFarewell(HostService& service) {
    const auto offlineDeadline = Clock::now() + offlinePatience;
    const auto terminateDeadline = offlineDeadline + terminatePatience;
    std::set<std::uint32_t, std::greater<>> ranks;  // dependents first (W-412)
    for (const auto& [number, known] : service.known()) ranks.insert(known.rank);
    for (const std::uint32_t rank : ranks) {
        std::set<ResourceNumber> leaving;
        for (const auto& [number, known] : service.known()) {
            if (known.rank != rank || !mustStop(known)) continue;
            leaving.insert(number);
            // A working Online is not waited for; Terminate may overlap it (W-102).
            service.order(number, known.calls > 0 || known.pending ? EntryPoint::terminate : EntryPoint::offline);
        }
        const auto gone = [&](const All& all) { return !anyOf(all, leaving, &mustStop); };
        const auto settled = [&](const All& all) {
            return !anyOf(all, leaving, [](const Known& known) { return known.calls > 0 || known.pending; });
        };
        if (service.wait(until(offlineDeadline), [&](const All& all) { return gone(all) || settled(all); }) &&
            service.wait(std::chrono::milliseconds{0}, gone)) {
            continue;
        }
        for (const auto& [number, known] : service.known()) {
            if (leaving.contains(number) && mustStop(known)) service.order(number, EntryPoint::terminate);
        }
        static_cast<void>(service.wait(until(terminateDeadline), gone));
    }
    std::set<ResourceNumber> closing;
    for (const auto& [number, known] : service.known()) {
        if (!known.open || known.touched || known.calls > 0) continue;
        closing.insert(number);
        service.order(number, EntryPoint::close);
    }
    static_cast<void>(service.wait(closePatience, [&](const All& all) {
        return !anyOf(all, closing, [](const Known& known) { return known.open && known.calls > 0; });
    }));
}

}  // namespace holdfast::inline v1::host
