// SPDX-License-Identifier: BSL-1.0
// What an agent is told of the resources it depends on, by a monitor that hosts it in process and in processes.

#include "monitor_bench.hpp"

#include <holdfast/monitor/in_process_host.hpp>
#include <holdfast/monitor/process_host.hpp>
#include <holdfast/os/process.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <filesystem>
#include <string>

namespace {

using namespace holdfast;
using namespace holdfast::test;

monitor::ResourceConfiguration resource(const std::string& name, const std::string& type,
                                        std::vector<monitor::PropertySetting> properties,
                                        std::vector<std::string> dependsOn = {}, const std::string& host = {}) {
    monitor::ResourceConfiguration configured;
    configured.name = name;
    configured.type = type;
    configured.agent = DEPENDENCY_AGENT;
    configured.dependsOn = std::move(dependsOn);
    configured.properties = std::move(properties);
    configured.host = host;
    configured.restart.delay = 10ms;
    return configured;
}

std::vector<monitor::ResourceConfiguration> resources() {
    // The witness has a host of its own, which knows nothing of the two others.
    return {resource("name", "Network Name", {{"Name", std::string{"SQLVS1"}, {"test.toml", 1}}}, {"ip"}, "names"),
            resource("ip", "IP Address", {{"Address", std::string{"10.1.2.3"}, {"test.toml", 2}}}, {}, "names"),
            resource("app", "Witness", {}, {"name", "ip"}, "app"), resource("alone", "Witness", {}, {}, "app")};
}

void check(Bench& bench) {
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("app") && bench.isOnline("alone"); }));
    CHECK(eventually(
        [&] { return bench.logged("holdfast monitor depends on 2 resources: name SQLVS1, addresses 10.1.2.3"); }));
    CHECK(eventually([&] { return bench.logged("holdfast monitor depends on 0 resources: name none, addresses"); }));
    // A value that changed meanwhile is what the next Online sees.
    REQUIRE(bench->setProperties("ip", {{"Address", std::string{"10.9.9.9"}, {}}}).problems.empty());
    bench->offline("app");
    REQUIRE(eventually([&] { return bench.snapshot("app").external == abi::ResourceState::offline; }));
    bench->online("app");
    CHECK(eventually([&] { return bench.logged("addresses 10.9.9.9"); }));
    bench.stop();
    CHECK(bench.stopped());
}

}  // namespace

TEST_CASE("an agent hosted in process is told what it depends on, with the values as they are") {
    Bench bench{resources()};
    check(bench);
}

TEST_CASE("an agent hosted in process with keys of the system's registry is told what it depends on") {
    monitor::MonitorOptions options;
    options.host = [](monitor::MemoryRegistry& registry, std::weak_ptr<monitor::HostListener> listener) {
        return std::make_unique<monitor::InProcessHost>(registry, std::move(listener), monitor::systemKeys());
    };
    Bench bench{resources(), std::move(options)};
    check(bench);
}

#if defined(HOST_PROGRAM)
TEST_CASE("an agent in a host process is told what it depends on, also of resources in another host") {
    const auto room =
        std::filesystem::temp_directory_path() / ("holdfast-dependency-" + std::to_string(os::processId()));
    std::filesystem::remove_all(room);
    monitor::ProcessHostSettings settings;
    settings.hostProgram = HOST_PROGRAM;
    settings.reaperProgram = REAPER_PROGRAM;
    settings.runDirectory = room;
    monitor::MonitorOptions options;
    options.host = [settings](monitor::MemoryRegistry& registry, std::weak_ptr<monitor::HostListener> listener) {
        return std::make_unique<monitor::ProcessHost>(settings, registry, std::move(listener));
    };
    {
        Bench bench{resources(), std::move(options)};
        check(bench);
    }
    std::filesystem::remove_all(room);
}
#endif
