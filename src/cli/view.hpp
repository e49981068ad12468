// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The live view: what a monitor does now, as lines for a terminal. Pure; the terminal is in terminal.hpp.

#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::inline v1::cli {

struct ViewRow {
    enum class Mood { good, pending, bad, idle };
    using Ms = std::chrono::milliseconds;

    std::string name;
    std::string state;
    Mood mood{Mood::idle};
    std::optional<Ms> age;
    std::string step;            ///< of the pending operation
    std::optional<Ms> stepAge;   ///< none: nothing is pending
    std::optional<Ms> checkAge;  ///< none: no check yet
    bool checkAlive{true};
    std::uint64_t onlines{0};
    std::uint64_t restarts{0};
    std::uint64_t failures{0};
    std::optional<Ms> restartIn;
    std::string reason;  ///< of the last failure
    std::string worstCall;
    std::chrono::nanoseconds worstSpan{0};
    std::chrono::nanoseconds worstBudget{0};  ///< 0: no call yet
    std::int64_t host{0};
};

struct ViewModel {
    std::string title;
    std::vector<ViewRow> rows;
    std::vector<std::string> log;  ///< oldest first
    std::string footer;
};

struct ViewSize {
    std::size_t columns{80};
    std::size_t lines{24};
};

struct ViewStyle {
    bool colours{false};
    bool utf8{true};
};

/** A row from a resource as the control socket spells it. */
[[nodiscard]] ViewRow rowOf(const boost::json::object& resource);

/**
 * At most `size.lines` lines of at most `size.columns` cells each, without line ends.
 *
 * What does not fit goes in this order: the host, the worst call, the counts, the last check; of the resources those that
 * are well. The log gets the lines that are left.
 */
[[nodiscard]] std::vector<std::string> renderView(const ViewModel& model, const ViewSize& size, const ViewStyle& style);

}  // namespace holdfast::inline v1::cli
