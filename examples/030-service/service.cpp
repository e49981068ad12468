// SPDX-License-Identifier: BSL-1.0
// Any service of the system as a resource: a Windows service by its name, or a systemd unit. What holdfast does not know
// by itself is whether the service does its work; this agent asks for a file that the service touches.
#include <holdfast/service.hpp>

namespace {
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using holdfast::Check, holdfast::Context, holdfast::Verdict;

struct Settings : holdfast::ServiceSettings {
    fs::path heartbeatFile;
    std::chrono::milliseconds heartbeatAge{10s};
};

class Service final : public holdfast::ServiceResource {
public:
    Service(Context& context, const Settings& settings)
        : ServiceResource{context, settings}, file_{settings.heartbeatFile}, age_{settings.heartbeatAge} {}

protected:
    Verdict checkService(Check&) override {
        if (file_.empty()) return Verdict::alive();
        std::error_code error;
        const auto touched = fs::last_write_time(file_, error);
        if (error) return Verdict::failed(fmt::format("no heartbeat in {}: {}", file_.string(), error.message()));
        const auto age = std::chrono::floor<std::chrono::milliseconds>(fs::file_time_type::clock::now() - touched);
        if (age <= age_) return Verdict::alive();
        return Verdict::failed(fmt::format("the last heartbeat in {} is {} ms old", file_.string(), age.count()));
    }

private:
    const fs::path file_;
    const std::chrono::milliseconds age_;
};
}  // namespace

HOLDFAST_AGENT(holdfast::addServiceProperties(holdfast::ResourceType<Service, Settings>{"Service"})
                   .description("A service of the system: a Windows service or a systemd unit")
                   .property("HeartbeatFile", &Settings::heartbeatFile,
                             "A file that the service touches while it works")
                   .property("HeartbeatAge", &Settings::heartbeatAge, holdfast::range(100ms, 24h),
                             "An older heartbeat is a failure"));
