// SPDX-License-Identifier: BSL-1.0

#include "notifier.hpp"

#include <holdfast/os/child.hpp>

#include <unistd.h>

#include <chrono>
#include <thread>

namespace holdfast::inline v1::ocf {
namespace {

constexpr int attempts = 3;

std::string find(const std::string& program) {
    for (const char* const folder : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/usr/local/sbin/"}) {
        if (::access((folder + program).c_str(), X_OK) == 0) return folder + program;
    }
    return {};
}

void tell(const std::string& resource, const std::string& node, Logger& logger, const std::atomic<bool>& cancelled) {
    const std::string program = find("crm_resource");
    if (program.empty()) {
        logger.log(LogLevel::error,
                   "InstantFailure=notify: there is no crm_resource; the next monitor tells the failure");
        return;
    }
    os::ChildOrder order;
    order.program = program;
    order.arguments = {"--fail", "--resource", resource};
    if (!node.empty()) order.arguments.insert(order.arguments.end(), {"--node", node});
    for (int attempt = 1; attempt <= attempts && !cancelled; ++attempt) {
        std::string said;
        const auto outcome = os::runChild(
            order, [&](std::string_view output) { said.append(output.substr(0, 500)); },
            [&] { return cancelled.load(); });
        if (outcome.good() || cancelled) return;
        logger.log(LogLevel::warning, "crm_resource --fail: " + outcome.toString() + ": " + said);
        for (int tenth = 0; tenth < 10 && !cancelled; ++tenth)
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
}

}  // namespace

void Notifier::notify(const std::string& resource, const std::string& node) {
    cancel();
    cancelled_ = std::make_shared<std::atomic<bool>>(false);
    std::thread{[resource, node, logger = logger_, cancelled = cancelled_] {
        try {
            tell(resource, node, *logger, *cancelled);
        } catch (const std::exception& error) {
            logger->log(LogLevel::error, std::string{"InstantFailure=notify: "} + error.what());
        }
    }}.detach();
}

void Notifier::cancel() noexcept {
    if (cancelled_) cancelled_->store(true);
}

}  // namespace holdfast::inline v1::ocf
