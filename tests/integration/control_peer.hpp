// SPDX-License-Identifier: BSL-1.0
#pragma once

// The other end of a control socket, as well or badly behaved as a test wants it.

#include <boost/json.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::test {

namespace json = boost::json;

inline sockaddr_un addressOf(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

class Peer {
public:
    explicit Peer(const std::filesystem::path& path) : socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        const auto address = addressOf(path);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) hangUp();
    }
    Peer(Peer&& other) noexcept : socket_{std::exchange(other.socket_, -1)}, buffer_{std::move(other.buffer_)} {}
    Peer& operator=(Peer&&) = delete;
    ~Peer() { hangUp(); }

    [[nodiscard]] bool connected() const { return socket_ >= 0; }
    void hangUp() {
        if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    }
    void endOfSending() const { ::shutdown(socket_, SHUT_WR); }
    /** False if the other end is gone. */
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    /** The next line; nothing at the end, or after half a minute: then `ended` is false. */
    std::optional<std::string> line(std::chrono::milliseconds patience = std::chrono::seconds{30}) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        for (;;) {
            if (const auto end = buffer_.find('\n'); end != std::string::npos) {
                auto out = buffer_.substr(0, end);
                buffer_.erase(0, end + 1);
                return out;
            }
            if (ended || std::chrono::steady_clock::now() > deadline) return std::nullopt;
            pollfd ready{socket_, POLLIN, 0};
            if (::poll(&ready, 1, 20) <= 0) continue;
            char chunk[4096];
            const ssize_t count = ::recv(socket_, chunk, sizeof chunk, 0);
            if (count <= 0) {
                ended = true;
                continue;
            }
            buffer_.append(chunk, static_cast<std::size_t>(count));
        }
    }
    /** Reads until the other end hangs up; what it said last. */
    std::string last() {
        std::string text;
        while (auto next = line()) text = *next;
        return text;
    }
    /** The next line that is no event, as an object; empty if there is none. */
    json::object answer() {
        while (const auto text = line()) {
            boost::system::error_code error;
            auto value = json::parse(*text, error);
            if (error || !value.is_object()) return {};
            if (!value.get_object().contains("event")) return value.get_object();
        }
        return {};
    }
    json::object ask(std::string_view request) {
        if (!send(std::string{request} + "\n")) return {};
        return answer();
    }

    bool ended{false};

private:
    int socket_;
    std::string buffer_;
};

/** The code of a refusal; "ok" of an answer, "" of neither. */
inline std::string codeOf(const json::object& answer) {
    const auto* good = answer.if_contains("ok");
    if (good != nullptr && good->is_bool() && good->get_bool()) return "ok";
    const auto* error = answer.if_contains("error");
    if (error == nullptr || !error->is_object()) return {};
    return std::string{error->get_object().at("code").as_string()};
}

inline std::string codeOf(const std::string& line) {
    boost::system::error_code error;
    const auto value = json::parse(line, error);
    return error || !value.is_object() ? std::string{} : codeOf(value.get_object());
}

}  // namespace holdfast::test
