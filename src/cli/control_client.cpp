// SPDX-License-Identifier: BSL-1.0
#include "cli/control_client.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace holdfast::inline v1::cli {

namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;
using Kind = ClientError::Kind;

constexpr std::int64_t protocol = 1;
constexpr std::size_t longestLine = 64U << 20U;  // a monitor with very many resources
constexpr auto greetingPatience = std::chrono::seconds{5};

std::string systemText(int error) { return std::system_category().message(error); }

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

ControlClient::ControlClient(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.string().size() >= sizeof address.sun_path) {
        throw ClientError{Kind::noMonitor,
                          fmt::format("the path has {} bytes, a socket's may have {}: {}", path.string().size(),
                                      sizeof address.sun_path - 1, path.string())};
    }
    std::memcpy(address.sun_path, path.c_str(), path.string().size() + 1);
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) throw ClientError{Kind::noMonitor, "no socket: " + systemText(errno)};
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        ::close(std::exchange(socket_, -1));
        std::string text = fmt::format("no monitor runs at {}", path.string());
        if (error == EACCES || error == EPERM)
            text = fmt::format("the monitor at {} is not yours: {}", path.string(), systemText(error));
        else if (error != ENOENT && error != ECONNREFUSED)
            text += ": " + systemText(error);
        throw ClientError{Kind::noMonitor, text};
    }
    try {
        const auto greeting = line(Clock::now() + greetingPatience);
        if (!greeting)
            throw ClientError{Kind::noMonitor, fmt::format("the monitor at {} does not answer", path.string())};
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
    } catch (...) {
        ::close(std::exchange(socket_, -1));
        throw;
    }
}

ControlClient::~ControlClient() {
    if (socket_ >= 0) ::close(socket_);
}

void ControlClient::send(const std::string& text, Clock::time_point deadline) {
    std::string_view left = text;
    while (!left.empty()) {
        const ssize_t count = ::send(socket_, left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) {
            left.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return;  // why it hung up is still to be read
        } else if (errno == EAGAIN) {
            if (Clock::now() >= deadline) throw ClientError{Kind::late, "the monitor does not read"};
            pollfd ready{socket_, POLLOUT, 0};
            ::poll(&ready, 1, 100);
        } else if (errno != EINTR) {
            throw ClientError{Kind::lost, "the connection broke: " + systemText(errno)};
        }
    }
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
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        pollfd ready{socket_, POLLIN, 0};
        const int count = ::poll(&ready, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000)));
        if (count < 0 && errno != EINTR) throw ClientError{Kind::lost, "poll failed: " + systemText(errno)};
        if (count <= 0) {
            if (Clock::now() >= deadline) return std::nullopt;
            continue;
        }
        char chunk[16'384];
        const ssize_t size = ::recv(socket_, chunk, sizeof chunk, 0);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) throw ClientError{Kind::lost, "the monitor ended"};
        buffer_.append(chunk, static_cast<std::size_t>(size));
    }
}

json::value ControlClient::ask(json::object request, Ms patience) {
    const auto deadline = Clock::now() + patience;
    const std::int64_t id = ++lastId_;
    request["id"] = id;
    send(json::serialize(request) + "\n", deadline);
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
