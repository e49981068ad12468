// SPDX-License-Identifier: BSL-1.0
// What the cluster says of dependencies, read through the functions of clusapi.dll; here a cluster that is made up.

#include "adapters/cluster_api.hpp"

#include <holdfast/abi/property_list.hpp>
#include <holdfast/abi/wide.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace holdfast;
using namespace holdfast::abi;
using adapters::ClusterFunctions;
using adapters::readClusterDependencies;

struct Made {
    std::string type;
    PropertyBag properties;
    std::vector<Byte> disk;
};

/** A cluster of some resources, and every handle it gave out. */
struct Cluster {
    std::map<std::string, Made> resources;
    std::vector<std::string> depends;  // of "app"
    std::string networkName;
    Dword openError{0};
    int open{0};  // handles
    Dword lastError{0};
    std::vector<std::string> calls;
} cluster;

Handle HOLDFAST_STDCALL openCluster(const WideChar* name) {
    cluster.calls.emplace_back("OpenCluster");
    CHECK(name == nullptr);  // this node's own
    if (cluster.openError != 0) {
        cluster.lastError = cluster.openError;
        return nullptr;
    }
    ++cluster.open;
    return &cluster;
}
Bool HOLDFAST_STDCALL closeCluster(Handle) { return --cluster.open, 1; }
Handle HOLDFAST_STDCALL openResource(Handle, const WideChar* name) {
    const auto found = cluster.resources.find(toUtf8(name));
    if (found == cluster.resources.end()) {
        cluster.lastError = code::resourceNotFound;
        return nullptr;
    }
    ++cluster.open;
    return &*found;
}
Bool HOLDFAST_STDCALL closeResource(Handle) { return --cluster.open, 1; }
Handle HOLDFAST_STDCALL openEnum(Handle resource, Dword type) {
    CHECK(type == 1);  // what it depends on
    ++cluster.open;
    return resource;
}
Dword HOLDFAST_STDCALL closeEnum(Handle) { return --cluster.open, code::success; }
Dword HOLDFAST_STDCALL nextOfEnum(Handle, Dword index, Dword* type, WideChar* name, Dword* size) {
    if (index >= cluster.depends.size()) return code::noMoreItems;
    *type = 1;
    const auto wide = toWide(cluster.depends[index]);
    const Dword room = *size;
    *size = static_cast<Dword>(wide.size());
    if (room <= wide.size()) return code::moreData;
    std::memcpy(name, wide.c_str(), (wide.size() + 1) * sizeof(WideChar));
    return code::success;
}
Dword HOLDFAST_STDCALL control(Handle resource, Handle node, Dword what, void* in, Dword inSize, void* out,
                               Dword outSize, Dword* returned) {
    CHECK(node == nullptr);
    CHECK(in == nullptr);
    CHECK(inSize == 0);
    const auto& made = static_cast<std::pair<const std::string, Made>*>(resource)->second;
    std::vector<Byte> answer;
    if (what == 0x0100'002D) {
        const auto wide = toWide(made.type);
        answer.resize((wide.size() + 1) * sizeof(WideChar));
        std::memcpy(answer.data(), wide.c_str(), answer.size());
    } else if (what == 0x0100'0081) {
        answer = writePropertyList(made.properties, ListUse::answer);
    } else if (what == 0x0100'0191 && !made.disk.empty()) {
        answer = made.disk;
    } else {
        return 1;  // ERROR_INVALID_FUNCTION
    }
    return copyAnswer(answer, out, outSize, returned);
}
Bool HOLDFAST_STDCALL networkName(Handle, WideChar* name, Dword* size) {
    if (cluster.networkName.empty()) return 0;
    const auto wide = toWide(cluster.networkName);
    REQUIRE(*size > wide.size());
    std::memcpy(name, wide.c_str(), (wide.size() + 1) * sizeof(WideChar));
    *size = static_cast<Dword>(wide.size());
    return 1;
}
Dword HOLDFAST_STDCALL lastError() { return cluster.lastError; }

