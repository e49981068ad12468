// SPDX-License-Identifier: BSL-1.0
#include <holdfast/resource.hpp>

namespace {

struct Settings {
    int watts{40};
};

class Lamp final : public holdfast::Resource {
public:
    Lamp(holdfast::Context& /*context*/, Settings settings) : settings_{settings} {}

    void online(holdfast::Operation& operation) override {
        operation.checkpoint("switching on");
        lit_ = settings_.watts > 0;
    }
    void terminate() noexcept override { lit_ = false; }
    holdfast::Verdict isAlive(holdfast::Check& /*check*/) override {
        return lit_ ? holdfast::Verdict::alive() : holdfast::Verdict::failed("the lamp is out");
    }

private:
    Settings settings_;
    bool lit_ = false;
};

}  // namespace

HOLDFAST_AGENT(holdfast::ResourceType<Lamp, Settings>{"Lamp"}.property("Watts", &Settings::watts,
                                                                       holdfast::range(1, 100), "Power of the bulb"));
