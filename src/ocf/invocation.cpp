// SPDX-License-Identifier: BSL-1.0

#include "invocation.hpp"

#include "message.hpp"

#include <algorithm>
#include <limits>

namespace holdfast::inline v1::ocf {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view parameterPrefix = "OCF_RESKEY_";

std::string valueOf(const Environment& environment, std::string_view name) {
    for (const std::string_view entry : environment) {
        if (entry.size() > name.size() && entry.compare(0, name.size(), name) == 0 && entry[name.size()] == '=') {
            return std::string{entry.substr(name.size() + 1)};
        }
    }
    return {};
}

/** A number of the engine's that is not one is no reason to fail the resource: it is said and left out. */
std::int64_t numberOf(const Environment& environment, std::string_view name, Invocation& invocation) {
    const std::string text = valueOf(environment, name);
    if (text.empty()) return 0;
    const auto number = wholeNumber(text);
    if (number && *number >= 0 && *number <= std::numeric_limits<int>::max()) return *number;
    invocation.warnings.push_back(std::string{name} + " is \"" + text + "\", which is no number; ignored");
    return 0;
}

}  // namespace

milliseconds Invocation::budget() const noexcept {
    if (timeout.count() <= 0) return std::chrono::minutes{10};
    const milliseconds margin = std::max<milliseconds>(std::chrono::seconds{1}, timeout / 10);
    return timeout - std::min<milliseconds>(margin, timeout / 2);
}

Environment environmentFrom(char** variables) {
    Environment environment;
    for (; variables != nullptr && *variables != nullptr; ++variables) environment.emplace_back(*variables);
    return environment;
}

Invocation readInvocation(const std::vector<std::string>& arguments, const Environment& environment) {
    Invocation call;
    if (!arguments.empty()) call.action = arguments.front();
    if (call.action == "status") call.action = "monitor";  // L-062

    if (auto name = valueOf(environment, "OCF_RESOURCE_INSTANCE"); !name.empty()) call.instance = std::move(name);
    call.type = valueOf(environment, "OCF_RESOURCE_TYPE");
    call.provider = valueOf(environment, "OCF_RESOURCE_PROVIDER");
    call.node = valueOf(environment, "OCF_RESKEY_CRM_meta_on_node");
    call.timeout = milliseconds{numberOf(environment, "OCF_RESKEY_CRM_meta_timeout", call)};
    call.interval = milliseconds{numberOf(environment, "OCF_RESKEY_CRM_meta_interval", call)};
    call.level = static_cast<int>(numberOf(environment, "OCF_CHECK_LEVEL", call));
    call.fromExecutor = valueOf(environment, "PCMK_service") == "pacemaker-execd";

    for (const auto* const name : {"HA_LOGFILE", "PCMK_logfile"}) {
        if (call.logFile.empty()) call.logFile = valueOf(environment, name);
    }
    if (call.logFile.empty() || call.logFile.front() != '/') call.logFile.clear();  // "none", "/dev/null" is none, too
    for (const auto* const name : {"HA_LOGFACILITY", "PCMK_logfacility"}) {
        if (call.logFacility.empty()) call.logFacility = valueOf(environment, name);
    }
    if (call.logFacility == "none") call.logFacility.clear();
    call.debug = valueOf(environment, "HA_debug") == "1" || valueOf(environment, "PCMK_debug") == "1";

    const std::string major = valueOf(environment, "OCF_RA_VERSION_MAJOR");
    if (!major.empty() && major != "1") {
        call.complaint = "OCF resource agent API version " + major + " is not known here; this agent knows version 1";
    }
    for (const std::string_view entry : environment) {
        if (entry.compare(0, parameterPrefix.size(), parameterPrefix) != 0) continue;
        const std::string_view rest = entry.substr(parameterPrefix.size());
        const std::size_t equals = rest.find('=');
        if (equals == 0 || equals == std::string_view::npos) continue;
        const std::string_view name = rest.substr(0, equals);
        // L-023: the engine's own.
        if (name.compare(0, 9, "CRM_meta_") == 0 || name == "crm_feature_set") continue;
        if (equals + 1 == rest.size()) continue;  // L-022: empty means the default
        call.parameters.emplace_back(std::string{name}, std::string{rest.substr(equals + 1)});
    }
    return call;
}

}  // namespace holdfast::inline v1::ocf
