// SPDX-License-Identifier: BSL-1.0
#include "adapters/stored_properties.hpp"
#include "property_fixture.hpp"

#include <holdfast/abi/wide.hpp>
#include <holdfast/monitor/memory_registry.hpp>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace holdfast;
using namespace holdfast::abi;
using adapters::StartingPhase;
using adapters::StoredProperties;
using monitor::MemoryRegistry;
using V = PropertyValue;

namespace {

constexpr auto parameters = "Resources\\orders\\Parameters";
constexpr auto typeParameters = "ResourceTypes\\Test Database\\Parameters";

/** The database behind the cluster API below, and what that API is to answer; one at a time. */
struct Cluster {
    MemoryRegistry* memory{nullptr};
    int open{0};
    int opened{0};
    Dword failure{0};
} cluster;

/** A host as Windows is one: a type's key is had from the cluster, by remote calls. */
HostFunctions remoteHost() {
    HostFunctions host = monitor::hostFunctions();
    host.openTypeKey = nullptr;
    host.openCluster = [](const WideChar*) -> ClusterHandle {
        ++cluster.opened;
        ++cluster.open;
        return reinterpret_cast<ClusterHandle>(std::uintptr_t{8});
    };
    host.closeCluster = [](ClusterHandle) -> Bool {
        --cluster.open;
        return 1;
    };
    host.getClusterResourceTypeKey = [](ClusterHandle, const WideChar* name, Dword) -> KeyHandle {
        KeyHandle handle = nullptr;
        Dword code = cluster.failure;
        if (code == 0) {
            const auto root = cluster.memory->open("ResourceTypes");
            code = static_cast<Dword>(monitor::hostFunctions().clusterRegOpenKey(root.get(), name, 0, &handle));
        }
        if (code != 0) monitor::hostFunctions().setLastError(code);
        return handle;
    };
    return host;
}

struct Stored {
    explicit Stored(bool remote = false) : host{remote ? remoteHost() : monitor::hostFunctions()} {
        cluster = {&memory, 0, 0, 0};
        memory.set(parameters, "DatabasePath", V::sz("/x"));
        memory.set(typeParameters, {{"Port", V::dword(99)}, {"NoneOfTheirs", V::sz("x")}});
    }
    MemoryRegistry memory;
    MemoryRegistry::Key key = memory.open("Resources\\orders");
    HostFunctions host;
    ClusterRegistry registry{&host};
    StoredProperties properties{key.get(), fixture::database(), registry};
};

std::string failure(const StoredProperties& properties) {
    try {
        static_cast<void>(properties.checked());
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("D15 own values first, then the type's; what the type has beyond the table is not a resource's") {
    for (const bool remote : {false, true}) {
        CAPTURE(remote);
        Stored resource{remote};
        resource.properties.keepKeys();
        const PropertyBag expected{{"DatabasePath", V::sz("/x")}, {"Port", V::dword(99)}};
        CHECK(resource.properties.checked() == expected);
        CHECK(resource.properties.stored() == expected);
        resource.properties.write({{"Port", V::dword(1)}});
        CHECK(*resource.properties.checked().find("Port") == V::dword(1));
        CHECK(resource.memory.values(typeParameters).size() == 2);  // the type keeps its own
        CHECK(cluster.open == 0);
    }
}

TEST_CASE("W-800 W-802 Open asks no cluster, and between the two phases of a node's start nobody does",
          "[W-114][W-1102]") {
    Stored resource{true};
    resource.properties.keepKeys();
    CHECK(cluster.opened == 0);
    adapters::noteStarting(StartingPhase::one);
    CHECK(failure(resource.properties).find("STARTING_PHASE2") != std::string::npos);
    CHECK_THROWS_AS(adapters::readTypeProperties(*fixture::database(), resource.registry), Error);
    CHECK(cluster.opened == 0);
    adapters::noteStarting(StartingPhase::two);
    CHECK(failure(resource.properties) == "no error");
    CHECK(cluster.opened == 1);
    adapters::noteStarting(StartingPhase::unknown);
}

TEST_CASE("a type that the cluster does not know has nothing set; one that it does not give is an error") {
    Stored resource{true};
    cluster.failure = 5078;
    CHECK(resource.properties.checked() == PropertyBag{{"DatabasePath", V::sz("/x")}});
    CHECK_THROWS_AS(adapters::writeTypeProperties(*fixture::database(), {}, resource.registry), Error);
    cluster.failure = 1722;
    CHECK(failure(resource.properties).find("(1722)") != std::string::npos);
    CHECK(cluster.open == 0);
}

TEST_CASE("W-539 a type's value that breaks its rule is named as the type's at Online, and no obstacle to mending it") {
    Stored resource;
    resource.memory.set(typeParameters, "Port", V::sz("x"));
    CHECK(failure(resource.properties) ==
          "property \"Port\": expected DWORD, found SZ (set on resource type \"Test Database\")");
    CHECK(*resource.properties.stored().find("Port") == V::sz("x"));
    resource.properties.write({{"Port", V::dword(1)}});
    CHECK(failure(resource.properties) == "no error");
}

TEST_CASE("an engine without a registry: the defaults hold, and nothing can be stored") {
    Stored resource;
    StoredProperties none{nullptr, fixture::database(), resource.registry};
    none.keepKeys();
    CHECK(none.checked().empty());
    CHECK_THROWS_AS(none.write({{"Port", V::dword(1)}}), Error);
}

TEST_CASE("a type's properties are written where its resources read them") {
    for (const bool remote : {false, true}) {
        CAPTURE(remote);
        Stored resource{remote};
        adapters::writeTypeProperties(*fixture::database(), {{"Bias", V::longInteger(3)}}, resource.registry);
        CHECK(adapters::readTypeProperties(*fixture::database(), resource.registry).size() == 3);
        CHECK(*resource.properties.checked().find("Bias") == V::longInteger(3));
    }
}
