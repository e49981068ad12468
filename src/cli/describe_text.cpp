// SPDX-License-Identifier: BSL-1.0
#include "cli/described_library.hpp"
#include "cli/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::inline v1::cli {
namespace {

constexpr std::size_t columns = 5;
constexpr std::size_t widestAligned = 40;  // one long rule does not push every description off the screen
using Row = std::array<std::string, columns>;

/** What a value must be, in as few words as say it all. */
std::string ruleText(const DescribedProperty& property) {
    std::string out = property.range;
    const auto add = [&](const std::string& part) { out += (out.empty() ? "" : "; ") + part; };
    if (!property.names.empty()) {
        std::string names;
        for (const auto& name : property.names) names += (names.empty() ? "" : " | ") + name;
        add(names);
    }
    if (!property.pattern.empty()) add("matches " + property.pattern);
    if (property.kind == "bool") add("0 | 1");
    if (property.secret) add("secret");
    if (property.readOnly) add("read-only");
    return out;
}

std::string defaultText(const DescribedProperty& property) {
    if (property.required) return "(required)";
    if (!property.defaultText) return "-";
    if (property.defaultText->empty()) return "(empty)";
    return *property.defaultText;
}

std::string layOut(const std::vector<Row>& rows) {
    std::array<std::size_t, columns> widths{};
    for (const auto& row : rows) {
        for (std::size_t i = 0; i + 1 < columns; ++i)
            widths[i] = std::max(widths[i], std::min(cells(row[i]), widestAligned));
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line = "  ";
        for (std::size_t i = 0; i < columns; ++i) {
            line += row[i];
            if (i + 1 == columns) break;
            const auto used = cells(row[i]);
            line.append((used < widths[i] ? widths[i] - used : 0) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    }
    return out;
}

void describe(std::string& out, const DescribedType& type) {
    out += '\n' + sanitised(type.name) + '\n';
    if (!type.description.empty()) out += "  " + sanitised(type.description) + '\n';
    std::string needs;
    for (const auto& dependency : type.dependencies) needs += (needs.empty() ? "" : ", ") + dependencyText(dependency);
    if (!needs.empty()) out += "  must depend on: " + sanitised(needs) + '\n';
    if (type.resourceClass) out += "  class: " + className(*type.resourceClass) + '\n';
    if (type.characteristics) out += fmt::format("  characteristics: 0x{:X}\n", *type.characteristics);
    if (type.adopts) out += "  what it runs may outlive its host, and is adopted by the next one\n";
    for (const bool framework : {false, true}) {
        std::vector<Row> rows{{framework ? "holdfast's own" : "property", "format", "default", "rule", "description"}};
        for (const auto& property : type.properties) {
            if (property.framework != framework) continue;
            rows.push_back({sanitised(property.name), formatName(property.format), sanitised(defaultText(property)),
                            sanitised(ruleText(property)), sanitised(property.description)});
        }
        if (rows.size() > 1) out += '\n' + layOut(rows);
    }
}

}  // namespace

std::string className(std::uint32_t resourceClass) {  // W-902
    switch (resourceClass) {
        case 0: return "unknown";
        case 1: return "storage";
        case 2: return "network";
        case 32768: return "user";
        default: return fmt::format("{}", resourceClass);
    }
}

std::string dependencyText(const RequiredDependency& dependency) {
    return dependency.type.empty() ? "a resource of class " + className(dependency.resourceClass)
                                   : '"' + dependency.type + '"';
}

std::string describeAsTable(const DescribedLibrary& library) {
    std::string out = fmt::format("{}: {} resource type{}{}\n", library.file.filename().string(), library.types.size(),
                                  library.types.size() == 1 ? "" : "s",
                                  library.holdfast.empty() ? "" : ", made with holdfast " + library.holdfast);
    for (const auto& type : library.types) describe(out, type);
    for (const auto& note : library.notes) out += "\nnote: " + sanitised(note) + '\n';
    return out;
}

}  // namespace holdfast::inline v1::cli
