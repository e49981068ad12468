// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/exit_code.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace holdfast::inline v1::cli {

struct VerifyOptions {
    std::string agent;
    std::string type;
    std::vector<std::string> properties;
    std::vector<std::string> only;
    std::vector<std::string> skip;
    std::vector<std::string> inject;
    std::optional<std::uint64_t> seed;
    std::string json;
    std::string junit;
    std::string trace;
    std::string breakCommand;
    std::string mendCommand;
    double callLimit{5};
    double operationLimit{60};
    double pendingTimeout{180};
    double detectLimit{60};
    std::uint32_t openCycles{1'000};
    std::uint32_t onlineCycles{200};
    bool list{false};
    bool quiet{false};
};

[[nodiscard]] CLI::App* addVerifyCommand(CLI::App& program, VerifyOptions& options);
[[nodiscard]] ExitCode runVerify(const VerifyOptions& options);
[[nodiscard]] const char* scenarioVerb();
/** The hidden verb of a scenario's own process. */
[[nodiscard]] int runVerifyScenario(const std::string& scenario);

}  // namespace holdfast::inline v1::cli
