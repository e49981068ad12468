// SPDX-License-Identifier: BSL-1.0
#include "cli/control_client.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <utility>

namespace holdfast::inline v1::cli {

namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;
using Kind = ClientError::Kind;

constexpr std::int64_t protocol = 1;
constexpr std::size_t longestLine = 64U << 20U;  // a monitor with very many resources
constexpr auto greetingPatience = std::chrono::seconds{5};

[[noreturn]] void throwRefusal(const json::object& object) {
    const auto* error = object.if_contains("error");
    if (error == nullptr || !error->is_object()) throw ClientError{Kind::lost, "the monitor's answer makes no sense"};
    const auto text = [&](std::string_view key) {
        const auto* value = error->get_object().if_contains(key);
        return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
    };
    std::string message = text("text");
    if (const auto near = text("suggestion"); !near.empty()) message += fmt::format("; did you mean '{}'?", near);
    const auto code = text("code");
    const bool unheard = code == "forbidden" || code == "tooManyConnections";
    const bool hungUp = code == "idle" || code == "unfinished";
    throw ClientError{unheard ? Kind::noMonitor : hungUp ? Kind::lost : Kind::refused, message, code};
}

}  // namespace

ControlClient::ControlClient(const std::filesystem::path& path) : connection_{path} {
    const auto greeting = line(Clock::now() + greetingPatience);
    if (!greeting) throw ClientError{Kind::noMonitor, fmt::format("the monitor at {} does not answer", path.string())};
    const auto* hello = greeting->if_contains("hello");
    if (hello == nullptr || !hello->is_object()) throwRefusal(*greeting);
    const auto& object = hello->get_object();
    const auto* spoken = object.if_contains("protocol");
    if (spoken == nullptr || *spoken != json::value(protocol)) {
        throw ClientError{Kind::noMonitor,
                          fmt::format("the monitor at {} speaks protocol {}, this program {}", path.string(),
                                      spoken == nullptr ? "?" : json::serialize(*spoken), protocol)};
    }
    if (const auto* name = object.if_contains("program"); name != nullptr && name->is_string())
        program_ = name->get_string();
}

/** The next line; nothing if none came in time. */
std::optional<json::object> ControlClient::line(Clock::time_point deadline) {
    std::size_t searched = 0;
    for (;;) {
        const auto end = buffer_.find('\n', searched);
        if (end != std::string::npos) {
            boost::system::error_code error;
            auto value = json::parse(std::string_view{buffer_}.substr(0, end), error);
            buffer_.erase(0, end + 1);
            if (error || !value.is_object()) throw ClientError{Kind::lost, "what the monitor says is no JSON"};
            return std::move(value.get_object());
        }
        searched = buffer_.size();
        if (searched > longestLine) throw ClientError{Kind::lost, "the monitor's line has no end"};
        const auto bytes = connection_.receive(deadline);
        if (!bytes) return std::nullopt;
        buffer_.append(*bytes);
    }
}

json::value ControlClient::ask(json::object request, Ms patience) {
    const auto deadline = Clock::now() + patience;
    const std::int64_t id = ++lastId_;
    request["id"] = id;
    connection_.send(json::serialize(request) + "\n", deadline);
    for (;;) {
        auto answer = line(deadline);
        if (!answer) throw ClientError{Kind::late, fmt::format("no answer within {} ms", patience.count())};
        if (const auto* event = answer->if_contains("event"); event != nullptr && event->is_object()) {
            if (onEvent) onEvent(event->get_object());
            continue;
        }
        const auto* whose = answer->if_contains("id");
        if (whose != nullptr && whose->is_int64() && whose->get_int64() != id) continue;  // an earlier, late one
        const auto* good = answer->if_contains("ok");
        if (good == nullptr || !good->is_bool() || !good->get_bool()) throwRefusal(*answer);
        const auto* result = answer->if_contains("result");
        return result == nullptr ? json::value{} : *result;
    }
}

bool ControlClient::listen(Ms patience) {
    auto next = line(Clock::now() + patience);
    if (!next) return false;
    const auto* event = next->if_contains("event");
    if (event == nullptr || !event->is_object()) throwRefusal(*next);
    if (onEvent) onEvent(event->get_object());
    return true;
}

}  // namespace holdfast::inline v1::cli
