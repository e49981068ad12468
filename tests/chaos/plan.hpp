// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a chaos run supervises: resources of every kind, spread over hosts, and the file that says so to holdfast.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace chaos {

struct Options {
    unsigned resources{200};
    unsigned hosts{50};
    unsigned seconds{120};
    unsigned patience{90};  ///< s, to become steady
    unsigned pause{100};    ///< ms at most between one kill and the next
    std::uint64_t seed{1};
    std::filesystem::path directory;  ///< empty: a temporary one
    std::filesystem::path program;
    std::filesystem::path agent;     ///< examples/020-application
    std::filesystem::path fleeting;  ///< chaos_agent
    std::filesystem::path scripted;
    std::filesystem::path victim;
    bool json{false};
    bool keep{false};
};

enum class Kind : std::uint8_t {
    adoptable,  ///< kept when its host dies
    fleeting,   ///< ended when its host dies
    scripted,   ///< no process at all
};

struct Planned {
    std::string name;
    Kind kind{Kind::adoptable};
    unsigned tree{0};     ///< processes that it scatters
    bool mayFail{false};  ///< a threshold so low that policy gives it up
    std::string group;
    std::string host;
    std::vector<std::string> dependsOn;

    [[nodiscard]] bool runs() const noexcept { return kind != Kind::scripted; }
};

struct Plan {
    std::vector<Planned> resources;
    std::vector<std::string> groups;  ///< odd ones restart as a whole
};

[[nodiscard]] Plan makePlan(const Options& options);
/** DIR/chaos.toml. */
[[nodiscard]] std::filesystem::path writePlan(const Plan& plan, const Options& options);

}  // namespace chaos
