// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/call_board.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::inline v1::host {

/**
 * What a host was born with: its connection to the monitor, and its board. One implementation per system.
 *
 * @par Thread safety `receive` on one thread; `send` from any, one at a time.
 */
class HostLink {
public:
    HostLink() = default;
    HostLink(const HostLink&) = delete;
    HostLink& operator=(const HostLink&) = delete;
    virtual ~HostLink() = default;

    /** Waits for bytes; 0: the connection is gone. */
    [[nodiscard]] virtual std::size_t receive(char* buffer, std::size_t size) noexcept = 0;
    /** False: it is gone. */
    virtual bool send(std::string_view bytes) noexcept = 0;
    /** Null if there is none that this program knows. */
    [[nodiscard]] virtual monitor::CallBoard* board() noexcept = 0;
    /** Where a `FlightMemory` is mapped; null from a monitor that has none. */
    [[nodiscard]] virtual void* flightMemory() noexcept = 0;
    /** From now on the process has so long to end by itself. */
    virtual void limitLife(unsigned seconds) noexcept = 0;
};

/** From the program's arguments; null if it was not started by a monitor, and then `problem` says what is missing. */
[[nodiscard]] std::unique_ptr<HostLink> makeHostLink(int argc, char** argv, std::string& problem);

/** What a program that hosts agents asks of its system before anything else. */
void prepareHostProcess() noexcept;

/** The process `monitor` and what it starts may look at this process's threads, where the system asks for permission. */
void permitLooks(std::int64_t monitor) noexcept;

/** How `--help` describes what it is started with. */
[[nodiscard]] std::string_view hostLinkHelp() noexcept;

}  // namespace holdfast::inline v1::host
