// SPDX-License-Identifier: BSL-1.0
#include "monitor/control_protocol.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

namespace json = boost::json;

constexpr std::size_t longestId = 64;
constexpr std::size_t mostHistory = 1'000;

struct VerbRule {
    ControlVerb verb;
    std::string_view name;
    bool resource;                             ///< required
    std::array<std::string_view, 3> optional;  ///< fields beside id, verb and the required resource
};

constexpr std::array<VerbRule, 12> verbs{{
    {ControlVerb::ping, "ping", false, {"protocol", "", ""}},
    {ControlVerb::list, "list", false, {}},
    {ControlVerb::show, "show", true, {}},
    {ControlVerb::online, "online", true, {}},
    {ControlVerb::offline, "offline", true, {}},
    {ControlVerb::fail, "fail", true, {"reason", "", ""}},
    {ControlVerb::set, "set", true, {"properties", "text", ""}},
    {ControlVerb::properties, "properties", true, {}},
    {ControlVerb::events, "events", false, {"resource", "calls", "history"}},
    {ControlVerb::metrics, "metrics", false, {}},
    {ControlVerb::reload, "reload", false, {}},
    {ControlVerb::stop, "stop", false, {}},
}};

ControlRefusal refusal(json::value id, std::string_view code, std::string text) {
    ControlRefusal out;
    out.id = std::move(id);
    out.code = code;
    out.text = std::move(text);
    return out;
}

/** What a peer sent is quoted short and printable. */
std::string quoted(std::string_view text) {
    std::string out{text.substr(0, 64)};
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
    }
    return "'" + out + "'";
}

const VerbRule* ruleOf(std::string_view name) {
    for (const auto& rule : verbs) {
        if (rule.name == name) return &rule;
    }
    return nullptr;
}

std::optional<SettingValue> settingOf(const json::value& value) {
    // Made in its place: GCC 12 with sanitizers takes a moved one for uninitialised.
    std::optional<SettingValue> setting{std::in_place};
    if (const auto* flag = value.if_bool()) return setting->emplace<bool>(*flag), setting;
    if (const auto* whole = value.if_int64()) return setting->emplace<std::int64_t>(*whole), setting;
    if (const auto* fraction = value.if_double()) {
        if (!std::isfinite(*fraction)) return std::nullopt;  // 1e999: no JSON could say it again
        return setting->emplace<double>(*fraction), setting;
    }
    if (const auto* text = value.if_string()) return setting->emplace<std::string>(*text), setting;
    const auto* array = value.if_array();
    if (array == nullptr) return std::nullopt;
    std::vector<std::string> items;
    for (const auto& item : *array) {
        if (!item.is_string()) return std::nullopt;
        items.emplace_back(item.get_string());
    }
    setting->emplace<std::vector<std::string>>(std::move(items));
    return setting;
}

/** Fills `request` from the fields of `object`; what is wrong, or nothing. */
class FieldReader {
public:
    FieldReader(const json::object& object, const VerbRule& rule, ControlRequest& request)
        : object_{object}, rule_{rule}, request_{request} {}

    std::string read() {
        for (const auto& field : object_) {
            const std::string_view name{field.key()};
            if (name == "id" || name == "verb") continue;
            const bool known = (name == "resource" && rule_.resource) || name == rule_.optional[0] ||
                               name == rule_.optional[1] || name == rule_.optional[2];
            if (!known || name.empty()) return fmt::format("'{}' takes no field {}", rule_.name, quoted(name));
        }
        std::string problem = text("resource", request_.resource);
        if (problem.empty() && rule_.resource && request_.resource.empty())
            problem = fmt::format("'{}' needs a 'resource'", rule_.name);
        if (problem.empty()) problem = text("reason", request_.reason);
        if (problem.empty()) problem = flag("calls", request_.calls);
        if (problem.empty()) problem = history();
        if (problem.empty() && rule_.verb == ControlVerb::set) problem = settings();
        return problem;
    }

private:
    std::string text(std::string_view name, std::string& out) const {
        const auto* value = object_.if_contains(name);
        if (value == nullptr) return {};
        if (!value->is_string()) return fmt::format("'{}' must be a string", name);
        out = value->get_string();
        return {};
    }
    std::string flag(std::string_view name, bool& out) const {
        const auto* value = object_.if_contains(name);
        if (value == nullptr) return {};
        if (!value->is_bool()) return fmt::format("'{}' must be true or false", name);
        out = value->get_bool();
        return {};
    }
    std::string history() {
        const auto* value = object_.if_contains("history");
        if (value == nullptr) return {};
        const auto* number = value->if_int64();
        if (number == nullptr || *number < 0 || *number > static_cast<std::int64_t>(mostHistory))
            return fmt::format("'history' must be a number from 0 to {}", mostHistory);
        request_.history = static_cast<std::size_t>(*number);
        return {};
    }
    std::string settings() {
        bool typed = false;
        if (auto problem = flag("text", typed); !problem.empty()) return problem;
        const auto* value = object_.if_contains("properties");
        const auto* properties = value == nullptr ? nullptr : value->if_object();
        if (properties == nullptr || properties->empty())
            return "'set' needs 'properties': an object of names and values";
        for (const auto& [name, given] : *properties) {
            auto setting = settingOf(given);
            if (!setting || (typed && !given.is_string())) {
                return fmt::format("property {}: the value must be {}", quoted(name),
                                   typed ? "a string" : "a boolean, a number, a string or an array of strings");
            }
            request_.settings.push_back({std::string{name}, std::move(*setting), {}, typed});
        }
        return {};
    }

