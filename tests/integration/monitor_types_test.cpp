// SPDX-License-Identifier: BSL-1.0
// Private properties of resource types, from the file to the agent's settings (D15).
#include "monitor_bench.hpp"

#include <holdfast/monitor/configuration.hpp>
#include <holdfast/monitor/in_process_host.hpp>
#if defined(HOST_PROGRAM)
#include <holdfast/monitor/process_host.hpp>
#endif

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <filesystem>
#include <random>
#include <string>

using namespace holdfast;
using namespace holdfast::test;

namespace {

/** A directory of its own for each test. */
struct Directory {
    Directory()
        : path{std::filesystem::temp_directory_path() / ("holdfast-types-" + std::to_string(std::random_device{}()))} {
        std::filesystem::create_directories(path);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() {
        std::error_code error;
        std::filesystem::remove_all(path, error);
    }
    std::filesystem::path path;
};

enum class Hosting { inProcess, inProcessWithSystemKeys, inProcesses };

monitor::MonitorOptions optionsFor(Hosting hosting, const std::filesystem::path& directory) {
    monitor::MonitorOptions options;
    static_cast<void>(directory);
    if (hosting == Hosting::inProcessWithSystemKeys) {
        options.host = [](monitor::MemoryRegistry& registry, std::weak_ptr<monitor::HostListener> listener) {
            return std::make_unique<monitor::InProcessHost>(registry, std::move(listener), monitor::systemKeys());
        };
    }
#if defined(HOST_PROGRAM)
    if (hosting == Hosting::inProcesses) {
        monitor::ProcessHostSettings settings;
        settings.hostProgram = HOST_PROGRAM;
        settings.reaperProgram = REAPER_PROGRAM;
        settings.runDirectory = directory / "run";
        options.host = [settings](monitor::MemoryRegistry& registry, std::weak_ptr<monitor::HostListener> listener) {
            return std::make_unique<monitor::ProcessHost>(settings, registry, std::move(listener));
        };
    }
#endif
    return options;
}

monitor::ReadConfiguration fileOf(const std::string& types, const std::string& ofB = "", const std::string& more = "") {
    const std::string agent = "type = \"Speaker\"\nagent = '" TYPES_AGENT "'\n";
    return monitor::parseConfiguration(types + "[[resource]]\nname = \"a\"\n" + agent + "[[resource]]\nname = \"b\"\n" +
                                           agent + "[resource.properties]\n" + ofB + more,
                                       "test.toml");
}

monitor::MonitorConfiguration good(const monitor::ReadConfiguration& read) {
    for (const auto& problem : read.problems) FAIL_CHECK(problem.toString());
    return read.configuration;
}

constexpr auto speaker = "[types.\"speaker\".properties]\n";

}  // namespace

TEST_CASE("D15 a type's properties in the file hold for each resource that does not say otherwise") {
#if defined(HOST_PROGRAM)
    const auto hosting = GENERATE(Hosting::inProcess, Hosting::inProcessWithSystemKeys, Hosting::inProcesses);
#else
    const auto hosting = GENERATE(Hosting::inProcess, Hosting::inProcessWithSystemKeys);
#endif
    CAPTURE(static_cast<int>(hosting));
    const Directory directory;
    Bench bench{good(fileOf(std::string{speaker} + "Greeting = \"hello\"\nPort = 7\n", "Port = 8\n")),
                optionsFor(hosting, directory.path)};
    const auto problems = bench->prepare();
    for (const auto& problem : problems) FAIL_CHECK(problem.toString());
    bench->start();
    CHECK(eventually([&] { return bench.isOnline("a") && bench.isOnline("b"); }));
    CHECK(eventually([&] { return bench.logged("greeting=hello port=7"); }));
    CHECK(eventually([&] { return bench.logged("greeting=hello port=8"); }));
    CHECK(bench->registry().values("ResourceTypes\\Speaker\\Parameters").size() == 2);
    CHECK(bench->properties("a").empty());  // nothing is copied into the resources

    // A reload changes what the next Online finds, and what is left out is the agent's default again.
    CHECK(bench->reload(good(fileOf(std::string{speaker} + "Port = 9\n", "Port = 8\n"))).empty());
    CHECK(bench.logged("new properties are used from the next Online on"));
    CHECK(bench->offline("a"));
    REQUIRE(eventually([&] { return bench.snapshot("a").external == abi::ResourceState::offline; }));
    CHECK(bench->online("a"));
    CHECK(eventually([&] { return bench.logged("greeting=nothing port=9"); }));
    bench->stop();
}

TEST_CASE("a type's property that is wrong is refused with its line, before anything starts") {
    const auto refused = [](const std::string& types) {
        Bench bench{good(fileOf(types, "Port = 8\n"))};
        std::string text;
        for (const auto& problem : bench->prepare()) text += problem.toString() + "\n";
        return text;
    };
    CHECK(refused(std::string{speaker} + "Prot = 7\n")
              .find("test.toml:2: the agent has no property 'Prot'; did you mean 'Port'?") != std::string::npos);
    CHECK(refused(std::string{speaker} + "Port = \"x\"\n").find("test.toml:2: property 'Port' must be an integer") !=
          std::string::npos);
    CHECK(refused(std::string{speaker} + "Greeting = \"x\"\nPort = 1001\n")
              .find("test.toml:3: property \"Port\": 1001 is out of range: 1 to 1000") != std::string::npos);
}

TEST_CASE("a refused reload leaves a type's properties as they were") {
    Bench bench{good(fileOf(std::string{speaker} + "Port = 7\n", "Port = 8\n"))};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("a"); }));
    const auto one = "[[resource]]\nname = \"c\"\ntype = \"Speaker\"\nagent = '" TYPES_AGENT "'\n";
    const auto bad = "[[resource]]\nname = \"d\"\ntype = \"Nobody\"\nagent = '" TYPES_AGENT "'\n";
    CHECK_FALSE(bench
                    ->reload(good(fileOf(std::string{speaker} + "Port = 9\nGreeting = \"x\"\n", "Port = 8\n",
                                         std::string{one} + bad)))
                    .empty());
    CHECK(eventually([&] {
        return bench->registry().values("ResourceTypes\\Speaker\\Parameters") ==
               PropertyBag{{"Port", PropertyValue::dword(7)}};
    }));
    bench->stop();
}

