// SPDX-License-Identifier: BSL-1.0
// A systemd unit over D-Bus. Each call has a connection of its own, so that terminate() can overlap one that hangs.
#include "service/bus_linux.hpp"
#include "service/processes_linux.hpp"

#include <holdfast/context.hpp>
#include <holdfast/error.hpp>
#include <holdfast/service/roles.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

namespace holdfast::inline v1::service {
namespace {

namespace fs = std::filesystem;

std::string unitName(const std::string& name) {
    if (name.empty() || name.size() > 255 || name.find('/') != std::string::npos || name.front() == '.')
        throw Error::make(ErrorCode::configuration, "\"{}\" cannot be a unit's name", name);
    return name.find('.') == std::string::npos ? name + ".service" : name;
}

State stateOf(const std::string& active) {
    if (active == "active" || active == "reloading" || active == "refreshing") return State::running;
    if (active == "activating") return State::starting;
    if (active == "deactivating") return State::stopping;
    if (active == "inactive" || active == "failed") return State::stopped;
    return State::other;
}

class UnitControl final : public Control {
public:
    explicit UnitControl(std::string unit) : unit_{std::move(unit)} {}

    Status status() override {
        Bus bus;
        const std::string path = bus.unitPath(unit_);
        // The job before the state: a start that ends in between has changed the state already.
        const bool waits = bus.job(path) != 0;
        const std::string active = bus.text(path, unitInterface, "ActiveState");
        Status status;
        status.state = stateOf(active);
        status.text = fmt::format("{} ({})", active, bus.text(path, unitInterface, "SubState"));
        if (!isService()) return status;
        status.process = bus.number(path, serviceInterface, "MainPID");
        if (status.state == State::stopped) {
            // A job that waits in the queue is a start that goes on.
            if (waits) {
                status.state = State::starting;
                status.text += ", its job waits";
            } else {
                status.ending = fmt::format("result {}, status {}", bus.text(path, serviceInterface, "Result"),
                                            bus.integer(path, serviceInterface, "ExecMainStatus"));
            }
        } else if (const auto said = bus.text(path, serviceInterface, "StatusText"); !said.empty()) {
            status.text += ": " + said;
        }
        return status;
    }

    void start(const Strings& arguments) override {
        if (!arguments.empty()) {
            throw Error::make(
                ErrorCode::configuration,
                "StartParameters: systemd gives unit \"{}\" none; set them in the unit, or its environment", unit_);
        }
        Bus bus;
        bus.startUnit(unit_);
    }

    bool requestStop() override {
        Bus bus;
        bus.stopUnit(unit_);
        return true;
    }

private:
    [[nodiscard]] bool isService() const { return unit_.ends_with(".service"); }
    const std::string unit_;
};

/** A drop-in that lasts until the machine starts anew: `systemctl edit --runtime` makes one just so. */
class UnitConfiguration final : public Configuration {
public:
    UnitConfiguration(std::string unit, Context& context)
        : unit_{std::move(unit)},
          directory_{fs::path{"/run/systemd/system"} / (unit_ + ".d")},
          file_{directory_ / "90-holdfast.conf"},
          context_{context} {}

    void setEnvironment(const std::vector<EnvironmentVariable>& variables) override { write(variables); }

    void removeEnvironment() override {
        std::error_code error;
        if (!fs::remove(file_, error)) return;
        fs::remove(directory_, error);  // if nobody else has a drop-in there
        Bus{}.reload();
    }

    void setStartParameters() override {
        Bus bus;
        const std::string path = bus.unitPath(unit_);
        const std::string load = bus.text(path, unitInterface, "LoadState");
        if (load == "masked") {
            throw Error::make(ErrorCode::configuration,
                              "unit \"{}\" is masked, so it must not be started; systemctl unmask it", unit_);
        }
        // W-702: started at boot it would run on two nodes.
        const std::string file = bus.text(path, unitInterface, "UnitFileState");
        if (file != "enabled" && file != "enabled-runtime") return;
        const bool changed = bus.disableUnit(unit_);
        bus.reload();  // systemd remembers what it knew of the file
        if (changed) context_.warning("unit \"{}\" no longer starts at boot: the cluster starts it", unit_);
    }

private:
    void write(const std::vector<EnvironmentVariable>& variables) {
        std::string text = "# Written by holdfast while the resource is online.\n[Service]\nRestart=no\n";  // W-702
        for (const auto& variable : variables)
            text += fmt::format("Environment=\"{}={}\"\n", quoted(variable.name), quoted(variable.value));
        std::error_code error;
        fs::create_directories(directory_, error);
        const fs::path next = directory_ / ".90-holdfast.conf.new";
        {
            std::ofstream stream{next, std::ios::trunc};
            stream << text;
            stream.close();
            if (!stream) {
                throw Error::make(ErrorCode::permission,
                                  "cannot write {}: the agent needs to be root to drive unit \"{}\"", next.string(),
                                  unit_);
            }
        }
        fs::rename(next, file_);
        Bus bus;
        bus.reload();
        try {
            bus.resetFailed(unit_);  // what happened before must not count against the start that comes
        } catch (const Error&) {     // not loaded: nothing counts
        }
    }

    /** For a quoted word of a unit file. */
    [[nodiscard]] std::string quoted(const std::string& text) const {
        std::string out;
        for (const char c : text) {
            if (static_cast<unsigned char>(c) < 0x20)
                throw Error::make(ErrorCode::configuration, "the environment of unit \"{}\" holds a control character",
                                  unit_);
            if (c == '"' || c == '\\') out += '\\';
            if (c == '%') out += '%';
            out += c;
        }
        return out;
    }

    const std::string unit_;
    const fs::path directory_;
    const fs::path file_;
    Context& context_;
};

}  // namespace

Manager openManager(const std::string& name, Context& context) {
    const std::string unit = unitName(name);
    {
        Bus bus;
        if (bus.text(bus.unitPath(unit), unitInterface, "LoadState") == "not-found")
            throw Error::make(ErrorCode::notInstalled, "systemd has no unit \"{}\"", unit);
    }
    return {std::make_unique<UnitControl>(unit), std::make_unique<UnitConfiguration>(unit, context),
            makeUnitProcesses(unit)};
}

}  // namespace holdfast::inline v1::service
