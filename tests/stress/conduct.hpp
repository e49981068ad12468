// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The agent of the stress test: a type whose members misbehave at random, and what its objects are seen doing.

#include "judge.hpp"

#include <holdfast/agent_type.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <random>
#include <utility>

namespace stress {

/** What is known of the objects of one resource, from its Open to its Close and as long as anything of it is left. */
struct Subject {
    Subject(std::size_t itsNumber, std::uint64_t itsLife) : number{itsNumber}, life{itsLife} {}
    const std::size_t number;             ///< of the place it is opened in
    const std::uint64_t life;             ///< how often that place was opened before
    std::atomic<std::uint64_t> draws{0};  ///< so many decisions were made: each has its own seed
    std::atomic<int> inside{0};           ///< members other than terminate() that run now
    std::atomic<int> terminating{0};      ///< terminate() that runs now
    std::atomic<int> objects{0};          ///< alive now
    std::atomic<bool> running{false};     ///< the entity: there must never be two
    std::atomic<std::uint64_t> ends{0};   ///< terminate() that began
    std::atomic<bool> late{
        false};  ///< what runs was started by a member that a terminate() overtook (D8): it is undone later
    std::atomic<std::uint64_t> members{0};  ///< calls of members so far
};

/** Everything the agent shares with the test. Seed and judge are set before the first resource is opened and never changed. */
struct Room {
    std::uint64_t seed{1};
    Judge* judge{nullptr};

    std::mutex mutex;  // guards what follows; a subject stays where it is
    std::deque<Subject> subjects;

    /** A new one; its place in the list is the resource's name. */
    std::pair<std::size_t, Subject*> add(std::size_t number, std::uint64_t life) {
        const std::lock_guard lock{mutex};
        return {subjects.size(), &subjects.emplace_back(number, life)};
    }
    Subject& at(std::size_t index) {
        const std::lock_guard lock{mutex};
        return subjects.at(index);
    }
};
Room& room();

/** Random numbers of one decision: only the seed, the resource and how many came before decide them. */
[[nodiscard]] std::mt19937_64 draw(Subject& subject);

/** The one type, "Unruly"; a resource's name is the index of its subject. */
[[nodiscard]] const holdfast::AgentTypes& types();

}  // namespace stress
