// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct sd_bus;
struct sd_bus_message;

namespace holdfast::inline v1::service {

/** A connection to systemd over the system's bus; closed with it. One thread at a time. */
class Bus {
public:
    /** Throws `Error`: `notInstalled` where no systemd runs, `permission`, or what the bus answered. */
    explicit Bus(std::chrono::milliseconds callTimeout = std::chrono::milliseconds{25'000});
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;
    ~Bus();

    [[nodiscard]] sd_bus* get() const noexcept { return bus_; }

    /** The unit's object; loads it. */
    [[nodiscard]] std::string unitPath(const std::string& unit);
    [[nodiscard]] std::string text(const std::string& path, const char* interface, const char* property);
    [[nodiscard]] std::uint32_t number(const std::string& path, const char* interface, const char* property);
    [[nodiscard]] std::int32_t integer(const std::string& path, const char* interface, const char* property);
    /** The number of the job that the unit waits for; 0: none. */
    [[nodiscard]] std::uint32_t job(const std::string& path);

    /** Manager methods with two texts, with a text and a mode, ... each throws `Error` that names what was tried. */
    void startUnit(const std::string& unit);
    void stopUnit(const std::string& unit);
    void killUnit(const std::string& unit, int signal);
    void resetFailed(const std::string& unit);
    void reload();
    /** Takes the unit out of what starts at boot; true if it was in it. */
    bool disableUnit(const std::string& unit);

private:
    sd_bus* bus_{nullptr};
};

inline constexpr const char* unitInterface = "org.freedesktop.systemd1.Unit";
inline constexpr const char* serviceInterface = "org.freedesktop.systemd1.Service";

}  // namespace holdfast::inline v1::service
