// SPDX-License-Identifier: BSL-1.0
#include "property_fixture.hpp"

#include <holdfast/abi/cluster_registry.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/monitor/memory_registry.hpp>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <thread>

using namespace holdfast;
using namespace holdfast::abi;
using monitor::MemoryRegistry;
using V = PropertyValue;

namespace {

constexpr auto resource = "Resources\\orders";
constexpr auto parameters = "Resources\\orders\\Parameters";

struct Registry {
    MemoryRegistry memory;
    MemoryRegistry::Key key = memory.open(resource);
    ClusterRegistry registry{&monitor::hostFunctions()};

    PropertyBag read() { return registry.readBag(key.get(), *fixture::database()); }
};

std::string failure(Registry& registry, ErrorCode expected) {
    try {
        static_cast<void>(registry.read());
    } catch (const Error& error) {
        CHECK(error.code() == expected);
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("W-113 a resource without a Parameters key has no properties set") {
    Registry registry;
    CHECK(registry.read().empty());
}

TEST_CASE("properties of each format come back as they were stored") {
    Registry registry;
    const PropertyBag bag{{"DatabasePath", V::sz("/data/\xC3\xBC \xF0\x9F\x90\x98.db")},
                          {"Port", V::dword(1)},
                          {"Bias", V::longInteger(-10)},
                          {"Quota", V::ulargeInteger(1ull << 63)},
                          {"Offset", V::largeInteger(-5)},
                          {"Replicas", V::multiSz({"a", "bc"})},
                          {"Key", V::binary({std::byte{0}, std::byte{255}})}};
    registry.memory.set(parameters, bag);
    const auto read = registry.read();
    CHECK(read.size() == bag.size());
    for (const auto& [name, value] : bag) {
        CAPTURE(name);
        REQUIRE(read.contains(name));
        CHECK(*read.find(name) == value);
    }
    CHECK_NOTHROW(fixture::database()->validate(read));
}

TEST_CASE("W-500 properties that the type does not describe are kept") {
    Registry registry;
    registry.memory.set(parameters, "Port", V::dword(1));
    registry.memory.set(parameters, "Nobody", V::sz("knows"));
    registry.memory.setRaw(parameters, "Odd", {static_cast<RegistryType>(6), {1, 2, 3}});
    const auto read = registry.read();
    CHECK(read.size() == 3);
    CHECK(read.find("nobody")->as<std::string>()[0] == "knows");
    CHECK(read.find("Odd")->format() == PropertyFormat::unknown);
}

TEST_CASE("W-539 a value of another registry type or size is kept for validation to name") {
    Registry registry;
    registry.memory.set(parameters, "DatabasePath", V::sz("/x"));
    const auto refusal = [&](std::string_view name, RegistryValue value) {
        registry.memory.setRaw(parameters, name, std::move(value));
        std::string text;
        try {
            fixture::database()->validate(registry.read());
        } catch (const PropertyError& error) {
            text = error.what();
        }
        registry.memory.set(parameters, name, V{});
        return text;
    };
    CHECK(refusal("Port", {RegistryType::sz, {'1', 0, 0, 0}}) == "property \"Port\": expected DWORD, found SZ");
    CHECK(refusal("Port", {RegistryType::dword, {1}}) ==
          "property \"Port\": expected DWORD, found a REG_DWORD of 1 bytes");
    CHECK(refusal("Port", {RegistryType::qword, {1, 0, 0, 0, 0, 0, 0, 0}}) ==
          "property \"Port\": expected DWORD, found ULARGE_INTEGER");
    CHECK(refusal("User", {RegistryType::sz, {'x'}}) == "property \"User\": expected SZ, found a REG_SZ of 1 bytes");
    CHECK(refusal("User", {RegistryType::sz, {'x', 0}}).empty());  // no NUL at its end: other tools do that
    CHECK(refusal("User", {RegistryType::sz, {}}).empty());
    CHECK(refusal("Replicas", {RegistryType::multiSz, {'x', 0}}).empty());
    CHECK(refusal("Replicas", {RegistryType::multiSz, {}}).empty());
    CHECK(refusal("Bias", {RegistryType::binary, {1, 2, 3, 4}}) == "property \"Bias\": expected LONG, found BINARY");
}

TEST_CASE("a long value and a long name are read whole") {
    Registry registry;
    const std::string text(50'000, 'x');
    const std::string name(600, 'n');
    registry.memory.set(parameters, "DatabasePath", V::sz(text));
    registry.memory.set(parameters, name, V::sz(text));
    const auto read = registry.read();
    CHECK(*read.find("DatabasePath") == V::sz(text));
    CHECK(*read.find(name) == V::sz(text));
}

TEST_CASE("W-513 a value beyond 2 MiB is refused") {
    Registry registry;
    registry.memory.setRaw(parameters, "Key", {RegistryType::binary, std::vector<Byte>(2048 * 1024 + 1)});
    CHECK(failure(registry, ErrorCode::configuration).find("\"Key\": 2097153 bytes") != std::string::npos);
}

TEST_CASE("an error of the registry other than not-found is thrown with its code") {
    struct Row {
        std::string_view function;
        Dword code;
        ErrorCode meaning;
    };
    for (const auto& row : {Row{"ClusterRegOpenKey", 5, ErrorCode::permission},
                            Row{"ClusterRegQueryValue", 1450, ErrorCode::outOfResources},
                            Row{"ClusterRegEnumValue", 1722, ErrorCode::failed}}) {
        CAPTURE(row.function);
        Registry registry;
        registry.memory.set(parameters, "Port", V::dword(1));
        registry.memory.intercept([&](std::string_view function) { return function == row.function ? row.code : 0; });
        const auto open = MemoryRegistry::openKeys();
        CHECK(failure(registry, row.meaning).find("(" + std::to_string(row.code) + ")") != std::string::npos);
        CHECK(MemoryRegistry::openKeys() == open);
    }
}

TEST_CASE("a registry that answers 234 for ever is an error, not a loop") {
    for (const std::string_view broken : {"ClusterRegQueryValue", "ClusterRegEnumValue"}) {
        Registry registry;
        registry.memory.set(parameters, "Port", V::dword(1));
        registry.memory.intercept([&](std::string_view function) { return function == broken ? code::moreData : 0; });
        CHECK(failure(registry, ErrorCode::failed).find("(234)") != std::string::npos);
    }
}

TEST_CASE("a closed or deleted key is an error, and nothing is touched") {
    Registry registry;
    registry.memory.set(parameters, "Port", V::dword(1));
    registry.memory.erase("Resources\\orders");
    CHECK(failure(registry, ErrorCode::failed).find("(1018)") != std::string::npos);
    registry.key = {};
    CHECK(failure(registry, ErrorCode::failed).find("(6)") != std::string::npos);
}

TEST_CASE("W-109 the resource's key stays open, and each key opened here is closed") {
    Registry registry;
    registry.memory.set(parameters, "Port", V::dword(1));
    const auto open = MemoryRegistry::openKeys();
    for (int round = 0; round < 1'000; ++round) static_cast<void>(registry.read());
    CHECK(MemoryRegistry::openKeys() == open);
}

TEST_CASE("W-534 W-501 only what differs is written, in one batch, and an absent value is deleted") {
    Registry registry;
    registry.memory.set(parameters, {{"Port", V::dword(1)}, {"Bias", V::longInteger(2)}, {"Old", V::sz("x")}});
    std::vector<std::string> calls;
    registry.memory.intercept([&](std::string_view function) {
        if (function != "ClusterRegOpenKey" && function != "ClusterRegQueryValue") calls.emplace_back(function);
        return code::success;
    });
    const auto key = registry.registry.openForWriting(registry.key.get(), "Parameters");
    REQUIRE(key);
    CHECK(registry.registry.write(key->get(), {{"Port", V::dword(1)}, {"Bias", V::longInteger(2)}}) == 0);
    CHECK(calls.empty());
    CHECK(registry.registry.write(key->get(), {{"port", V::dword(9)}, {"Bias", V::longInteger(2)}}) == 1);
    CHECK(calls == std::vector<std::string>{"ClusterRegSetValue"});
    calls.clear();
    CHECK(registry.registry.write(key->get(), {{"Bias", V::longInteger(-3)}, {"New", V::sz("y")}, {"Old", {}}}) == 3);
    CHECK(calls == std::vector<std::string>{"ClusterRegCreateBatch", "ClusterRegBatchAddCommand",
                                            "ClusterRegBatchAddCommand", "ClusterRegBatchAddCommand",
                                            "ClusterRegCloseBatch"});
    registry.memory.intercept({});
    CHECK(registry.memory.values(parameters) ==
          PropertyBag{{"Port", V::dword(9)}, {"Bias", V::dword(0xFFFFFFFD)}, {"New", V::sz("y")}});
}

TEST_CASE("W-501 a batch that fails anywhere has written nothing") {
    for (const std::string_view broken :
         {"ClusterRegCreateBatch", "ClusterRegBatchAddCommand", "ClusterRegCloseBatch"}) {
        CAPTURE(broken);
        Registry registry;
        registry.memory.set(parameters, {{"Port", V::dword(1)}, {"User", V::sz("a")}});
        const auto before = registry.memory.values(parameters);
        const auto key = registry.registry.openForWriting(registry.key.get(), "Parameters");
        registry.memory.intercept([&](std::string_view function) { return function == broken ? Dword{1722} : 0; });
        try {
            registry.registry.write(key->get(), {{"Port", V::dword(2)}, {"User", V::sz("b")}});
            FAIL("it was written");
        } catch (const Error& error) {
            CHECK(std::string{error.what()}.find("(1722)") != std::string::npos);
        }
        CHECK(registry.memory.values(parameters) == before);
    }
}

TEST_CASE("W-501 without batches what was written is taken back when a later value fails") {
    auto older = monitor::hostFunctions();
    older.clusterRegCreateBatch = nullptr;
    const ClusterRegistry each{&older};
    for (int failing = 1; failing <= 3; ++failing) {
        CAPTURE(failing);
        Registry registry;
        registry.memory.set(parameters, {{"Port", V::dword(1)}, {"Old", V::sz("x")}});
        const auto before = registry.memory.values(parameters);
        const auto key = each.openForWriting(registry.key.get(), "Parameters");
        int writes = 0;
        registry.memory.intercept([&](std::string_view function) {
            const bool write = function == "ClusterRegSetValue" || function == "ClusterRegDeleteValue";
            return write && ++writes == failing ? Dword{5} : 0;
        });
        const PropertyBag changes{{"Port", V::dword(2)}, {"New", V::sz("y")}, {"Old", {}}};
        try {
            each.write(key->get(), changes);
            FAIL("it was written");
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::permission);
            CHECK(std::string{error.what()}.find("by hand") == std::string::npos);
        }
        registry.memory.intercept({});
        for (const auto& [name, value] : before) {  // the order may differ: what was deleted was added again
            REQUIRE(registry.memory.values(parameters).find(name));
            CHECK(*registry.memory.values(parameters).find(name) == value);
        }
        CHECK(registry.memory.values(parameters).size() == before.size());
        CHECK(each.write(key->get(), changes) == 3);
    }
}

TEST_CASE("what could not be taken back is named") {
    auto older = monitor::hostFunctions();
    older.clusterRegCreateBatch = nullptr;
    const ClusterRegistry each{&older};
    Registry registry;
    registry.memory.set(parameters, {{"Port", V::dword(1)}});
    const auto key = each.openForWriting(registry.key.get(), "Parameters");
    int writes = 0;
    registry.memory.intercept(
        [&](std::string_view function) { return function == "ClusterRegSetValue" && ++writes > 1 ? Dword{1722} : 0; });
    try {
        each.write(key->get(), {{"Port", V::dword(2)}, {"User", V::sz("b")}});
        FAIL("it was written");
    } catch (const Error& error) {
        CHECK(std::string{error.what()}.find("property User") != std::string::npos);
        CHECK(std::string{error.what()}.find("taken back: Port") != std::string::npos);
    }
}

TEST_CASE("W-113 a Parameters key that does not exist is made by the first write, and opened by the next") {
    Registry registry;
    CHECK_FALSE(registry.registry.openForWriting(registry.key.get(), "Parameters"));
    const auto made = registry.registry.create(registry.key.get(), "Parameters");
    CHECK(registry.registry.write(made.get(), {{"Port", V::dword(7)}}) == 1);
    CHECK(registry.read().find("Port") != nullptr);
    const auto again = registry.registry.create(registry.key.get(), "Parameters");
    CHECK(registry.registry.read(again.get(), "Port"));
}

TEST_CASE("a Parameters key that may only be read is opened for reading") {
    Registry registry;
    registry.memory.set(parameters, "Port", V::dword(1));
    int asked = 0;
    registry.memory.intercept([&](std::string_view function) {
        return function == "ClusterRegOpenKey" && ++asked == 1 ? code::accessDenied : code::success;
    });
    CHECK(registry.registry.openForWriting(registry.key.get(), "Parameters"));
    CHECK(asked == 2);
}

TEST_CASE("D15 the key of a type is found beside a resource's, and through the cluster where that is how it is") {
    Registry registry;
    registry.memory.set("ResourceTypes\\Test Database\\Parameters", "Port", V::dword(77));
    const auto type = registry.registry.openType("test database", registry.key.get());
    REQUIRE(type);
    CHECK(registry.registry.typeKeysAreLocal());
    CHECK(*registry.registry.readBag(type->get(), *fixture::database()).find("Port") == V::dword(77));
    CHECK(registry.registry.openType("test database"));  // of this process

    static int clusters = 0;
    static MemoryRegistry* memory = &registry.memory;
    clusters = 0;
    auto remote = monitor::hostFunctions();
    remote.openTypeKey = nullptr;
    CHECK_FALSE(ClusterRegistry{&remote}.openType("Test Database"));  // a host that knows no types
    remote.openCluster = [](const WideChar* name) -> ClusterHandle {
        ++clusters;
        return name == nullptr ? reinterpret_cast<ClusterHandle>(std::uintptr_t{8}) : nullptr;
    };
    remote.closeCluster = [](ClusterHandle) -> Bool {
        --clusters;
        return 1;
    };
    static std::vector<MemoryRegistry::Key> handed;
    remote.getClusterResourceTypeKey = [](ClusterHandle, const WideChar* name, Dword) -> KeyHandle {
        if (toUtf8(name) != "Test Database") {
            monitor::hostFunctions().setLastError(toUtf8(name) == "Nobody" ? 5078 : 5);
            return nullptr;
        }
        KeyHandle handle = nullptr;
        const auto root = memory->open("");
        monitor::hostFunctions().clusterRegOpenKey(root.get(), toWide("ResourceTypes\\Test Database").c_str(), 0,
                                                   &handle);
        return handle;
    };
    const ClusterRegistry far{&remote};
    CHECK_FALSE(far.typeKeysAreLocal());
    {
        const auto key = far.openType("Test Database");
        REQUIRE(key);
        CHECK(*far.readBag(key->get(), *fixture::database()).find("Port") == V::dword(77));
    }
    CHECK_FALSE(far.openType("Nobody"));
    CHECK_THROWS_AS(far.openType("Forbidden"), Error);
    CHECK(clusters == 0);  // each was closed
}

TEST_CASE("without a host, reading says so and setting the last error does no harm") {
    const ClusterRegistry none{nullptr};
    CHECK_FALSE(none.available());
    CHECK(none.absence().find("HoldfastHost") != std::string_view::npos);
    try {
        static_cast<void>(none.readBag(nullptr, *fixture::database()));
        FAIL("read something");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::notInstalled);
        CHECK(std::string{error.what()} == none.absence());
    }
    none.setLastError(5);

    auto older = monitor::hostFunctions();
    older.size = static_cast<Dword>(smallestHostFunctions);  // a host that takes no notes of calls
    CHECK(ClusterRegistry{&older}.available());
    CHECK_FALSE(offersCallNotes(&older));
    CHECK(offered(&older, &HostFunctions::openTypeKey) == nullptr);
    CHECK_THROWS_AS((ClusterRegistry{&older}.create(nullptr, "x")), Error);
    older.size = static_cast<Dword>(offsetof(HostFunctions, clusterRegCreateKey));  // one of the first release
    CHECK(offersCallNotes(&older));
    CHECK(offered(&older, &HostFunctions::clusterRegCreateKey) == nullptr);
    older.size = static_cast<Dword>(smallestHostFunctions);
    older.size -= static_cast<Dword>(sizeof(void*));
    CHECK_FALSE(ClusterRegistry{&older}.available());
    older = monitor::hostFunctions();
    older.version = 2;
    CHECK_FALSE(ClusterRegistry{&older}.available());
}

TEST_CASE("the host of this program is found at run time") {
    REQUIRE(HoldfastHost(1) == &monitor::hostFunctions());
    CHECK(HoldfastHost(2) == nullptr);
    const auto& registry = ClusterRegistry::ofHost();
    REQUIRE(registry.available());
    registry.setLastError(4711);
    CHECK(monitor::hostFunctions().getLastError() == 4711);
    std::thread{[] { CHECK(monitor::hostFunctions().getLastError() == 0); }}.join();
}

TEST_CASE("the host functions answer as their Windows namesakes") {
    MemoryRegistry memory;
    const auto key = memory.open("K");
    memory.set("K", "Name", V::dword(7));
    const auto& host = monitor::hostFunctions();
    const auto name = toWide("NAME");
    Dword type{}, size{};
    CHECK(host.clusterRegQueryValue(key.get(), name.c_str(), nullptr, nullptr, nullptr) == 0);
    CHECK(host.clusterRegQueryValue(key.get(), name.c_str(), &type, nullptr, &size) == 0);
    CHECK(size == 4);
    CHECK(type == 4);
    Byte small[4] = {0xAA, 0xAA, 0xAA, 0xAA};
    size = 3;
    CHECK(host.clusterRegQueryValue(key.get(), name.c_str(), &type, small, &size) == code::moreData);
    CHECK(size == 4);
    CHECK(small[0] == 0xAA);
    CHECK(host.clusterRegQueryValue(key.get(), toWide("Other").c_str(), &type, small, &size) == code::fileNotFound);
    CHECK(host.clusterRegSetValue(key.get(), toWide("B").c_str(), 3, small, 2) == 0);
    CHECK(memory.values("k").find("b")->as<Bytes>()[0].size() == 2);
    WideChar text[8];
    Dword room = 4;  // "Name" needs five with its NUL
    CHECK(host.clusterRegEnumValue(key.get(), 0, text, &room, &type, nullptr, nullptr) == code::moreData);
    CHECK(room == 4);
    room = 5;
    CHECK(host.clusterRegEnumValue(key.get(), 0, text, &room, &type, nullptr, nullptr) == 0);
    CHECK(toUtf8(text) == "Name");
    CHECK(host.clusterRegEnumValue(key.get(), 2, text, &room, &type, nullptr, nullptr) == code::noMoreItems);
    CHECK(host.clusterRegCloseKey(nullptr) == 6);
    KeyHandle child{};
    CHECK(host.clusterRegOpenKey(key.get(), toWide("None").c_str(), 0, &child) == 2);
    CHECK(child == nullptr);
}

TEST_CASE("a bag set while others read is seen whole or not at all by each value") {
    Registry registry;
    registry.memory.set(parameters, {{"Port", V::dword(0)}, {"Quota", V::ulargeInteger(0)}});
    std::atomic<bool> stop{false};
    std::thread writer{[&] {
        for (std::uint32_t value = 0; !stop; ++value) {
            registry.memory.set(parameters, {{"Port", V::dword(value % 60'000)}, {"Quota", V::ulargeInteger(value)}});
        }
    }};
    bool whole = true;
    for (int round = 0; round < 500; ++round) whole = whole && registry.read().size() == 2;
    stop = true;
    writer.join();
    CHECK(whole);
}
