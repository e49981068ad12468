// SPDX-License-Identifier: BSL-1.0

#include "state_file.hpp"

#include "process/proc.hpp"

#include <cstdlib>
#include <cstring>
#include <map>

namespace holdfast::inline v1::reaper {
namespace {

// Values are one line each.
std::string escaped(const std::string& value) {
    std::string result;
    for (const char c : value) {
        if (c == '%' || c == '\n') {
            result += c == '%' ? "%25" : "%0A";
        } else {
            result += c;
        }
    }
    return result;
}

std::string unescaped(const std::string& value) {
    std::string result;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value.compare(i, 3, "%25") == 0 || value.compare(i, 3, "%0A") == 0) {
            result += value[i + 1] == '2' ? '%' : '\n';
            i += 2;
        } else {
            result += value[i];
        }
    }
    return result;
}

}  // namespace

std::string save(const std::string& file, const SavedTree& tree) {
    const std::string text =
        "holdfast-tree=1\nboot=" + process::bootId() + "\npid=" + std::to_string(tree.pid) +
        "\nstart=" + std::to_string(tree.startTime) + "\nadoptable=" + (tree.adoptable ? "1" : "0") +
        "\nfingerprint=" + escaped(tree.fingerprint) + "\nprogram=" + escaped(tree.program) + "\nend=1\n";
    return process::replaceFile(file, text);
}

std::optional<SavedTree> restore(const std::string& file) {
    const std::string text = process::readFile(file.c_str(), 1U << 20);
    std::map<std::string, std::string> values;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::size_t equals = text.find('=', at);
        if (equals < end) values[text.substr(at, equals - at)] = unescaped(text.substr(equals + 1, end - equals - 1));
        at = end + 1;
    }
    if (values["holdfast-tree"] != "1" || values["end"] != "1" || values["boot"] != process::bootId()) {
        return std::nullopt;
    }
    SavedTree tree;
    tree.pid = static_cast<pid_t>(std::strtol(values["pid"].c_str(), nullptr, 10));
    tree.startTime = std::strtoull(values["start"].c_str(), nullptr, 10);
    tree.adoptable = values["adoptable"] == "1";
    tree.fingerprint = values["fingerprint"];
    tree.program = values["program"];
    if (tree.pid <= 1) return std::nullopt;
    return tree;
}

}  // namespace holdfast::inline v1::reaper
