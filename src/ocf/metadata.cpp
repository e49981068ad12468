// SPDX-License-Identifier: BSL-1.0

#include <holdfast/adapters/ocf_metadata.hpp>

#include <holdfast/abi/wide.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <type_traits>

namespace holdfast::inline v1::adapters {
namespace {

using core::Milliseconds;

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// L-099: the DTD knows neither reload-agent nor the two attributes of OCF 1.1; what stands here counts before it.
// No encoding is named, UTF-8 is the default: crmsh reads the text as a string, and its parser takes none that names one.
constexpr std::string_view prologue = R"(<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd" [
<!ATTLIST action name CDATA #REQUIRED>
<!ATTLIST parameter unique-group CDATA #IMPLIED reloadable (0|1) "0">
]>
)";

/** L-09B. In an attribute line ends and tabs are written as numbers: its reader would take them for blanks. */
std::string escaped(std::string_view text, bool attribute) {
    std::string out;
    const std::string utf8 = abi::toUtf8(abi::toWide(text));  // an author's literal may hold any bytes
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const char c = utf8[i];
        const auto byte = static_cast<unsigned char>(c);
        if (c == '&') {
            out += "&amp;";
        } else if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";
        } else if (c == '"') {
            out += "&quot;";
        } else if (c == '\r' || (attribute && (c == '\n' || c == '\t'))) {
            fmt::format_to(std::back_inserter(out), "&#{};", byte);
        } else if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F) {
            out += replacement;
        } else if (utf8.compare(i, 3, "\xEF\xBF\xBE") == 0 || utf8.compare(i, 3, "\xEF\xBF\xBF") == 0) {
            out += replacement;  // U+FFFE and U+FFFF are no characters of XML
            i += 2;
        } else {
            out += c;
        }
    }
    return out;
}

std::string attribute(std::string_view text) { return escaped(text, true); }

/** One word of what splitCommandLine() reads. */
std::string word(const std::string& text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-";
    if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string{R"('\'')"} : std::string{c};
    return out + '\'';
}

/** docs/properties.md, "as text": what a person would write to set this value. */
std::string asText(const PropertyDescription& property) {
    return std::visit(
        [&](const auto& data) -> std::string {
            using Data = std::decay_t<decltype(data)>;
            if constexpr (std::is_same_v<Data, std::string>) {
                return data;
            } else if constexpr (std::is_same_v<Data, Strings>) {
                std::string words;
                for (const auto& text : data) words += (words.empty() ? "" : " ") + word(text);
                return words;
            } else if constexpr (std::is_integral_v<Data>) {
                return property.kind == "bool" ? (data != 0 ? "true" : "false") : fmt::format("{}", data);
            } else {
                return {};
            }
        },
        property.defaultValue.data());
}

/** L-09A: the DTD has no list of choices. */
std::string_view contentType(const PropertyDescription& property) {
    if (property.kind == "bool") return "boolean";
    return property.kind == "integer" || property.kind == "duration ms" ? "integer" : "string";
}

std::string_view firstLine(std::string_view text) {
    text = text.substr(0, text.find_first_of("\r\n"));
    while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.remove_suffix(1);
    return text;
}

/** The description, then all that a value is checked for. */
std::string longText(const PropertyDescription& property) {
    std::string out;
    const auto sentence = [&](std::string_view text) {
        if (text.empty()) return;
        out += out.empty() ? "" : " ";
        out += text;
        if (std::string_view{".!?:"}.find(text.back()) == std::string_view::npos) out += '.';
    };
    sentence(property.description);
    const auto within = property.range.empty() ? std::string{} : ", " + property.range;
    if (property.kind == "duration ms") sentence("In milliseconds, or with a unit (s, min, h)" + within);
    if (property.kind == "integer") sentence("A whole number" + within);
    if (property.kind == "list") sentence("Words separated by blanks, quoted as in a shell");
    if (property.kind == "path") sentence("A path");
    if (property.format == PropertyFormat::expandSz) sentence("References to environment variables are replaced");
    if (!property.names.empty()) {
        std::string names;
        for (const auto& name : property.names) names += (names.empty() ? "" : ", ") + name;
        sentence("One of: " + names);
    }
    if (!property.pattern.empty()) {
        out += (out.empty() ? "" : " ") + std::string{"Must match the regular expression "} + property.pattern;
    }
    if (property.secret) sentence("Secret: the agent neither logs nor shows it");
    return out.empty() ? property.name : out;
}

bool settable(const PropertyDescription& property) {
    return !property.readOnly && property.kind != "binary" && property.format != PropertyFormat::binary;
}

void write(std::string& out, const PropertyDescription& property) {
    // L-096: what is required has no default. A secret's is nobody's business, and `private` is in no schema (L-097).
    std::string defaultValue;
    if (!property.required && !property.secret && !property.defaultValue.absent()) {
        defaultValue = fmt::format(" default=\"{}\"", attribute(asText(property)));
    }
    const auto shortText = firstLine(property.description);
    fmt::format_to(std::back_inserter(out),
                   "<parameter name=\"{}\" required=\"{}\" reloadable=\"{}\">\n"
                   "<longdesc lang=\"en\">{}</longdesc>\n"
                   "<shortdesc lang=\"en\">{}</shortdesc>\n"
                   "<content type=\"{}\"{}/>\n"
                   "</parameter>\n",
                   attribute(property.name), property.required ? 1 : 0, property.framework ? 1 : 0,
                   escaped(longText(property), false),
                   escaped(shortText.empty() ? std::string_view{property.name} : shortText, false),
                   contentType(property), defaultValue);
}

