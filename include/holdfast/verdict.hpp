// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v1 {

/**
 * What a health check found: alive, or failed and why.
 *
 * @par Thread safety A value; distinct objects are independent.
 */
class Verdict {
public:
    /** The resource answered as it should. */
    [[nodiscard]] static Verdict alive() { return Verdict{true, {}}; }

    /** The resource is broken; `reason` reaches the engine's log and the operator, so say what was seen. */
    [[nodiscard]] static Verdict failed(std::string_view reason) { return Verdict{false, std::string{reason}}; }

    [[nodiscard]] bool isAlive() const noexcept { return alive_; }
    explicit operator bool() const noexcept { return alive_; }

    /** Empty when alive. */
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

private:
    Verdict(bool alive, std::string reason) : alive_{alive}, reason_{std::move(reason)} {}

    bool alive_;
    std::string reason_;
};

/** What `Resource::probe()` saw of an entity that this object did not start. */
enum class Presence {
    unknown,     ///< cannot tell: online() must be idempotent (W-124)
    notRunning,  ///< proved absent
    running,     ///< somebody runs it already: adopt it, or it is terminated before online() (W-124)
};

}  // namespace holdfast::inline v1
