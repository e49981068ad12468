// SPDX-License-Identifier: BSL-1.0
// A whole agent library as any other; what its author would have written is played by the simulation.
#include "theatre.hpp"

#include <dlfcn.h>

#include <string>

namespace {

sim::Theatre& theatre() {
    static const auto find = reinterpret_cast<decltype(&simTheatre)>(::dlsym(RTLD_DEFAULT, "simTheatre"));
    return *find();
}

struct Settings {
    std::int64_t port{0};
};

class Actor final : public holdfast::Resource {
public:
    Actor(holdfast::Context& context, const Settings& /*settings*/) : name_{context.resourceName()} {
        theatre().enter(name_, this, context);
    }
    Actor(const Actor&) = delete;
    Actor& operator=(const Actor&) = delete;
    ~Actor() override { theatre().leave(name_, this); }
    void online(holdfast::Operation& operation) override { theatre().online(name_, operation); }
    void offline(holdfast::Operation& operation) override { theatre().offline(name_, operation); }
    void terminate() noexcept override { theatre().terminate(name_); }
    holdfast::Verdict isAlive(holdfast::Check& check) override { return theatre().isAlive(name_, check); }
    bool repair(holdfast::Check& check) override { return theatre().repair(name_, check); }

private:
    const std::string name_;
};

}  // namespace

HOLDFAST_AGENT(holdfast::ResourceType<Actor, Settings>{"Actor"}.property("Port", &Settings::port,
                                                                         holdfast::range(0, 65'535),
                                                                         "What people change while it runs"));
