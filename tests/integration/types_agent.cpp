// SPDX-License-Identifier: BSL-1.0
// An agent that says which settings it was built with.
#include <holdfast/resource.hpp>

#include <cstdint>
#include <string>

struct Settings {
    std::string greeting{"nothing"};
    std::uint16_t port{1};
};

class Speaker final : public holdfast::Resource {
public:
    Speaker(holdfast::Context& context, Settings settings) {
        context.info("greeting={} port={}", settings.greeting, settings.port);
    }
    void online(holdfast::Operation&) override {}
    void terminate() noexcept override {}
    holdfast::Verdict isAlive(holdfast::Check&) override { return holdfast::Verdict::alive(); }
};

HOLDFAST_AGENT(holdfast::ResourceType<Speaker, Settings>{"Speaker"}
                   .property("Greeting", &Settings::greeting)
                   .property("Port", &Settings::port, holdfast::range(1, 1'000)));
