// SPDX-License-Identifier: BSL-1.0
#include "verify/property_lists.hpp"

#include <holdfast/abi/wide.hpp>
#include <holdfast/property.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;

Dword numberAt(const ListBytes& bytes, std::size_t at) {
    Dword number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}

abi::WideString wideOf(const abi::Byte* data, std::size_t size) {
    abi::WideString text(size / sizeof(abi::WideChar), abi::WideChar{});
    if (!text.empty()) std::memcpy(text.data(), data, text.size() * sizeof(abi::WideChar));
    return text;
}

std::size_t nulsAtEnd(const abi::WideString& text) {
    std::size_t count = 0;
    while (count < text.size() && text[text.size() - 1 - count] == abi::WideChar{}) ++count;
    return count;
}

bool isText(Dword syntax) {
    return syntax == abi::syntax::name || syntax == (abi::syntax::listValue | Dword{3}) ||
           syntax == (abi::syntax::listValue | Dword{4}) || syntax == (abi::syntax::listValue | Dword{8});
}

/** One entry at `at`, which a reader has found to be complete. */
std::optional<std::string> problemOfEntry(const ListBytes& bytes, std::size_t at, std::size_t& next) {
    const Dword syntax = numberAt(bytes, at);
    const std::size_t length = numberAt(bytes, at + 4);
    const std::size_t end = at + 8 + length;
    next = at + 8 + (length + 3) / 4 * 4;
    if (next > bytes.size()) return fmt::format("byte {}: the padding of the entry is missing", end);
    for (std::size_t one = end; one < next; ++one) {
        if (bytes[one] != abi::Byte{0}) return fmt::format("byte {}: the padding is not zero (W-504)", one);
    }
    const auto text = wideOf(bytes.data() + at + 8, length);
    const std::size_t nuls = nulsAtEnd(text);
    if (isText(syntax) && nuls > 1)
        return fmt::format("byte {}: cbLength is {}, of a text that has {} bytes with its NUL (W-502)", at + 4, length,
                           length - (nuls - 1) * sizeof(abi::WideChar));
    const bool multiText = syntax == (abi::syntax::listValue | Dword{5});
    if (multiText && nuls > 2)
        return fmt::format("byte {}: cbLength is {}, of a MULTI_SZ that ends {} bytes before (W-502)", at + 4, length,
                           (nuls - 2) * sizeof(abi::WideChar));
    return std::nullopt;
}

}  // namespace

std::optional<Strings> readNameList(const ListBytes& bytes) {
    if (bytes.size() % sizeof(abi::WideChar) != 0) return std::nullopt;
    auto text = wideOf(bytes.data(), bytes.size());
    const std::size_t nuls = nulsAtEnd(text);
    Strings names;
    if (nuls == text.size()) return nuls <= 2 ? std::optional{names} : std::nullopt;
    if (nuls != 2) return std::nullopt;
    text.pop_back();
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find(abi::WideChar{}, at);
        if (end == at) return std::nullopt;  // an empty name ends the list
        names.push_back(abi::toUtf8(abi::WideView{text}.substr(at, end - at)));
        at = end + 1;
    }
    return names;
}

bool containsName(const Strings& names, std::string_view name) noexcept {
    return std::any_of(names.begin(), names.end(), [&](const std::string& one) { return samePropertyName(one, name); });
}

std::optional<std::string> problemOfList(const ListBytes& bytes) {
    const auto list = abi::readPropertyList(bytes.data(), bytes.size(), bytes.size());
    if (list.code != abi::code::success) return fmt::format("byte {}: {}", list.offset, list.problem);
    std::size_t at = sizeof(Dword);
    for (const auto& property : list.properties) {
        while (numberAt(bytes, at) != abi::syntax::endMark) {
            std::size_t next = 0;
            if (auto problem = problemOfEntry(bytes, at, next))
                return fmt::format("property \"{}\", {}", property.name, *problem);
            at = next;
        }
        at += sizeof(Dword);
    }
    if (at == bytes.size()) return std::nullopt;
    const bool endMark = bytes.size() - at == sizeof(Dword) && numberAt(bytes, at) == 0;
    return endMark ? fmt::format("byte {}: an end mark for the list, which has none (W-503)", at)
                   : fmt::format("byte {}: {} bytes behind the last property", at, bytes.size() - at);
}

std::optional<std::string> problemOfDependencies(const ListBytes& bytes) {
    const auto list = abi::readValueList(bytes);
    if (list.code != abi::code::success) return fmt::format("byte {}: {}", list.end, list.problem);
    for (const auto& entry : list.entries) {
        if (entry.syntax == abi::syntax::resourceClass) {
            if (entry.data.size() != sizeof(Dword))
                return fmt::format("byte {}: a class has {} bytes, not 4", entry.offset, entry.data.size());
        } else if (entry.syntax == abi::syntax::name) {
            const auto text = wideOf(entry.data.data(), entry.data.size());
            if (entry.data.size() % sizeof(abi::WideChar) != 0 || text.size() < 2 || nulsAtEnd(text) != 1)
                return fmt::format("byte {}: the name of a type is empty or not NUL-terminated", entry.offset);
        } else {
            return fmt::format("byte {}: an entry of syntax {:#010x} is neither a class nor a name", entry.offset,
                               entry.syntax);
        }
        std::size_t next = 0;
        if (auto problem = problemOfEntry(bytes, entry.offset, next)) return problem;
    }
    if (list.end != bytes.size())
        return fmt::format("byte {}: {} bytes behind the end mark", list.end, bytes.size() - list.end);
    return std::nullopt;
}

}  // namespace holdfast::inline v1::verify
