// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "logger.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace holdfast::inline v1::ocf {

/**
 * Tells Pacemaker of a failure by `crm_resource --fail` (L-120), up to three times, on a thread of its own.
 *
 * @par Thread safety One owner; `cancel` ends what still runs, so that no planned stop is reported as a failure (L-127).
 */
class Notifier {
public:
    explicit Notifier(std::shared_ptr<Logger> logger) : logger_{std::move(logger)} {}
    void notify(const std::string& resource, const std::string& node);
    void cancel() noexcept;

private:
    const std::shared_ptr<Logger> logger_;
    std::shared_ptr<std::atomic<bool>> cancelled_;
};

}  // namespace holdfast::inline v1::ocf
