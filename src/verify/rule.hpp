// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::inline v1::verify {

/** What can be said of a rule, from the best to the worst. */
enum class Judgement { passed, notApplicable, notChecked, warned, failed };
[[nodiscard]] std::string_view nameOf(Judgement judgement) noexcept;
[[nodiscard]] std::optional<Judgement> judgementOf(std::string_view name) noexcept;

/** One thing a resource library owes its engine. */
struct Rule {
    std::string_view id;      ///< `group.name`: stable, what `--only` and `--skip` take
    std::string_view clause;  ///< of docs/contract.md
    std::string_view title;   ///< what holds if it is kept
    std::string_view mend;    ///< what to do if it is not
};

/** All of them, in the order they are reported. */
[[nodiscard]] std::span<const Rule> rules() noexcept;
[[nodiscard]] const Rule* findRule(std::string_view id) noexcept;
/** Whether `pattern` (an id, a group, or either with `*`) means the rule. */
[[nodiscard]] bool matches(std::string_view pattern, const Rule& rule) noexcept;

}  // namespace holdfast::inline v1::verify