TEST_CASE("[types] that is no table of types is refused, and a type that nobody has is noted") {
    const auto problem = [](const std::string& types) {
        const auto read = fileOf(types, "Port = 8\n");
        return read.problems.empty() ? std::string{} : read.problems.front().toString();
    };
    CHECK(problem("types = 3\n") == "test.toml:1: types are written as [types.\"Type Name\".properties]");
    CHECK(problem("[types]\nSpeaker = 3\n") == "test.toml:2: type 'Speaker' must be a table, not an integer");
    CHECK(problem("[types.Speaker]\nproprties = 3\n") ==
          "test.toml:2: unknown key 'proprties' in [types]; did you mean 'properties'?");
    CHECK(problem("[types.Speaker.properties]\nPort = 1\n[types.SPEAKER.properties]\nPort = 2\n")
              .find("is already on line") != std::string::npos);
    const auto read = fileOf("[types.Nobody.properties]\nPort = 1\n", "Port = 8\n");
    REQUIRE(read.notes.size() == 1);
    CHECK(read.notes.front().toString() == "test.toml:1: no resource is of type 'Nobody'");
}

TEST_CASE("W-640 the agent answers SET itself, and what it stores reaches the monitor, its state and the next run") {
#if defined(HOST_PROGRAM)
    const auto hosting = GENERATE(Hosting::inProcess, Hosting::inProcessWithSystemKeys, Hosting::inProcesses);
#else
    const auto hosting = GENERATE(Hosting::inProcess, Hosting::inProcessWithSystemKeys);
#endif
    CAPTURE(static_cast<int>(hosting));
    const Directory directory;
    auto configuration = good(fileOf("", "Port = 8\n"));
    configuration.state = directory.path / "state";
    const PropertyValue nine = PropertyValue::dword(9);
    {
        Bench bench{configuration, optionsFor(hosting, directory.path)};
        REQUIRE(bench->prepare().empty());
        bench->start();
        REQUIRE(eventually([&] { return bench.isOnline("a") && bench.isOnline("b"); }));
        CHECK(bench->setProperties("b", {{"port", std::int64_t{9}, {}}}).code == abi::code::resourcePropertiesStored);
        CHECK(bench.logged("the agent wrote its properties: Port"));  // and not the monitor
        const PropertyBag stored = bench->registry().values("Resources\\b\\Parameters");
        REQUIRE(stored.contains("Port"));
        CHECK(*stored.find("Port") == nine);
        CHECK(bench->properties("b").contains("Port"));
        // The agent's own rule refuses, and nothing changes.
        const auto refused = bench->setProperties("b", {{"Port", std::int64_t{1'001}, {}}});
        CHECK(refused.code != 0);
        REQUIRE(refused.problems.size() == 1);
        CHECK(refused.problems.front().find("out of range") != std::string::npos);
        CHECK(*bench->registry().values("Resources\\b\\Parameters").find("Port") == nine);
        CHECK(bench->offline("b"));
        REQUIRE(eventually([&] { return bench.snapshot("b").external == abi::ResourceState::offline; }));
        CHECK(bench->setProperties("b", {{"Greeting", std::string{"hi"}, {}}}).code == 0);
        CHECK(bench->online("b"));
        CHECK(eventually([&] { return bench.logged("greeting=hi port=9"); }));
        bench.stop();
    }
    Bench later{configuration, optionsFor(hosting, directory.path)};
    REQUIRE(later->prepare().empty());
    later->start();
    CHECK(eventually([&] { return later.logged("greeting=hi port=9"); }));
    later.stop();
}
