// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/expand.hpp>
#include <holdfast/abi/wide.hpp>

#include <cstdlib>
#include <optional>

#if defined(_WIN32)
#include <windows.h>
#endif

namespace holdfast::inline v1::abi {
namespace {

std::optional<std::string> variable(std::string_view name) {
#if defined(_WIN32)
    const auto wide = toWide(name);
    WideString value(256, WideChar{});
    for (;;) {
        const DWORD length = GetEnvironmentVariableW(wide.c_str(), value.data(), static_cast<DWORD>(value.size()));
        if (length == 0) return std::nullopt;
        if (length < value.size()) return toUtf8(WideView{value.data(), length});
        value.resize(length);
    }
#else
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody in a cluster process changes the environment (W-804)
    const char* value = std::getenv(std::string{name}.c_str());
    return value ? std::optional<std::string>{value} : std::nullopt;
#endif
}

}  // namespace

std::string expandEnvironment(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto open = text.find('%');
        const auto close = open == std::string_view::npos ? open : text.find('%', open + 1);
        if (close == std::string_view::npos) break;
        out += text.substr(0, open);
        const auto value = close > open + 1 ? variable(text.substr(open + 1, close - open - 1)) : std::nullopt;
        if (value) {
            out += *value;
            text.remove_prefix(close + 1);
        } else {
            // The second % may open the next name.
            out += text.substr(open, close - open);
            text.remove_prefix(close);
        }
    }
    return out += text;
}

}  // namespace holdfast::inline v1::abi
