// SPDX-License-Identifier: BSL-1.0

#include "words.hpp"

#include <holdfast/abi/wide.hpp>

#include <cstddef>

namespace holdfast::inline v1::process {
namespace {

/** The reader's rule: 2n backslashes and a quote are n backslashes and the end; 2n+1 and a quote are n and a quote. */
void append(std::wstring& line, std::wstring_view word) {
    if (!line.empty()) line += L' ';
    if (!word.empty() && word.find_first_of(L" \t\n\v\"") == std::wstring_view::npos) {
        line += word;
        return;
    }
    line += L'"';
    std::size_t backslashes = 0;
    for (const wchar_t c : word) {
        if (c == L'"') line.append(backslashes + 1, L'\\');
        line += c;
        backslashes = c == L'\\' ? backslashes + 1 : 0;
    }
    line.append(backslashes, L'\\');  // before the closing quote each counts twice
    line += L'"';
}

}  // namespace

std::wstring commandLine(std::string_view program, const std::vector<std::string>& arguments) {
    // For the first word the reader knows no backslashes: it ends at the next quote, and no path contains one.
    std::wstring line = L"\"" + abi::toWide(program) + L"\"";
    for (const auto& argument : arguments) append(line, abi::toWide(argument));
    return line;
}

}  // namespace holdfast::inline v1::process
