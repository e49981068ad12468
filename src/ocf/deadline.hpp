// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The author's code in an action of its own: beside a deadline, and without an engine.

#include <holdfast/context.hpp>
#include <holdfast/os/process.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace holdfast::inline v1::ocf {

/** What an object sees that is built to be looked at. */
class NowhereContext final : public Context {
public:
    explicit NowhereContext(std::string type) : type_{std::move(type)} {}
    [[nodiscard]] std::string resourceName() const override { return "validate-all"; }
    [[nodiscard]] std::string typeName() const override { return type_; }
    [[nodiscard]] std::string nodeName() const override { return os::hostName(); }
    [[nodiscard]] StopReason stopReason() const noexcept override { return StopReason::none; }
    [[nodiscard]] Engine engine() const noexcept override { return Engine::pacemaker; }
    void reportFailure(std::string_view) noexcept override {}
    void log(LogLevel, std::string_view) noexcept override {}

private:
    const std::string type_;
};

/** `call`'s result; empty if it does not come within `patience`. Then its thread is left behind, and the process should end. */
template <typename Call>
[[nodiscard]] auto withinDeadline(Call call, std::chrono::milliseconds patience)
    -> std::optional<std::invoke_result_t<Call>> {
    using Result = std::invoke_result_t<Call>;
    auto promise = std::make_shared<std::promise<Result>>();
    auto future = promise->get_future();
    std::thread{[promise, call = std::move(call)] { promise->set_value(call()); }}.detach();
    if (future.wait_for(patience) != std::future_status::ready) return std::nullopt;
    return future.get();
}

}  // namespace holdfast::inline v1::ocf
