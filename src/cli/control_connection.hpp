// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

namespace holdfast::inline v1::cli {

/**
 * The bytes between `holdfast ctl` and a monitor. One implementation per system.
 *
 * @par Thread safety One owner. @par Errors Throws `ClientError`.
 */
class ControlConnection {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit ControlConnection(const std::filesystem::path& path);
    ControlConnection(const ControlConnection&) = delete;
    ControlConnection& operator=(const ControlConnection&) = delete;
    ~ControlConnection();

    /** Returns quietly if the monitor has hung up: why it did is still to be read. */
    void send(std::string_view bytes, Time deadline);
    /** What came; nothing if nothing did in time. */
    [[nodiscard]] std::optional<std::string_view> receive(Time deadline);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace holdfast::inline v1::cli
