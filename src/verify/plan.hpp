// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v1::verify {

/** What to put into the author's member `entry` of an agent built with holdfast. */
struct Injection {
    enum class Fault : std::uint8_t { hang, slow, fail, crash };
    Fault fault{Fault::hang};
    std::string entry;  ///< "online", "isAlive", ...

    [[nodiscard]] std::string text() const;
};

/** What is verified, and how. Everything random comes from `seed`. */
struct Plan {
    std::filesystem::path library;
    std::string type;
    std::vector<std::pair<std::string, std::string>> properties;  ///< as typed; the library's formats decide
    std::uint64_t seed{1};
    std::chrono::milliseconds callLimit{5'000};         ///< a call that takes longer hangs
    std::chrono::milliseconds operationLimit{60'000};   ///< a pending operation that takes longer is endless
    std::chrono::milliseconds pendingTimeout{180'000};  ///< longest gap between its reports (W-220)
    std::chrono::milliseconds detectLimit{60'000};      ///< longest time until a failure is noticed
    std::string breakCommand;                           ///< makes the resource fail; empty: none
    std::string mendCommand;                            ///< undoes it
    std::vector<Injection> injections;
    std::uint32_t openCycles{1'000};
    std::uint32_t onlineCycles{200};

    [[nodiscard]] std::string toJson() const;
    [[nodiscard]] static Plan fromJson(std::string_view text);
};

}  // namespace holdfast::inline v1::verify
