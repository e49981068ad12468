// SPDX-License-Identifier: BSL-1.0
#include "cli/described_library.hpp"

#include <holdfast/adapters/ocf_metadata.hpp>

#include <stdexcept>

namespace holdfast::inline v1::cli {
namespace {

PropertyDescription asProperty(const DescribedProperty& described) {
    PropertyDescription property;
    property.name = described.name;
    property.description = described.description;
    property.format = described.format;
    property.kind = described.kind;
    property.required = described.required;
    property.secret = described.secret;
    property.readOnly = described.readOnly;
    property.framework = described.framework;
    property.defaultValue = described.defaultValue;
    property.range = described.range;
    property.pattern = described.pattern;
    property.names = described.names;
    return property;
}

}  // namespace

std::string describeForPacemaker(const DescribedLibrary& library, const std::string& name, const std::string& version) {
    if (library.holdfast.empty() || library.types.empty()) {
        throw std::runtime_error{library.file.string() +
                                 ": only a library made with holdfast has an OCF agent and can be described as one"};
    }
    const auto& type = library.types.front();
    adapters::OcfSubject subject{type.name, type.description, {}, type.residentHost};
    for (const auto& property : type.properties) subject.properties.push_back(asProperty(property));
    return adapters::ocfMetadata(
        adapters::ocfMetadataOf(subject, name.empty() ? library.file.stem().string() : name, version));
}

}  // namespace holdfast::inline v1::cli
