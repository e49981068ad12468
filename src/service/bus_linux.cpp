// SPDX-License-Identifier: BSL-1.0
#include "service/bus_linux.hpp"

#include <holdfast/error.hpp>

#include <systemd/sd-bus.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace holdfast::inline v1::service {
namespace {

constexpr const char* destination = "org.freedesktop.systemd1";
constexpr const char* managerPath = "/org/freedesktop/systemd1";
constexpr const char* managerInterface = "org.freedesktop.systemd1.Manager";

ErrorCode codeOf(int error) {
    switch (error) {
        case EACCES:
        case EPERM: return ErrorCode::permission;
        case ENOENT: return ErrorCode::notInstalled;
        case ETIMEDOUT: return ErrorCode::timeout;
        case ENOMEM: return ErrorCode::outOfResources;
        default: return ErrorCode::failed;
    }
}

/** An error of the bus, freed with it. */
struct BusError {
    BusError() = default;
    BusError(const BusError&) = delete;
    BusError& operator=(const BusError&) = delete;
    ~BusError() { sd_bus_error_free(&error); }
    sd_bus_error error{nullptr, nullptr, 0};  // SD_BUS_ERROR_NULL is C
};

struct Message {
    Message() = default;
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    ~Message() { sd_bus_message_unref(message); }
    sd_bus_message* message{nullptr};
};

/** Throws if `result` is negative. */
void check(int result, const BusError& error, std::string_view action, std::string_view what) {
    if (result >= 0) return;
    const bool said = error.error.message != nullptr;
    throw Error::make(codeOf(-result), "cannot {} \"{}\": {}", action, what,
                      said ? error.error.message : std::generic_category().message(-result).c_str());
}

template <typename... Args>
void callManager(sd_bus* bus, const char* method, Message* reply, std::string_view action, const std::string& what,
                 const char* types, Args... args) {
    BusError error;
    const int result = sd_bus_call_method(bus, destination, managerPath, managerInterface, method, &error.error,
                                          reply == nullptr ? nullptr : &reply->message, types, args...);
    check(result, error, action, what);
}

}  // namespace

Bus::Bus(std::chrono::milliseconds callTimeout) {
    // sd_booted(): what systemd promises to be there if, and only if, it runs the machine.
    std::error_code ignored;
    if (!std::filesystem::is_directory("/run/systemd/system", ignored)) {
        throw Error{ErrorCode::notInstalled,
                    "systemd does not run this machine (there is no /run/systemd/system), so it has no units to drive"};
    }
    const int result = sd_bus_open_system(&bus_);
    if (result < 0) {
        throw Error::make(result == -ENOENT ? ErrorCode::notInstalled : codeOf(-result),
                          "cannot reach systemd over the system's D-Bus: {}; is dbus running?",
                          std::generic_category().message(-result));
    }
    sd_bus_set_method_call_timeout(
        bus_, static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(callTimeout).count()));
}

Bus::~Bus() { sd_bus_flush_close_unref(bus_); }

std::string Bus::unitPath(const std::string& unit) {
    Message reply;
    callManager(bus_, "LoadUnit", &reply, "load unit", unit, "s", unit.c_str());
    const char* path = nullptr;
    check(sd_bus_message_read(reply.message, "o", &path), {}, "load unit", unit);
    return path;
}

std::string Bus::text(const std::string& path, const char* interface, const char* property) {
    BusError error;
    char* value = nullptr;
    const int result =
        sd_bus_get_property_string(bus_, destination, path.c_str(), interface, property, &error.error, &value);
    check(result, error, "read property", property);
    std::string text{value};
    std::free(value);  // NOLINT(cppcoreguidelines-no-malloc): it comes from malloc
    return text;
}

std::uint32_t Bus::number(const std::string& path, const char* interface, const char* property) {
    BusError error;
    std::uint32_t value = 0;
    check(sd_bus_get_property_trivial(bus_, destination, path.c_str(), interface, property, &error.error, 'u', &value),
          error, "read property", property);
    return value;
}

std::int32_t Bus::integer(const std::string& path, const char* interface, const char* property) {
    BusError error;
    std::int32_t value = 0;
    check(sd_bus_get_property_trivial(bus_, destination, path.c_str(), interface, property, &error.error, 'i', &value),
          error, "read property", property);
    return value;
}

std::uint32_t Bus::job(const std::string& path) {
    BusError error;
    Message reply;
    check(sd_bus_get_property(bus_, destination, path.c_str(), unitInterface, "Job", &error.error, &reply.message,
                              "(uo)"),
          error, "read property", "Job");
    std::uint32_t number = 0;
    const char* object = nullptr;
    check(sd_bus_message_read(reply.message, "(uo)", &number, &object), {}, "read property", "Job");
    return number;
}

void Bus::startUnit(const std::string& unit) {
    callManager(bus_, "StartUnit", nullptr, "start unit", unit, "ss", unit.c_str(), "replace");
}

void Bus::stopUnit(const std::string& unit) {
    callManager(bus_, "StopUnit", nullptr, "stop unit", unit, "ss", unit.c_str(), "replace");
}

void Bus::killUnit(const std::string& unit, int signal) {
    callManager(bus_, "KillUnit", nullptr, "kill unit", unit, "ssi", unit.c_str(), "all",
                static_cast<std::int32_t>(signal));
}

void Bus::resetFailed(const std::string& unit) {
    callManager(bus_, "ResetFailedUnit", nullptr, "reset unit", unit, "s", unit.c_str());
}

void Bus::reload() { callManager(bus_, "Reload", nullptr, "make systemd read its units anew for", "systemd", nullptr); }

bool Bus::disableUnit(const std::string& unit) {
    Message reply;
    callManager(bus_, "DisableUnitFiles", &reply, "disable unit", unit, "asb", 1, unit.c_str(), 0);
    int changes = 0;
    check(sd_bus_message_enter_container(reply.message, 'a', "(sss)"), {}, "disable unit", unit);
    changes = sd_bus_message_at_end(reply.message, 0);
    return changes == 0;
}

}  // namespace holdfast::inline v1::service
