// SPDX-License-Identifier: BSL-1.0
// What is the same on every system: words, and what identifies settings.

#include "names.hpp"
#include "wire.hpp"

#include <holdfast/process.hpp>

#include <fmt/format.h>

#include <utility>

namespace holdfast::inline v1 {
namespace {

/** Whether a backslash takes `next` as it is. */
constexpr bool escapes(char next, bool quoted) noexcept {
#ifdef _WIN32
    static_cast<void>(quoted);
    return next == '"';  // in C:\Program Files it separates folders
#else
    return !quoted || next == '"' || next == '\\';
#endif
}

}  // namespace

std::string CommandResult::text() const {
    std::string result = timedOut ? "did not end in time" : exit.text();
    std::string_view tail{output};
    while (!tail.empty() && tail.back() == '\n') tail.remove_suffix(1);
    tail.remove_prefix(tail.rfind('\n') + 1);  // npos + 1 is 0
    if (!tail.empty()) result += fmt::format(": {}", tail);
    return result;
}

std::string fingerprintOf(const ProcessSettings& settings) {
    process::Writer out;
    out.text(settings.program).texts(settings.arguments);
    for (const auto& [name, value] : settings.environment) out.text(name).text(value);
    out.flag(settings.inheritEnvironment).text(settings.workingDirectory.string());
    out.text(settings.user).text(settings.group);
    const auto& limits = settings.limits;
    for (const auto* limit : {&limits.openFiles, &limits.processes, &limits.addressSpace, &limits.coreSize,
                              &limits.fileSize, &limits.lockedMemory}) {
        out.flag(limit->has_value()).u64(limit->value_or(0));
    }
    out.u32(settings.umask.value_or(0xFFFF'FFFF));
    return process::nameHash(out.bytes());
}

std::vector<std::string> splitCommandLine(std::string_view line) {
    std::vector<std::string> words;
    bool inWord = false;
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
            inWord = false;
            continue;
        }
        if (!std::exchange(inWord, true)) words.emplace_back();
        if (c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
        } else if (c == '\\' && quote != '\'' && i + 1 < line.size() && escapes(line[i + 1], quote != 0)) {
            words.back() += line[++i];
        } else {
            words.back() += c;
        }
    }
    if (quote != 0)
        throw Error::make(ErrorCode::configuration, "a quotation mark ({}) is not closed in: {}", quote, line);
    return words;
}

}  // namespace holdfast::inline v1
