// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/monitor_events.hpp>

#include <string>
#include <string_view>

namespace holdfast::inline v1::monitor {

/** What happened, in words; `code` is the Win32 code or reported state that came with it. */
[[nodiscard]] std::string reasonText(core::MonitorReason reason, core::Call call, abi::Dword code);
/** The entry point a machine's call stands for, as it is named in logs; `none` is Terminate. */
[[nodiscard]] std::string_view callName(core::Call call) noexcept;
[[nodiscard]] std::string_view stateName(core::MonitorState state) noexcept;
[[nodiscard]] std::string_view stateName(abi::ResourceState state) noexcept;
/** "error 5 (access denied)" for the codes of 11.3, "error 42" for others. */
[[nodiscard]] std::string codeText(abi::Dword code);

/** "500 ms", "90 s", "60 min". */
[[nodiscard]] std::string durationText(std::chrono::milliseconds duration);

}  // namespace holdfast::inline v1::monitor