constexpr ClusterFunctions functions{openCluster, closeCluster, openResource, closeResource, openEnum,
                                     closeEnum,   nextOfEnum,   control,      networkName,   lastError};

void append(std::vector<Byte>& to, Dword value) {
    for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<Byte>(value >> shift));
}

/** A value list with one CLUS_PARTITION_INFO per volume. */
std::vector<Byte> disk(const std::vector<std::string>& volumes) {
    std::vector<Byte> list;
    for (const auto& volume : volumes) {
        std::vector<Byte> data(4 + 2 * 260 * 2 + 12 + 32 * 2);
        const auto wide = toWide(volume);
        for (std::size_t i = 0; i < wide.size(); ++i) {
            data[4 + 2 * i] = static_cast<Byte>(wide[i]);
            data[5 + 2 * i] = static_cast<Byte>(wide[i] >> 8U);
        }
        append(list, 0x0008'0001);
        append(list, static_cast<Dword>(data.size()));
        list.insert(list.end(), data.begin(), data.end());
    }
    append(list, 0);
    return list;
}

}  // namespace

TEST_CASE("W-800 what a resource depends on is read with functions that only ask, and every handle is closed") {
    cluster = {};
    cluster.resources["app"] = {"Service", {}, {}};
    cluster.resources["name"] = {"Network Name", {{"Name", PropertyValue::sz("SQLVS1")}}, {}};
    cluster.resources["address"] = {"IP Address", {{"Address", PropertyValue::sz("10.1.2.3")}}, {}};
    const std::string longName(300, 'x');  // longer than the first buffer
    cluster.resources[longName] = {"Physical Disk", {}, disk({"E:", "\\\\?\\Volume{1}", "F:"})};
    cluster.depends = {"name", "address", longName};
    cluster.networkName = "SQLVS1";

    const Dependencies all = readClusterDependencies(functions, "app");
    CHECK(cluster.open == 0);
    REQUIRE(all.size() == 3);
    CHECK(all.networkName() == "SQLVS1");
    CHECK(all.ipAddresses() == std::vector<std::string>{"10.1.2.3"});
    CHECK(all.driveLetters() == std::vector<std::string>{"E:", "F:"});
    CHECK(all.find(longName)->type == "Physical Disk");
}

TEST_CASE("an answer longer than the first buffer is asked for again") {
    cluster = {};
    cluster.resources["app"] = {"Service", {}, {}};
    cluster.resources["big"] = {"IP Address", {{"Address", PropertyValue::sz(std::string(3'000, '7'))}}, {}};
    cluster.depends = {"big"};
    CHECK(readClusterDependencies(functions, "app").ipAddresses().at(0).size() == 3'000);
    CHECK(cluster.open == 0);
}

TEST_CASE("a cluster that cannot be reached is an error that says so, and no handle stays") {
    cluster = {};
    cluster.openError = 1753;  // EPT_S_NOT_REGISTERED: the Cluster service does not run
    CHECK_THROWS_AS(readClusterDependencies(functions, "app"), Error);
    cluster.openError = 0;
    try {
        static_cast<void>(readClusterDependencies(functions, "app"));
        FAIL("it has no such resource");
    } catch (const Error& error) {
        CHECK(std::string{error.what()}.find("open resource \"app\"") != std::string::npos);
    }
    CHECK(cluster.open == 0);
}

TEST_CASE("a malformed answer about a dependency is no value, and nothing is read past its end") {
    cluster = {};
    cluster.resources["app"] = {"Service", {}, {}};
    cluster.resources["disk"] = {"Physical Disk", {}, {1, 0, 8, 0, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2}};
    cluster.depends = {"disk"};
    const Dependencies all = readClusterDependencies(functions, "app");
    CHECK(all.size() == 1);
    CHECK(all.driveLetters().empty());
    CHECK_FALSE(all.networkName().has_value());
}
