// SPDX-License-Identifier: BSL-1.0
// What the author's Context says, through the runtime.

#include <holdfast/testing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace holdfast;
using testing::FakeEngine;
using namespace std::chrono_literals;

namespace {

/** What members of the object saw, in order. */
struct Seen {
    std::mutex mutex;
    std::vector<std::string> lines;
    void add(std::string line) {
        const std::lock_guard lock{mutex};
        lines.push_back(std::move(line));
    }
    std::vector<std::string> take() {
        const std::lock_guard lock{mutex};
        return std::exchange(lines, {});
    }
};
Seen seen;

struct Settings {};

class Witness final : public Resource {
public:
    Witness(Context& context, Settings) : context_{context} {}
    void online(Operation&) override {
        seen.add("online as " + context_.resourceName() +
                 ", stop: " + std::string{stateChangeName(context_.stateChangeReason())});
        for (const auto& address : context_.dependencies().ipAddresses()) seen.add("address " + address);
    }
    void offline(Operation&) override {
        seen.add("offline: " + std::string{stateChangeName(context_.stateChangeReason())});
    }
    void terminate() noexcept override {
        seen.add("terminate: " + std::string{stateChangeName(context_.stateChangeReason())});
    }
    Verdict isAlive(Check&) override {
        std::string line = "check as " + context_.resourceName();
        for (const auto& notice : context_.dependencyNotices()) line += ", notice " + notice.name;
        for (const auto& address : context_.dependencies().ipAddresses()) line += ", address " + address;
        seen.add(std::move(line));
        return Verdict::alive();
    }

private:
    Context& context_;
};

std::shared_ptr<const AgentType> witness() {
    return ResourceType<Witness, Settings>{"Witness"}.checkInterval(1'000ms).share();
}

Dependencies address(const std::string& value) {
    return Dependencies{{{"ip", "IP Address", {{"Address", PropertyValue::sz(value)}}, {}}}};
}

bool saw(const std::string& line) {
    for (int i = 0; i < 500; ++i) {
        {
            const std::lock_guard lock{seen.mutex};
            for (const auto& entry : seen.lines) {
                if (entry == line) return true;
            }
        }
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

}  // namespace

TEST_CASE("W-650 the reason of a state change is the author's during that stop and no later one") {
    seen.take();
    FakeEngine engine{witness(), {}, "alpha"};
    REQUIRE(engine.bringOnline());
    CHECK(seen.take().front() == "online as alpha, stop: unknown");

    engine.announce(StateChangeReason::failover);
    REQUIRE(engine.takeOffline());
    CHECK(saw("offline: failover"));

    // Consumed by that Offline: neither the next run nor its end knows of it.
    seen.take();
    REQUIRE(engine.bringOnline());
    CHECK(saw("online as alpha, stop: unknown"));
    REQUIRE(engine.takeOffline());
    CHECK(saw("offline: unknown"));

    seen.take();
    REQUIRE(engine.bringOnline());
    engine.announce(StateChangeReason::shutdown);
    REQUIRE(engine.terminate() == FakeEngine::Answer::done);
    CHECK(saw("terminate: shutdown"));
}

TEST_CASE("W-651 a renamed resource has its new name in the run that goes on") {
    testing::ManualTime time;
    seen.take();
    FakeEngine engine{witness(), {}, "alpha"};
    REQUIRE(engine.bringOnline());
    engine.rename("");  // no name, no change
    engine.rename("beta");
    time.advance(1'100ms);
    CHECK(saw("check as beta"));
}

TEST_CASE("Dependencies are read once in a run, and anew after a notice") {
    testing::ManualTime time;
    seen.take();
    FakeEngine engine{witness()};
    engine.setDependencies(address("10.0.0.1"));
    REQUIRE(engine.bringOnline());
    CHECK(saw("address 10.0.0.1"));

    engine.setDependencies(address("10.0.0.2"));  // nobody said so: the run keeps what it read
    time.advance(1'100ms);
    CHECK(saw("check as test, address 10.0.0.1"));

    engine.notify({DependencyEvent::stateChanged, "ip"});
    time.advance(1'100ms);
    CHECK(saw("check as test, notice ip, address 10.0.0.2"));

    REQUIRE(engine.takeOffline());
    engine.setDependencies(address("10.0.0.3"));
    seen.take();
    REQUIRE(engine.bringOnline());  // a new run, without the notices of the last
    CHECK(saw("address 10.0.0.3"));
    time.advance(1'100ms);
    CHECK(saw("check as test, address 10.0.0.3"));
}

TEST_CASE("Dependencies know their network name, addresses and drive letters") {
    const Dependencies some{{{"name", "network name", {{"Name", PropertyValue::sz("SQLVS1")}}, {}},
                             {"v4", "IP Address", {{"Address", PropertyValue::sz("10.1.2.3")}}, {}},
                             {"v6", "IPv6 Address", {{"Address", PropertyValue::sz("fd00::1")}}, {}},
                             {"disk", "Physical Disk", {}, {"E:", "F:"}},
                             {"volume", "Disk", {{"DriveLetters", PropertyValue::multiSz({"G:"})}}, {}}}};
    CHECK(some.networkName() == "SQLVS1");
    CHECK(some.ipAddresses() == std::vector<std::string>{"10.1.2.3", "fd00::1"});
    CHECK(some.driveLetters() == std::vector<std::string>{"E:", "F:", "G:"});
    CHECK(some.find("V4")->type == "IP Address");
    CHECK(some.ofType("physical disk")->name == "disk");
    CHECK(some.find("nobody") == nullptr);
    CHECK(Dependencies{{}, "CLUSTERNAME"}.networkName() == "CLUSTERNAME");
    CHECK_FALSE(Dependencies{}.networkName().has_value());
}
