// SPDX-License-Identifier: BSL-1.0
/// Any line as a request on the control socket (docs/control.md): a request, which says the same when it is written as JSON and
/// read again, or a refusal; and every answer is one line of JSON with the peer's id.
#include "fuzz_target.hpp"
#include "well_formed.hpp"

#include "monitor/control_protocol.hpp"

#include <boost/json.hpp>

#include <cmath>
#include <string>

using namespace holdfast::monitor;
using fuzz::promise;
namespace json = boost::json;

namespace {

json::object checkLine(const std::string& line, const json::value& id) {
    promise(fuzz::isUtf8(line), "an answer is UTF-8");
    promise(line.find('\n') + 1 == line.size(), "an answer is one line");
    boost::system::error_code error;
    json::value value = json::parse(line, error);
    promise(!error && value.is_object(), "an answer is a JSON object");
    promise(value.as_object().at("id") == id, "an answer has the id of its request");
    return std::move(value.as_object());
}

json::value toJson(const SettingValue& setting) {
    return std::visit(
        [](const auto& value) -> json::value {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::vector<std::string>>) {
                json::array texts;
                for (const auto& text : value) texts.emplace_back(text);
                return texts;
            } else {
                return json::value(value);
            }
        },
        setting);
}

/** Fractions nearly so: Boost.JSON reads a number of many digits to the last bit but one. */
bool same(const SettingValue& one, const SettingValue& other) {
    const auto* const a = std::get_if<double>(&one);
    const auto* const b = std::get_if<double>(&other);
    if (a == nullptr || b == nullptr) return one == other;
    return std::abs(*a - *b) <= std::abs(*a) * 1e-12;
}

std::string written(const ControlRequest& request) {
    json::object out{{"id", request.id}, {"verb", nameOf(request.verb)}};
    if (!request.resource.empty()) out["resource"] = request.resource;
    if (!request.reason.empty()) out["reason"] = request.reason;
    if (request.calls) out["calls"] = true;
    if (request.history != 0) out["history"] = request.history;
    json::object properties;
    for (const auto& setting : request.settings) {
        properties[setting.name] = toJson(setting.value);
        if (setting.typed) out["text"] = true;
    }
    if (!properties.empty()) out["properties"] = std::move(properties);
    return json::serialize(out);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto line = fuzz::textOf(data, size);
    const auto parsed = parseRequest(line);
    if (const auto* refusal = std::get_if<ControlRefusal>(&parsed)) {
        promise(!refusal->code.empty() && !refusal->text.empty(), "a refusal says why");
        const auto answer = checkLine(refusalLine(*refusal), refusal->id);
        promise(answer.at("ok") == false, "a refusal is not ok");
        return 0;
    }
    const auto& request = std::get<ControlRequest>(parsed);
    promise(fuzz::isUtf8(line) && size <= controlLineLimit, "a request is UTF-8 and not too long");
    promise(request.history <= 1'000, "a peer asks for no more than there is");
    promise(request.verb != ControlVerb::set || !request.settings.empty(), "'set' sets something");
    promise(checkLine(answerLine(request.id, {{"resource", request.resource}}), request.id).at("ok") == true,
            "an answer is ok");

    const std::string text = written(request);
    if (text.size() > controlLineLimit) return 0;  // escapes made it longer
    const auto again = parseRequest(text);
    const auto* read = std::get_if<ControlRequest>(&again);
    promise(read != nullptr, "a request that is written is a request");
    promise(read->id == request.id && read->verb == request.verb && read->resource == request.resource &&
                read->reason == request.reason && read->history == request.history && read->calls == request.calls,
            "a request says the same when it is read again");
    promise(read->settings.size() == request.settings.size(), "no property of a request is lost");
    for (std::size_t i = 0; i < read->settings.size(); ++i) {
        promise(read->settings[i].name == request.settings[i].name &&
                    same(read->settings[i].value, request.settings[i].value),
                "a property of a request is the same when it is read again");
    }
    return 0;
}
