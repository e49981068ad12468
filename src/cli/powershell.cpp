// SPDX-License-Identifier: BSL-1.0
#include "cli/powershell.hpp"

#include <holdfast/abi/wide.hpp>

#include <algorithm>
#include <array>

namespace holdfast::inline v1::cli::powershell {
namespace {

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

/** Where one of U+2018 to U+201B stands: E2 80 98 to E2 80 9B. */
bool typographicQuote(std::string_view text, std::size_t at) {
    return text.size() - at >= 3 && text[at] == '\xE2' && text[at + 1] == '\x80' && text[at + 2] >= '\x98' &&
           text[at + 2] <= '\x9B';
}

/** U+0085, U+2028 and U+2029 end lines for some readers. */
std::size_t lineEnd(std::string_view text, std::size_t at) {
    const auto rest = text.substr(at);
    if (rest.starts_with("\xC2\x85")) return 2;
    if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9")) return 3;
    return 0;
}

/** A decimal number without its sign, compared by length first. */
bool above(std::string_view magnitude, std::string_view limit) {
    if (magnitude.size() != limit.size()) return magnitude.size() > limit.size();
    return magnitude > limit;
}

constexpr std::array reserved{
    // about_CommonParameters
    "Confirm", "Debug", "ErrorAction", "ErrorVariable", "InformationAction", "InformationVariable", "OutBuffer",
    "OutVariable", "PipelineVariable", "ProgressAction", "Verbose", "WarningAction", "WarningVariable", "WhatIf",
    // their aliases
    "cf", "db", "ea", "ev", "infa", "iv", "ob", "ov", "proga", "pv", "vb", "wa", "wi", "wv",
    // about_Automatic_Variables and about_Preference_Variables
    "args", "ConfirmPreference", "ConsoleFileName", "DebugPreference", "EnabledExperimentalFeatures", "Error",
    "ErrorActionPreference", "Event", "EventArgs", "EventSubscriber", "ExecutionContext", "false", "foreach", "HOME",
    "Host", "InformationPreference", "input", "IsCoreCLR", "IsLinux", "IsMacOS", "IsWindows", "LASTEXITCODE", "Matches",
    "MyInvocation", "NestedPromptLevel", "null", "OFS", "PID", "PROFILE", "ProgressPreference", "PSBoundParameters",
    "PSCmdlet", "PSCommandPath", "PSCulture", "PSDebugContext", "PSEdition", "PSHOME", "PSItem", "PSScriptRoot",
    "PSSenderInfo", "PSUICulture", "PSVersionTable", "PWD", "Sender", "ShellId", "StackTrace", "switch", "this", "true",
    "VerbosePreference", "WarningPreference", "WhatIfPreference",
    // the generated function's own
    "DependsOn", "Group", "Name", "SeparateMonitor", "values"};

}  // namespace

std::string quoted(std::string_view text) {
    std::string out{"'"};
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = typographicQuote(text, at) ? 3 : 1;
        const auto part = text.substr(at, size);
        out += part;
        if (size == 3 || part == "'") out += part;
        at += size;
    }
    return out + '\'';
}

std::string comment(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (const auto end = lineEnd(text, at); end != 0) {
            out += ' ';
            at += end;
            continue;
        }
        if (text[at] == '>' && out.ends_with('#')) out += ' ';
        out += byte < 0x20 || byte == 0x7F ? ' ' : text[at];
        ++at;
    }
    return out;
}

std::string number(std::string_view decimal, std::string_view widest) {
    std::string out{decimal};
    const auto magnitude = [](std::string_view text) { return text.starts_with('-') ? text.substr(1) : text; };
    const auto largest = above(magnitude(decimal), magnitude(widest)) ? magnitude(decimal) : magnitude(widest);
    // One step below the edge of the negative range: -2147483648 is read as a 64-bit number.
    if (!above(largest, "2147483647")) return out;
    return out + (above(largest, "9223372036854775807") ? "d" : "L");
}

std::string noun(std::string_view name) {
    std::string out;
    bool starts = true;
    for (const char c : name) {
        if (!letter(c) && !digit(c)) {
            starts = true;
            continue;
        }
        out += starts && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        starts = false;
    }
    if (out.empty() || digit(out.front())) out.insert(0, "Type");
    return out;
}

std::string parameter(std::string_view property) {
    std::string out;
    for (const char c : property) {
        if (letter(c) || digit(c) || c == '_') out += c;
    }
    const bool taken = std::any_of(reserved.begin(), reserved.end(), [&](std::string_view name) {
        return abi::equalsIgnoringCase(name, std::string_view{out});
    });
    // A name like "_" is the pipeline's variable; one of digits alone is a match's.
    const bool odd = out.empty() || !letter(out.front());
    if (odd) out.insert(0, "Property");
    return taken ? out + "Property" : out;
}

}  // namespace holdfast::inline v1::cli::powershell
