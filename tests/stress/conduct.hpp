// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The agent of the stress test: a type whose members misbehave at random, and what its objects are seen doing.

#include "judge.hpp"

#include <holdfast/agent_type.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace stress {

/** What is known of the objects of one resource; outlives all of them. */
struct Subject {
    std::size_t number{0};
    std::atomic<std::uint64_t> draws{0};    ///< so many decisions were made: each has its own seed
    std::atomic<int> inside{0};             ///< members other than terminate() that run now
    std::atomic<int> terminating{0};        ///< terminate() that runs now
    std::atomic<int> objects{0};            ///< alive now
    std::atomic<bool> running{false};       ///< the entity: there must never be two
    std::atomic<std::uint64_t> members{0};  ///< calls of members so far
};

/** Everything the agent shares with the test; set before the first resource is opened, never changed. */
struct Room {
    std::uint64_t seed{1};
    Judge* judge{nullptr};
    std::vector<Subject>* subjects{nullptr};
};
Room& room();

/** Random numbers of one decision: only the seed, the resource and how many came before decide them. */
[[nodiscard]] std::mt19937_64 draw(Subject& subject);

/** The one type, "Unruly"; a resource's name is the number of its subject. */
[[nodiscard]] const holdfast::AgentTypes& types();

}  // namespace stress
