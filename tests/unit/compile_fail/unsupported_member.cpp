// SPDX-License-Identifier: BSL-1.0
// expected: a property's member must be
#include "../property_fixture.hpp"

struct Wrong : fixture::Settings {
    double ratio{0.5};
};
class Agent final : public fixture::Database {
public:
    Agent(holdfast::Context& context, Wrong settings) : Database{context, settings} {}
};

auto make() { return holdfast::ResourceType<Agent, Wrong>{"T"}.property("Ratio", &Wrong::ratio).share(); }
