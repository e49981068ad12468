// SPDX-License-Identifier: BSL-1.0

/// Agents that depend on one another: the third says what its Context knows of the first two.

#include <holdfast/resource.hpp>

#include <fmt/ranges.h>

namespace {

using holdfast::Check;
using holdfast::Context;
using holdfast::Operation;
using holdfast::Verdict;

class Idle : public holdfast::Resource {
public:
    void online(Operation&) override {}
    void terminate() noexcept override {}
    Verdict isAlive(Check&) override { return Verdict::alive(); }
};

struct NameSettings {
    std::string name;
};
class NetworkName final : public Idle {
public:
    NetworkName(Context&, NameSettings) {}
};

struct AddressSettings {
    std::string address;
};
class Address final : public Idle {
public:
    Address(Context&, AddressSettings) {}
};

struct NoSettings {};
class Witness final : public Idle {
public:
    Witness(Context& context, NoSettings) : context_{context} {}
    void online(Operation&) override {
        const holdfast::Dependencies all = context_.dependencies();
        context_.info("{} depends on {} resources: name {}, addresses {}", engineName(context_.engine()), all.size(),
                      all.networkName().value_or("none"), fmt::join(all.ipAddresses(), " "));
    }

private:
    Context& context_;
};

}  // namespace

HOLDFAST_AGENT(holdfast::ResourceType<NetworkName, NameSettings>{"Network Name"}.property("Name", &NameSettings::name),
               holdfast::ResourceType<Address, AddressSettings>{"IP Address"}.property("Address",
                                                                                       &AddressSettings::address),
               holdfast::ResourceType<Witness, NoSettings>{"Witness"});
