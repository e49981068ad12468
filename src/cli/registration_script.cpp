// SPDX-License-Identifier: BSL-1.0
#include "cli/registration_script.hpp"

#include "cli/powershell.hpp"
#include "cli/registration_text.hpp"

#include <holdfast/abi/wide.hpp>
#include <holdfast/version.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <set>
#include <utility>

namespace holdfast::inline v1::cli {
namespace {

namespace ps = powershell;

/** Replaces each `{key}` by its text; what a text brings is not looked at again. */
std::string filled(std::string_view pattern,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> replacements) {
    std::string out;
    while (!pattern.empty()) {
        const auto open = pattern.find('{');
        out += pattern.substr(0, open);
        if (open == std::string_view::npos) break;
        pattern.remove_prefix(open);
        const auto* const found = std::find_if(replacements.begin(), replacements.end(), [&](const auto& entry) {
            return pattern.substr(1).starts_with(entry.first) &&
                   pattern.substr(1 + entry.first.size()).starts_with('}');
        });
        const std::size_t taken = found == replacements.end() ? 1 : found->first.size() + 2;
        out += found == replacements.end() ? pattern.substr(0, 1) : found->second;
        pattern.remove_prefix(taken);
    }
    return out;
}

bool isText(const DescribedProperty& property) {
    return property.format == PropertyFormat::sz || property.format == PropertyFormat::expandSz;
}

/** Also the type Set-ClusterParameter -Create stores it by, so it must be the property's own. */
std::string_view parameterType(const DescribedProperty& property) {
    if (property.kind == "bool") return "bool";
    if (property.secret && isText(property)) return "securestring";  // not in the command's history
    switch (property.format) {
        case PropertyFormat::sz:
        case PropertyFormat::expandSz: return "string";
        case PropertyFormat::multiSz: return "string[]";
        case PropertyFormat::binary:
        case PropertyFormat::securityDescriptor: return "byte[]";
        case PropertyFormat::dword: return "uint32";
        case PropertyFormat::word: return "uint16";
        case PropertyFormat::longInteger: return "int";
        case PropertyFormat::ulargeInteger:
        case PropertyFormat::fileTime: return "uint64";
        case PropertyFormat::largeInteger: return "long";
        default: return "object";
    }
}

std::string help(const DescribedProperty& property) {
    std::string out = property.description.empty() ? property.name : property.description;
    if (!property.range.empty()) {
        out += "; " + property.range;
    } else if (property.kind == "duration ms") {
        out += "; in milliseconds";
    }
    if (property.defaultText && !property.defaultText->empty()) out += "; default " + *property.defaultText;
    return ps::comment(out);
}

/** The checks that the DLL makes as well: made here, the caller hears of a slip before anything is created. */
std::string checks(const DescribedProperty& property) {
    constexpr std::string_view indent = "        ";
    std::string out;
    const auto add = [&](const std::string& attribute) { out += fmt::format("{}[{}]\n", indent, attribute); };
    if (property.required) add("Parameter(Mandatory = $true)");
    if (property.secret) return out;
    if (property.required && (isText(property) || property.format == PropertyFormat::multiSz)) {
        add("ValidateNotNullOrEmpty()");
    }
    if (!property.lowest.empty() && property.kind != "bool") {
        add(fmt::format("ValidateRange({}, {})", ps::number(property.lowest, property.highest),
                        ps::number(property.highest, property.lowest)));
    }
    if (!property.names.empty()) {
        std::string names;
        for (const auto& name : property.names) names += (names.empty() ? "" : ", ") + ps::quoted(name);
        // An enum's names are compared without case, the texts of oneOf() exactly (docs/properties.md).
        add(fmt::format("ValidateSet({}{})", names, property.kind == "enum" ? "" : ", IgnoreCase = $false"));
    }
    const bool plain = std::none_of(property.pattern.begin(), property.pattern.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (!property.pattern.empty() && plain) {
        // The whole text, with case; an empty one that is not required is exempt.
        add(fmt::format("ValidatePattern({})",
                        ps::quoted(fmt::format("\\A(?-i:{}){}\\z", property.pattern, property.required ? "" : "?"))));
    }
    return out;
}

std::string valueOf(const DescribedProperty& property, const std::string& variable) {
    if (property.kind == "bool") return fmt::format("[uint32] [int] ${}", variable);
    if (property.secret && isText(property)) {
        return fmt::format("(New-Object -TypeName Net.NetworkCredential -ArgumentList '', ${}).Password", variable);
    }
    return '$' + variable;
}

std::string function(const DescribedType& type, const std::string& name) {
    std::string parameters;
    std::string values;
    std::set<std::string> used;
    for (const auto& property : type.properties) {
        if (property.readOnly) continue;
        std::string variable = ps::parameter(property.name);
        const auto taken = [&] {
            return std::any_of(used.begin(), used.end(),
                               [&](const auto& other) { return abi::equalsIgnoringCase(other, variable); });
        };
        while (taken()) variable += '_';
        used.insert(variable);
        parameters += fmt::format(",\n\n        # {}\n{}        [{}] ${}", help(property), checks(property),
                                  parameterType(property), variable);
        values += fmt::format("    if ($PSBoundParameters.ContainsKey({})) {{ $values[{}] = {} }}\n",
                              ps::quoted(variable), ps::quoted(property.name), valueOf(property, variable));
    }
    std::string needs;
    for (const auto& dependency : type.dependencies) needs += (needs.empty() ? "" : ", ") + dependencyText(dependency);
    if (!needs.empty()) needs = "\n        It must depend on: " + ps::comment(needs) + '.';
    const auto description = type.description.empty() ? std::string{} : ' ' + ps::comment(type.description);
    return filled(registrationFunction, {{"function", name},
                                         {"typeText", ps::comment(type.name)},
                                         {"descriptionText", description},
                                         {"needsText", needs},
                                         {"parameters", parameters},
                                         {"values", values},
                                         {"type", ps::quoted(type.name)}});
}

}  // namespace

std::string registrationScript(const DescribedLibrary& library) {
    const auto stem = library.file.stem().string();
    const auto dll = stem + ".dll";
    const auto script = ps::comment(stem + "-register.ps1");

    std::string functions;
    std::string typeList;
    std::string functionList;
    std::string types;
    std::set<std::string> used;
    for (const auto& type : library.types) {
        auto name = ps::noun(type.name);
        while (std::any_of(used.begin(), used.end(),
                           [&](const auto& other) { return abi::equalsIgnoringCase(other, name); })) {
            name += "Other";
        }
        used.insert(name);
        const auto command = "New-" + name + "Resource";
        functions += function(type, command);
        typeList += "        " + ps::comment(type.name) + '\n';
        functionList += "        " + command + " -Name NAME -Group ROLE ...\n";
        types += (types.empty() ? "" : ", ") + ps::quoted(type.name);
    }
    return filled(registrationHead, {{"dllText", ps::comment(dll)},
                                     {"typeList", typeList},
                                     {"script", script},
                                     {"functionList", functionList},
                                     {"generator", "holdfast " + std::string{version()}}}) +
           functions + filled(registrationTail, {{"dll", ps::quoted(dll)}, {"types", types}});
}

}  // namespace holdfast::inline v1::cli
