// SPDX-License-Identifier: BSL-1.0
// What the library finds in its keys, and what belongs to the whole process.
#include "verify/stage.hpp"

#include "monitor/private_properties.hpp"

#include <holdfast/abi/control_codes.hpp>

#include <fmt/format.h>

#include <utility>

namespace holdfast::inline v1::verify {

void Stage::encodeProperties() {
    std::vector<monitor::PropertySetting> settings;
    for (const auto& [name, value] : plan_.properties) settings.push_back({name, value, {}, true});
    std::optional<monitor::PropertyFormats> formats;
    const ControlAnswer answer = askType(abi::control::typeGetPrivateResourcePropertyFormats);
    if (answer.code == abi::code::success) formats = monitor::readFormats(answer.out);
    auto encoded = monitor::encodeProperties(settings, formats);
    for (const auto& problem : encoded.problems) reporter_.note("--property: " + problem.text);
    if (!encoded.problems.empty()) {
        reporter_.done(true);
        leaveProcess(3);
    }
    properties_ = std::move(encoded.bag);
}

abi::KeyHandle Stage::openKey(const std::string& resource) {
    const std::string path = pathOf(resource);
    if (systemKeys_) {
        auto& handle = systemHandles_[resource];
        if (handle == nullptr) handle = systemKeys_->open(path);
        systemKeys_->store(path, properties_);
        return handle;
    }
    registry_.set(path + "\\Parameters", properties_);
    auto& key = keys_[resource];
    key = registry_.open(path);
    return key.get();
}

void Stage::closeKey(const std::string& resource) {
    if (systemKeys_) {
        const auto found = systemHandles_.find(resource);
        if (found == systemHandles_.end()) return;
        systemKeys_->close(found->second);
        systemHandles_.erase(found);
        return;
    }
    keys_.erase(resource);
}

PropertyBag Stage::stored(const std::string& resource) {
    return systemKeys_ ? systemKeys_->values(pathOf(resource)) : registry_.values(pathOf(resource) + "\\Parameters");
}

void Stage::store(const std::string& resource, const PropertyBag& changes) {
    if (systemKeys_) return systemKeys_->store(pathOf(resource), changes);
    registry_.set(pathOf(resource) + "\\Parameters", changes);
}

void Stage::compareProcessState() {
    const auto now = processState();
    std::string changed;
    for (const auto& [what, value] : before_) {
        const auto found = now.find(what);
        if (found == now.end()) {
            changed += fmt::format("{}{} is gone", changed.empty() ? "" : "; ", what);
        } else if (found->second != value) {
            const bool secret = what.starts_with("the environment variable");  // its value may be a password
            changed +=
                secret ? fmt::format("{}{} is changed", changed.empty() ? "" : "; ", what)
                       : fmt::format("{}{} was {}, and is {}", changed.empty() ? "" : "; ", what, value, found->second);
        }
    }
    for (const auto& [what, value] : now) {
        if (!before_.contains(what)) changed += fmt::format("{}{} is new", changed.empty() ? "" : "; ", what);
    }
    if (!changed.empty()) breaks("conduct.process-state", changed);
}

}  // namespace holdfast::inline v1::verify
