// SPDX-License-Identifier: BSL-1.0
#include "cli/view.hpp"

#include "cli/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

namespace holdfast::inline v1::cli {

namespace {

namespace json = boost::json;
using Mood = ViewRow::Mood;

constexpr std::size_t leastName = 13;
constexpr std::size_t mostName = 40;
constexpr std::size_t stateWidth = 14;
constexpr std::size_t ageWidth = 4;
constexpr std::size_t checkWidth = 5;
constexpr std::size_t countWidth = 4;
constexpr std::size_t leastWorst = 20;
constexpr std::size_t mostWorst = 34;
constexpr std::size_t hostWidth = 7;

std::string textOf(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

std::optional<std::int64_t> numberOf(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (value == nullptr || !(value->is_int64() || value->is_uint64())) return std::nullopt;
    return value->is_int64() ? value->get_int64() : static_cast<std::int64_t>(value->get_uint64());
}

std::optional<ViewRow::Ms> timeOf(const json::object& object, std::string_view key) {
    const auto number = numberOf(object, key);
    return number ? std::optional{ViewRow::Ms{*number}} : std::nullopt;
}

Mood moodOf(std::string_view state) {
    if (state == "Online") return Mood::good;
    if (state == "Failed") return Mood::bad;
    return state.ends_with("Pending") ? Mood::pending : Mood::idle;
}

std::string_view colourOf(Mood mood) {
    switch (mood) {
        case Mood::good: return "\x1b[32m";
        case Mood::pending: return "\x1b[33m";
        case Mood::bad: return "\x1b[1;31m";
        case Mood::idle: return "\x1b[2m";
    }
    return "";
}

std::string shortCount(std::uint64_t number) {
    if (number < 1'000) return std::to_string(number);
    if (number < 1'000'000) return fmt::format("{}k", number / 1'000);
    return fmt::format("{}M", number / 1'000'000);
}

/** Which columns there is room for, and how wide those are that can grow. */
struct Layout {
    std::size_t name{leastName};
    std::size_t state{stateWidth};
    bool check{false};
    bool counts{false};
    std::size_t worst{0};  ///< 0: none
    bool host{false};
};

Layout layoutFor(const ViewModel& model, std::size_t columns) {
    Layout out;
    const std::size_t least = leastName + 1 + stateWidth + 1 + ageWidth;
    if (columns < least) {
        const std::size_t room = columns > ageWidth + 2 ? columns - ageWidth - 2 : 0;
        out.name = room / 2;
        out.state = room - out.name;
        return out;
    }
    std::size_t left = columns - least;
    const auto take = [&](std::size_t width) {
        if (left < width) return false;
        left -= width;
        return true;
    };
    out.check = take(1 + checkWidth);
    out.counts = out.check && take(3 * countWidth);
    const bool hosts = std::any_of(model.rows.begin(), model.rows.end(), [](const auto& row) { return row.host != 0; });
    if (out.counts && take(1 + leastWorst)) out.worst = leastWorst;
    out.host = hosts && out.worst != 0 && take(1 + hostWidth);
    if (out.worst != 0) {
        const std::size_t more = std::min(left, mostWorst - leastWorst);
        out.worst += more;
        left -= more;
    }
    std::size_t longest = leastName;
    for (const auto& row : model.rows) longest = std::max(longest, cells(sanitised(row.name)));
    out.name += std::min(left, std::min(longest, mostName) - leastName);
    return out;
}

/** "Online 73us of 300ms", or as much of that as there is room for. */
std::string worstText(const ViewRow& row, std::size_t width) {
    if (row.worstBudget.count() <= 0) return "-";
    const std::string call = sanitised(row.worstCall);
    for (const std::string_view between : {" of ", "/"}) {
        auto text = fmt::format("{} {}{}{}", call, shortSpan(row.worstSpan), between, shortSpan(row.worstBudget));
        if (cells(text) <= width) return text;
    }
    const auto percent = row.worstSpan.count() * 100 / row.worstBudget.count();
    return percent == 0 ? call + " <1%" : fmt::format("{} {}%", call, percent);
}

/** A log line is aligned for a wide page: here it may not waste room. */
std::string narrow(std::string_view line) {
    std::string out;
    for (const char c : line) {
        if (c != ' ' || !out.ends_with(' ')) out.push_back(c);
    }
    return out;
}

class Renderer {
public:
    Renderer(const ViewModel& model, const ViewSize& size, const ViewStyle& style)
        : model_{model}, size_{size}, style_{style}, layout_{layoutFor(model, size.columns)} {}

    std::vector<std::string> lines() {
        if (size_.columns == 0 || size_.lines == 0) return {};
        add(paint(fit(title()), "\x1b[1m"));
        add(paint(fit(heading()), "\x1b[4m"));
        resources();
        log();
        if (out_.size() > size_.lines) out_.resize(size_.lines);
        return std::move(out_);
    }

private:
    void add(std::string line) { out_.push_back(std::move(line)); }
    [[nodiscard]] std::string fit(std::string_view text) const { return fitted(text, size_.columns, style_.utf8); }
    [[nodiscard]] std::string cell(std::string_view text, std::size_t width) const {
        return padded(text, width, style_.utf8);
    }
    [[nodiscard]] std::string paint(std::string text, std::string_view colour) const {
        return style_.colours ? fmt::format("{}{}\x1b[0m", colour, text) : std::move(text);
    }

    [[nodiscard]] std::string title() const {
        std::array<std::size_t, 4> moods{};
        for (const auto& row : model_.rows) ++moods[static_cast<std::size_t>(row.mood)];
        static constexpr std::array<std::string_view, 4> names{"online", "pending", "failed", "offline"};
        std::string counts;
        for (std::size_t i = 0; i < moods.size(); ++i) {
            if (moods[i] > 0) counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", moods[i], names[i]);
        }
        return fmt::format("{}  {}", sanitised(model_.title), counts);
    }

    [[nodiscard]] std::string heading() const {
        std::string out =
            cell("RESOURCE", layout_.name) + " " + cell("STATE", layout_.state) + " " + paddedLeft("FOR", ageWidth);
        if (layout_.check) out += " " + paddedLeft("CHECK", checkWidth);
        if (layout_.counts)
            out += paddedLeft("ON", countWidth) + paddedLeft("RST", countWidth) + paddedLeft("FL", countWidth);
        if (layout_.worst > 0) out += " " + cell("WORST CALL", layout_.worst);
        if (layout_.host) out += " " + paddedLeft("HOST", hostWidth);
        return out;
    }

    [[nodiscard]] std::string rowLine(const ViewRow& row) const {
        if (layout_.name == 0) return fit(sanitised(row.name));  // there is room for nothing else
        const auto age = [](const std::optional<ViewRow::Ms>& time) {
            return time ? shortAge(*time) : std::string{"-"};
        };
        std::string out = cell(sanitised(row.name), layout_.name) + " " +
                          paint(cell(sanitised(row.state), layout_.state), colourOf(row.mood)) + " " +
                          paddedLeft(age(row.age), ageWidth);
        if (layout_.check) {
            const auto check = paddedLeft(age(row.checkAge) + (row.checkAlive ? "" : "!"), checkWidth);
            out += " " + (row.checkAlive ? check : paint(check, colourOf(Mood::bad)));
        }
        if (layout_.counts) {
            for (const auto count : {row.onlines, row.restarts, row.failures})
                out += paddedLeft(shortCount(count), countWidth);
        }
        if (layout_.worst > 0) {
            const auto text = cell(worstText(row, layout_.worst), layout_.worst);
            out += " " + (row.worstSpan > row.worstBudget ? paint(text, colourOf(Mood::pending)) : text);
        }
        if (layout_.host) out += " " + paddedLeft(row.host == 0 ? "-" : std::to_string(row.host), hostWidth);
        return out;
    }

    /** What people want to know next; empty if all is well. */
    [[nodiscard]] static std::string detail(const ViewRow& row) {
        std::string out;
        if (row.stepAge) {
            out = fmt::format("  {}, {} ago", row.step.empty() ? "nothing said yet" : sanitised(row.step),
                              shortAge(*row.stepAge));
        } else if (row.restartIn) {
            out = fmt::format("  restart in {}", shortAge(*row.restartIn));
        }
        if (row.mood == Mood::bad && !row.reason.empty())
            out += fmt::format("{}{}", out.empty() ? "  " : ": ", sanitised(row.reason));
        return out;
    }

    void resources() {
        // Some of the log is always wanted, and one line says what is missing.
        const std::size_t room = size_.lines > out_.size() + 6 ? size_.lines - out_.size() - 5 : 1;
        const auto height = [](const ViewRow& row) { return detail(row).empty() ? std::size_t{1} : std::size_t{2}; };
        std::vector<std::size_t> order(model_.rows.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        const auto urgency = [&](std::size_t i) {
            switch (model_.rows[i].mood) {
                case Mood::bad: return 0;
                case Mood::pending: return 1;
                case Mood::idle: return 2;
                case Mood::good: return 3;
            }
            return 3;
        };
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return urgency(a) < urgency(b); });
        std::vector<bool> shown(model_.rows.size(), false);
        std::size_t used = 0;
        std::size_t hidden = 0;
        for (const auto i : order) {
            if (used + height(model_.rows[i]) > room || hidden > 0) {
                ++hidden;
                continue;
            }
            used += height(model_.rows[i]);
            shown[i] = true;
        }
        for (std::size_t i = 0; i < model_.rows.size(); ++i) {
            if (!shown[i]) continue;
            const auto& row = model_.rows[i];
            add(rowLine(row));
            if (const auto more = detail(row); !more.empty()) add(paint(fit(more), colourOf(row.mood)));
        }
        if (hidden > 0) add(fit(fmt::format("and {} more that {} not fit here", hidden, hidden == 1 ? "does" : "do")));
    }

    void log() {
        const std::size_t footer = model_.footer.empty() ? 0 : 1;
        if (out_.size() + 1 + footer < size_.lines && !model_.log.empty()) {
            add({});
            const std::size_t room = size_.lines - out_.size() - footer;
            const std::size_t from = model_.log.size() > room ? model_.log.size() - room : 0;
            for (std::size_t i = from; i < model_.log.size(); ++i) add(fit(narrow(sanitised(model_.log[i]))));
        }
        if (footer == 0 || out_.size() >= size_.lines) return;
        while (out_.size() + 1 < size_.lines) add({});
        add(paint(fit(sanitised(model_.footer)), "\x1b[2m"));
    }

    const ViewModel& model_;
    const ViewSize size_;
    const ViewStyle style_;
    const Layout layout_;
    std::vector<std::string> out_;
};

}  // namespace

ViewRow rowOf(const json::object& resource) {
    ViewRow row;
    row.name = textOf(resource, "name");
    row.state = textOf(resource, "external");
    row.mood = moodOf(row.state);
    row.age = timeOf(resource, "age");
    row.step = textOf(resource, "step");
    row.stepAge = timeOf(resource, "stepAge");
    row.onlines = static_cast<std::uint64_t>(numberOf(resource, "onlines").value_or(0));
    row.restarts = static_cast<std::uint64_t>(numberOf(resource, "restarts").value_or(0));
    row.failures = static_cast<std::uint64_t>(numberOf(resource, "failures").value_or(0));
    row.restartIn = timeOf(resource, "restartIn");
    row.reason = textOf(resource, "reason");
    row.host = numberOf(resource, "hostProcess").value_or(0);
    if (const auto* check = resource.if_contains("lastCheck"); check != nullptr && check->is_object()) {
        row.checkAge = timeOf(check->get_object(), "age");
        const auto* alive = check->get_object().if_contains("alive");
        row.checkAlive = alive == nullptr || !alive->is_bool() || alive->get_bool();
    }
    if (const auto* worst = resource.if_contains("worst"); worst != nullptr && worst->is_object()) {
        row.worstCall = textOf(worst->get_object(), "entryPoint");
        row.worstSpan = std::chrono::nanoseconds{numberOf(worst->get_object(), "span").value_or(0)};
        row.worstBudget = std::chrono::nanoseconds{numberOf(worst->get_object(), "budget").value_or(0)};
    }
    return row;
}

std::vector<std::string> renderView(const ViewModel& model, const ViewSize& size, const ViewStyle& style) {
    return Renderer{model, size, style}.lines();
}

}  // namespace holdfast::inline v1::cli
