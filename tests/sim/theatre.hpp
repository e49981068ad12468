// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the simulated agent and the simulation share: the agent's members are played by the program that runs the machine.

#include <holdfast/resource.hpp>

#include <string_view>

namespace sim {

/**
 * Plays the author's part of every resource.
 *
 * @par Thread safety One thread at a time, as everything in a simulation.
 */
class Theatre {
public:
    virtual ~Theatre() = default;
    /** An object was made or destroyed; `context` is its own. */
    virtual void enter(std::string_view resource, const void* object, holdfast::Context& context) = 0;
    virtual void leave(std::string_view resource, const void* object) = 0;
    virtual void online(std::string_view resource, holdfast::Operation& operation) = 0;
    virtual void offline(std::string_view resource, holdfast::Operation& operation) = 0;
    virtual void terminate(std::string_view resource) noexcept = 0;
    virtual holdfast::Verdict isAlive(std::string_view resource, holdfast::Check& check) = 0;
    virtual bool repair(std::string_view resource, holdfast::Check& check) = 0;
};

}  // namespace sim

/** The program's; an agent looks it up by its name. */
extern "C" sim::Theatre* simTheatre() noexcept;
