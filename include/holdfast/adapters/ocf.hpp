// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The OCF side of an agent library: what the two programs are that holdfast_add_agent() makes of it (L-001, L-010).

#include <string>
#include <vector>

namespace holdfast::inline v1::ocf {

/** What is fixed when an agent is built. */
struct Facts {
    const char* name;  ///< of the agent, as `ocf:<provider>:<name>`
    const char* provider;
    const char* hostProgram;  ///< has the author's code
    const char* reaper;       ///< holdfast-reaper; null: where the host program looks for it
};

/** What the host program is beyond that. */
struct ProgramFacts {
    Facts facts;
    const char* typeName;  ///< of the library's types; null: the first
    const char* version;   ///< of the agent
};

/** The argument that makes the host program a resident host, followed by the resource's name; its order comes on descriptor 3. */
inline constexpr const char* residentArgument = "--resident";
inline constexpr int orderDescriptor = 3;

/**
 * The launcher's main: carries out the action that the arguments and the environment tell, by asking the resident host, which it
 * starts where there is none. No code of an author runs in it.
 *
 * @param arguments without the program's own name
 * @return the exit code (section 4 of the contract)
 * @par Budget It answers before the engine's timeout ends (L-077): a tenth of it is kept, at least a second.
 */
[[nodiscard]] int runAction(const Facts& facts, const std::vector<std::string>& arguments);

/** The host program's main: the same, and with `--resident` the resident host. Does not return from the latter. */
[[nodiscard]] int runProgram(const ProgramFacts& facts, int argc, char** argv);

}  // namespace holdfast::inline v1::ocf
