// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "timeline/model.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v1::timeline {

/** Finds or makes the lane of a resource or thread. */
class Lanes {
public:
    explicit Lanes(std::vector<Lane>& lanes) : lanes_{lanes} {}

    /** Empty: the lane of the monitor. */
    std::size_t resource(const std::string& name);
    /** Threads are numbered within their host; an empty host is one that the trace does not name. */
    std::size_t thread(const std::string& host, std::uint64_t number);
    /** A name that the thread has besides its number. */
    void nameThread(std::size_t lane, const std::string& name);

private:
    std::vector<Lane>& lanes_;
    std::map<std::string, std::size_t> resources_;
    std::map<std::pair<std::string, std::uint64_t>, std::size_t> threads_;
};

/** Brings lanes, spans and marks into the order that model.hpp promises, and arranges rows. */
void finishModel(Model& model);

}  // namespace holdfast::inline v1::timeline
