// SPDX-License-Identifier: BSL-1.0

#include <holdfast/context.hpp>

namespace holdfast::inline v1 {
namespace {

/** The texts of a value, be it one or a list. */
void append(std::vector<std::string>& texts, const PropertyValue* value) {
    if (value == nullptr) return;
    if (const auto* text = value->as<std::string>()) {
        if (!text->empty()) texts.push_back(*text);
    } else if (const auto* list = value->as<Strings>()) {
        texts.insert(texts.end(), list->begin(), list->end());
    }
}

bool isAddress(const Dependency& dependency) {
    return samePropertyName(dependency.type, "IP Address") || samePropertyName(dependency.type, "IPv6 Address");
}

}  // namespace

const Dependency* Dependencies::find(std::string_view name) const noexcept {
    for (const auto& dependency : list_) {
        if (samePropertyName(dependency.name, name)) return &dependency;
    }
    return nullptr;
}

const Dependency* Dependencies::ofType(std::string_view type) const noexcept {
    for (const auto& dependency : list_) {
        if (samePropertyName(dependency.type, type)) return &dependency;
    }
    return nullptr;
}

std::optional<std::string> Dependencies::networkName() const {
    if (!networkName_.empty()) return networkName_;
    for (const auto& dependency : list_) {
        if (!samePropertyName(dependency.type, "Network Name")) continue;
        std::vector<std::string> names;
        append(names, dependency.properties.find("Name"));
        if (!names.empty()) return std::move(names.front());
    }
    return std::nullopt;
}

std::vector<std::string> Dependencies::ipAddresses() const {
    std::vector<std::string> addresses;
    for (const auto& dependency : list_) {
        if (isAddress(dependency)) append(addresses, dependency.properties.find("Address"));
    }
    return addresses;
}

std::vector<std::string> Dependencies::driveLetters() const {
    std::vector<std::string> letters;
    for (const auto& dependency : list_) {
        if (dependency.driveLetters.empty()) {
            append(letters, dependency.properties.find("DriveLetters"));
        } else {
            letters.insert(letters.end(), dependency.driveLetters.begin(), dependency.driveLetters.end());
        }
    }
    return letters;
}

std::string_view engineName(Engine engine) noexcept {
    switch (engine) {
        case Engine::unknown: return "an unknown engine";
        case Engine::failoverClustering: return "Windows Server Failover Clustering";
        case Engine::monitor: return "holdfast monitor";
        case Engine::pacemaker: return "Pacemaker";
        case Engine::test: return "holdfast test engine";
    }
    return "an unknown engine";
}

std::string_view stateChangeName(StateChangeReason reason) noexcept {
    switch (reason) {
        case StateChangeReason::unknown: return "unknown";
        case StateChangeReason::move: return "move";
        case StateChangeReason::failover: return "failover";
        case StateChangeReason::failedMove: return "failed move";
        case StateChangeReason::shutdown: return "shutdown";
        case StateChangeReason::rundown: return "rundown";
    }
    return "unknown";
}

}  // namespace holdfast::inline v1
