// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/control_connection.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

namespace holdfast::inline v1::cli {

/** Why a monitor could not be asked. */
class ClientError : public std::runtime_error {
public:
    enum class Kind {
        noMonitor,  ///< nobody listens there, or we are not heard
        lost,       ///< it ended, or hung up
        late,       ///< no answer in time
        refused,    ///< it says no
    };
    ClientError(Kind kind, const std::string& text, std::string code = {})
        : std::runtime_error{text}, kind_{kind}, code_{std::move(code)} {}
    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    /** Of a refusal: the protocol's code. */
    [[nodiscard]] const std::string& code() const noexcept { return code_; }

private:
    Kind kind_;
    std::string code_;
};

/**
 * The other end of the control socket: asks one thing at a time.
 *
 * @par Thread safety One owner. @par Errors Throws `ClientError`.
 */
class ControlClient {
public:
    using Ms = std::chrono::milliseconds;

    explicit ControlClient(const std::filesystem::path& path);
    ControlClient(const ControlClient&) = delete;
    ControlClient& operator=(const ControlClient&) = delete;
    ~ControlClient() = default;

    /** Asks and waits for the result; events that come meanwhile go to `onEvent`. */
    [[nodiscard]] boost::json::value ask(boost::json::object request, Ms patience);
    /** Waits for events; false if none came in time. */
    bool listen(Ms patience);
    [[nodiscard]] const std::string& program() const noexcept { return program_; }

    std::function<void(const boost::json::object& record)> onEvent;

private:
    [[nodiscard]] std::optional<boost::json::object> line(std::chrono::steady_clock::time_point deadline);

    ControlConnection connection_;
    std::int64_t lastId_{0};
    std::string buffer_;
    std::string program_;
};

}  // namespace holdfast::inline v1::cli
