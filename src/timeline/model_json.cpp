// SPDX-License-Identifier: BSL-1.0
#include "timeline/html.hpp"
#include "timeline/words.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <iterator>
#include <map>

namespace holdfast::inline v1::timeline {

namespace {

namespace json = boost::json;

/** A text as JSON in which no '<' begins a tag or a comment of HTML. */
std::string quoted(std::string_view text) {
    std::string out;
    for (const char c : json::serialize(json::string{text.data(), text.size()})) {
        if (c == '<') {
            out += "\\u003c";
        } else {
            out += c;
        }
    }
    return out;
}

/** Each text once: thousands of calls say the same. */
class Texts {
public:
    std::size_t number(const std::string& text) {
        const auto [found, isNew] = numbers_.try_emplace(text, numbers_.size());
        if (isNew) all_ += (all_.empty() ? "" : ",\n") + quoted(text);
        return found->second;
    }
    [[nodiscard]] const std::string& all() const { return all_; }

private:
    std::map<std::string, std::size_t> numbers_;
    std::string all_;
};

std::int64_t indexOf(std::size_t value) { return value == none ? -1 : static_cast<std::int64_t>(value); }

}  // namespace

std::string toPageJson(const Model& model, std::string_view title) {
    Texts texts;
    std::string lanes;
    for (const Lane& lane : model.lanes) {
        lanes += fmt::format("{}[{},{},{},{},{},{}]", lanes.empty() ? "" : ",\n", static_cast<int>(lane.kind),
                             quoted(lane.name), lane.hasMarks ? 1 : 0, lane.hasStates ? 1 : 0, lane.pendingRows,
                             lane.callRows);
    }
    std::string spans;
    for (const Span& span : model.spans) {
        fmt::format_to(std::back_inserter(spans), "{}[{},{},{},{},{},{},{},{},{},{},{},{},{}]",
                       spans.empty() ? "" : ",\n", static_cast<int>(span.kind), static_cast<int>(span.grade),
                       static_cast<int>(span.tone), span.open ? 1 : 0, span.begin - model.begin, span.length,
                       span.budget, texts.number(span.name), texts.number(joined(span.facts)), span.lane, span.row,
                       indexOf(span.threadLane), span.threadRow);
    }
    std::string marks;
    for (const Mark& mark : model.marks) {
        fmt::format_to(std::back_inserter(marks), "{}[{},{},{},{},{},{}]", marks.empty() ? "" : ",\n",
                       static_cast<int>(mark.kind), mark.at - model.begin, texts.number(mark.name),
                       texts.number(joined(mark.facts)), mark.lane, indexOf(mark.pending));
    }
    std::string notes;
    for (const auto& note : model.notes) notes += (notes.empty() ? "" : ",") + quoted(note);
    return fmt::format(
        "{{\"title\":{},\"beginMs\":{},\"beginNs\":{},\"length\":{},\n\"notes\":[{}],\n\"lanes\":[{}],\n\"texts\":[{}],"
        "\n"
        "\"spans\":[{}],\n\"marks\":[{}]}}",
        quoted(title), model.begin / 1'000'000, model.begin % 1'000'000, model.end - model.begin, notes, lanes,
        texts.all(), spans, marks);
}

}  // namespace holdfast::inline v1::timeline