/** Not a property: no other engine has to be told of a failure. */
PropertyDescription instantFailure() {
    PropertyDescription parameter;
    parameter.name = "InstantFailure";
    parameter.description =
        "How Pacemaker learns of a failure at once. "
        "monitor: the monitor action waits for it in the resident host. "
        "notify: the resident host reports it with crm_resource --fail. "
        "off: the next monitor finds it";
    parameter.format = PropertyFormat::sz;
    parameter.kind = "enum";
    parameter.framework = true;
    parameter.defaultValue = PropertyValue::sz("monitor");
    parameter.names = {"monitor", "notify", "off"};
    return parameter;
}

struct Action {
    std::string_view name;
    std::chrono::seconds timeout;
    std::string_view more;
};

/** The default of one of holdfast's own times, if the type has it. */
Milliseconds timeOf(const std::vector<PropertyDescription>& properties, std::string_view name, Milliseconds otherwise) {
    const auto found = std::find_if(properties.begin(), properties.end(), [&](const PropertyDescription& property) {
        return property.framework && samePropertyName(property.name, name);
    });
    if (found == properties.end()) return otherwise;
    const auto* const value = found->defaultValue.as<std::uint32_t>();
    return value == nullptr ? otherwise : Milliseconds{*value};
}

/** L-077: what leaves `work` when a tenth, at least a second, is kept. */
std::chrono::seconds timeoutFor(Milliseconds work) {
    return std::chrono::ceil<std::chrono::seconds>(std::max(work + std::chrono::seconds{1}, work * 10 / 9));
}

}  // namespace

OcfMetadata ocfMetadataOf(const OcfSubject& subject, std::string_view name, std::string_view version) {
    OcfMetadata metadata;
    metadata.name = name;
    metadata.version = version;
    const auto first = firstLine(subject.description);
    metadata.shortText = first.empty() ? fmt::format("Manages a resource of the type {}", subject.typeName) : first;
    metadata.longText = subject.description.empty() ? metadata.shortText + '.' : subject.description;
    metadata.properties = subject.properties;
    metadata.residentHost = subject.residentHost;
    const core::Policy defaults;
    const auto online = timeOf(subject.properties, "OnlineLimit", defaults.onlineLimit);
    if (online != defaults.onlineLimit) {
        // The resident host keeps a part, too, in which it clears away a start that did not end.
        const auto kept = std::clamp<Milliseconds>(online / 9, std::chrono::seconds{1}, std::chrono::seconds{10});
        metadata.startTimeout = timeoutFor(online + kept);
    }
    const auto offline = timeOf(subject.properties, "OfflineLimit", defaults.offlineLimit);
    const auto terminate = timeOf(subject.properties, "TerminateTimeout", defaults.terminateTimeout);
    if (offline != defaults.offlineLimit) metadata.stopTimeout = timeoutFor(offline + terminate);
    return metadata;
}

OcfMetadata ocfMetadataOf(const AgentType& type, std::string_view name, std::string_view version) {
    return ocfMetadataOf(OcfSubject{type.name(), type.description(), type.properties(), type.residentHost()}, name,
                         version);
}

std::string ocfMetadata(const OcfMetadata& metadata) {
    std::string out{prologue};
    fmt::format_to(std::back_inserter(out),
                   "<resource-agent name=\"{}\" version=\"{}\">\n"
                   "<version>1.1</version>\n"
                   "<longdesc lang=\"en\">{}</longdesc>\n"
                   "<shortdesc lang=\"en\">{}</shortdesc>\n"
                   "<parameters>\n",
                   attribute(metadata.name), attribute(metadata.version), escaped(metadata.longText, false),
                   escaped(metadata.shortText, false));
    bool instantFailureWritten = !metadata.residentHost;
    for (const auto& property : metadata.properties) {
        if (property.framework && !instantFailureWritten) {  // it leads holdfast's own
            write(out, instantFailure());
            instantFailureWritten = true;
        }
        if (settable(property)) write(out, property);
    }
    if (!instantFailureWritten) write(out, instantFailure());
    // L-078: no two monitors of one interval.
    using std::chrono::seconds;
    const std::array<Action, 7> actions{{
        {"start", metadata.startTimeout, ""},
        {"stop", metadata.stopTimeout, ""},
        {"monitor", seconds{60},
         metadata.residentHost ? R"( interval="1s" depth="0")" : R"( interval="10s" depth="0")"},
        {"monitor", seconds{60}, R"( interval="61s" depth="10")"},
        {"reload-agent", seconds{60}, ""},
        {"validate-all", seconds{20}, ""},
        {"meta-data", seconds{5}, ""},
    }};
    out += "</parameters>\n<actions>\n";
    for (const auto& action : actions) {
        fmt::format_to(std::back_inserter(out), "<action name=\"{}\" timeout=\"{}s\"{}/>\n", action.name,
                       action.timeout.count(), action.more);
    }
    out += "</actions>\n</resource-agent>\n";
    return out;
}

}  // namespace holdfast::inline v1::adapters
