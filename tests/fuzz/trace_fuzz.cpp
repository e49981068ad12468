// SPDX-License-Identifier: BSL-1.0
/// Any bytes as a trace: refused with the line that is wrong, or a model whose parts fit together; and every format that is made of
/// the model is what its readers insist on: UTF-8, well-formed XML, JSON.
#include "fuzz_target.hpp"
#include "well_formed.hpp"

#include "timeline/html.hpp"
#include "timeline/perfetto.hpp"
#include "timeline/svg.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <sstream>
#include <string>

using namespace holdfast::timeline;
using fuzz::promise;

namespace {

/** `whole`: not a part that was cut out of another, where spans reach over its ends. */
void checkModel(const Model& model, bool whole) {
    promise(model.end > model.begin, "a model has a length");
    promise(!model.lanes.empty(), "a model has a lane");
    for (const auto& span : model.spans) {
        promise(span.length >= 0, "a span is not shorter than nothing");
        promise(span.begin <= model.end && span.end() >= model.begin, "a span touches the model");
        promise(!whole || (span.begin >= model.begin && span.end() <= model.end), "a span is within the model");
        promise(span.lane == none || span.lane < model.lanes.size(), "a span's lane is there");
        promise(span.threadLane == none || span.threadLane < model.lanes.size(), "a span's thread is there");
    }
    for (const auto& mark : model.marks) {
        promise(mark.at >= model.begin && mark.at <= model.end, "a mark is within the model");
        promise(mark.lane == none || mark.lane < model.lanes.size(), "a mark's lane is there");
        promise(mark.pending == none || mark.pending < model.spans.size(), "a mark's operation is there");
    }
    promise(std::is_sorted(model.spans.begin(), model.spans.end(),
                           [](const Span& a, const Span& b) { return a.begin < b.begin; }),
            "spans are by their begin");
    promise(std::is_sorted(model.marks.begin(), model.marks.end(),
                           [](const Mark& a, const Mark& b) { return a.at < b.at; }),
            "marks are by their time");
}

bool isJson(std::string_view text) {
    boost::system::error_code error;
    static_cast<void>(boost::json::parse(text, error));
    return !error;
}

void checkFormats(const Model& model, std::string_view title) {
    promise(fuzz::XmlCheck::wellFormed(toSvg(model, title)), "the picture is well-formed XML in UTF-8");
    const std::string page = toPageJson(model, title);
    promise(fuzz::isUtf8(page) && isJson(page), "what the page's script draws is JSON in UTF-8");
    promise(page.find('<') == std::string::npos, "no text of an agent ends the page's script");
    const std::string html = toHtml(model, title);
    promise(fuzz::isUtf8(html) && html.find(page) != std::string::npos, "the page is UTF-8 and has the model");
    const std::string perfetto = toPerfetto(model);
    promise(fuzz::isUtf8(perfetto) && isJson(perfetto), "the Perfetto file is JSON in UTF-8");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{fuzz::textOf(data, size)};
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    Trace trace;
    try {
        std::istringstream in{text};
        trace = readTrace(in);
    } catch (const TraceError& error) {
        const std::string_view why = error.what();
        promise(fuzz::isUtf8(why) && why.find('\n') == std::string_view::npos, "a refusal is one line of UTF-8");
        if (why.starts_with("line ")) {
            const auto line = std::strtoull(why.data() + 5, nullptr, 10);
            promise(line >= 1 && line <= lines, "the line that is refused is in the file");
        }
        return 0;
    }
    promise(!trace.entries.empty() && trace.entries.size() <= lines, "a record is a line");
    const Model model = buildModel(trace);
    checkModel(model, true);
    checkFormats(model, "a <trace> & more");

    // The middle half of it, and its first lane alone.
    const Time quarter = (model.end - model.begin) / 4;
    Cut cut;
    cut.from = model.begin + quarter;
    cut.to = model.end - quarter;
    for (const bool lane : {false, true}) {
        if (lane) cut.resources = {model.lanes.front().name};
        try {
            const Model part = cutModel(model, cut);
            checkModel(part, false);
            checkFormats(part, "");
        } catch (const TraceError& error) {
            promise(fuzz::isUtf8(error.what()), "a refusal is UTF-8");
        }
    }
    return 0;
}