    const json::object& object_;
    const VerbRule& rule_;
    ControlRequest& request_;
};

std::string line(const json::object& object) { return json::serialize(object) + "\n"; }

}  // namespace

std::string_view nameOf(ControlVerb verb) noexcept {
    for (const auto& rule : verbs) {
        if (rule.verb == verb) return rule.name;
    }
    return "?";
}

std::variant<ControlRequest, ControlRefusal> parseRequest(std::string_view text) {
    if (text.size() > controlLineLimit)
        return refusal(nullptr, "tooLong", fmt::format("a line may have {} bytes", controlLineLimit));
    json::parse_options options;
    options.max_depth = controlDepthLimit;
    boost::system::error_code error;
    const json::value value = json::parse(text, error, {}, options);  // refuses invalid UTF-8 too
    if (error) return refusal(nullptr, "malformed", "the line is no JSON: " + error.message());
    const auto* object = value.if_object();
    if (object == nullptr) return refusal(nullptr, "malformed", "a request is a JSON object");

    ControlRequest request;
    if (const auto* id = object->if_contains("id")) {
        const bool good = id->is_null() || id->is_int64() || id->is_uint64() ||
                          (id->is_string() && id->get_string().size() <= longestId);
        if (!good)
            return refusal(nullptr, "malformed",
                           fmt::format("'id' must be an integer or a string of at most {} bytes", longestId));
        request.id = *id;
    }
    const auto* verb = object->if_contains("verb");
    if (verb == nullptr || !verb->is_string()) return refusal(request.id, "malformed", "a request needs a 'verb'");
    const std::string_view name{verb->get_string()};
    const auto* rule = ruleOf(name);
    if (rule == nullptr) {
        auto out = refusal(request.id, "unknownVerb", fmt::format("there is no verb {}", quoted(name)));
        std::vector<std::string_view> names;
        for (const auto& known : verbs) names.push_back(known.name);
        out.suggestion = suggestion(name.substr(0, longestId), names);
        return out;
    }
    request.verb = rule->verb;
    if (const auto* wanted = object->if_contains("protocol");
        wanted != nullptr && *wanted != json::value(controlProtocol) && rule->verb == ControlVerb::ping) {
        return refusal(request.id, "unsupportedProtocol",
                       fmt::format("this monitor speaks protocol {}", controlProtocol));
    }
    auto problem = FieldReader{*object, *rule, request}.read();
    if (!problem.empty()) return refusal(request.id, "malformed", std::move(problem));
    return request;
}

std::string greetingLine(std::string_view program, std::int64_t process) {
    return line({{"hello", json::object{{"protocol", controlProtocol}, {"program", program}, {"process", process}}}});
}

std::string answerLine(const json::value& id, json::value result) {
    return line({{"id", id}, {"ok", true}, {"result", std::move(result)}});
}

std::string refusalLine(const ControlRefusal& refused) {
    json::object error{{"code", refused.code}, {"text", refused.text}};
    if (!refused.suggestion.empty()) error["suggestion"] = refused.suggestion;
    if (refused.win32 != 0) error["win32"] = refused.win32;
    return line({{"id", refused.id}, {"ok", false}, {"error", std::move(error)}});
}

std::string eventLine(std::string_view record) { return fmt::format("{{\"event\":{}}}\n", record); }

}  // namespace holdfast::inline v1::monitor
