// SPDX-License-Identifier: BSL-1.0
// An agent with a secret.
#include <holdfast/resource.hpp>

#include <chrono>
#include <string>

struct Settings {
    std::string user;
    std::string password;
    std::chrono::milliseconds limit{1'500};
    std::string edition{"second"};
};

class Keeper final : public holdfast::Resource {
public:
    Keeper(holdfast::Context&, Settings) {}
    void online(holdfast::Operation&) override {}
    void terminate() noexcept override {}
    holdfast::Verdict isAlive(holdfast::Check&) override { return holdfast::Verdict::alive(); }
};

HOLDFAST_AGENT(holdfast::ResourceType<Keeper, Settings>{"Keeper"}
                   .property("User", &Settings::user)
                   .property("Password", &Settings::password, holdfast::secret)
                   .property("Limit", &Settings::limit)
                   .property("Edition", &Settings::edition, holdfast::readOnly));
