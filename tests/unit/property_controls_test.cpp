// SPDX-License-Identifier: BSL-1.0
#include "property_fixture.hpp"
#include "property_list_examples.hpp"

#include <holdfast/adapters/property_controls.hpp>

#include "abi/text_bytes.hpp"

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <random>

using namespace holdfast;
using namespace holdfast::abi;
using namespace holdfast::adapters;
using V = PropertyValue;

namespace {

struct Answer {
    Dword code;
    std::vector<Byte> out;
    Dword returned;
    std::string reason;
};

/** A type with a read-only property beside those of the fixture. */
std::shared_ptr<const AgentType> installed() {
    auto type = fixture::databaseType();
    type.property("Edition", &fixture::Settings::edition, readOnly, "What was installed");
    return type.share();
}

struct Caller {
    std::shared_ptr<const AgentType> type = installed();
    PropertyBag stored{{"DatabasePath", V::sz("/x")}, {"Password", V::sz("very secret")}, {"Nobody", V::sz("knows")}};
    bool active{false};
    bool waits{true};
    std::vector<PropertyBag> written;

    PropertyStore store() {
        PropertyStore made;
        made.effective = [this] { return stored; };
        made.write = [this](const PropertyBag& changes) { written.push_back(changes); };
        made.mayStore = [this] { return waits; };
        made.active = active;
        return made;
    }

    Answer resource(Dword code, const std::vector<Byte>& in = {}, Dword outSize = 65'536) {
        Answer answer{0, std::vector<Byte>(outSize), 0xFFFFFFFF, {}};
        const ControlCall call{code,
                               in.empty() ? nullptr : in.data(),
                               static_cast<Dword>(in.size()),
                               outSize != 0 ? answer.out.data() : nullptr,
                               outSize,
                               &answer.returned};
        answer.code = resourcePropertyControl(*type, store(), call, &answer.reason);
        return answer;
    }
    Answer ofType(Dword code, const std::vector<Byte>& in = {}) {
        Answer answer{0, std::vector<Byte>(65'536), 0xFFFFFFFF, {}};
        answer.code = typePropertyControl(*type, store(),
                                          {code, in.empty() ? nullptr : in.data(), static_cast<Dword>(in.size()),
                                           answer.out.data(), 65'536, &answer.returned},
                                          &answer.reason);
        return answer;
    }
    Answer set(const PropertyBag& bag) {
        return resource(control::resourceSetPrivateProperties, writePropertyList(bag, ListUse::send));
    }
    Answer validate(const PropertyBag& bag) {
        return resource(control::resourceValidatePrivateProperties, writePropertyList(bag, ListUse::send));
    }
};

}  // namespace

TEST_CASE("W-620 UNKNOWN is answered with 0 and no bytes") {
    Caller caller;
    const auto answer = caller.resource(control::resourceUnknown);
    CHECK(answer.code == code::success);
    CHECK(answer.returned == 0);
    CHECK(caller.ofType(control::typeUnknown).code == code::success);
}

TEST_CASE("W-537 ENUM_PRIVATE lists each name of the table") {
    Caller caller;
    const auto answer = caller.resource(control::resourceEnumPrivateProperties);
    REQUIRE(answer.code == code::success);
    CHECK(std::vector<Byte>(answer.out.begin(), answer.out.begin() + answer.returned) ==
          writeNameList(caller.type->properties()));
}

TEST_CASE("GET_RO_PRIVATE is an empty list (P1) for a type without a read-only property") {
    Caller caller;
    caller.type = fixture::database();
    const auto answer = caller.resource(control::resourceGetReadOnlyPrivateProperties);
    CHECK(answer.code == code::success);
    CHECK(std::vector<Byte>(answer.out.begin(), answer.out.begin() + answer.returned) == examples::p(1));
}

TEST_CASE("W-537 a read-only property is named with the others, shown as read-only, and refused with 87 when set") {
    Caller caller;
    caller.stored.set("Edition", V::sz("enterprise"));
    const auto shown = caller.resource(control::resourceGetReadOnlyPrivateProperties);
    CHECK(std::vector<Byte>(shown.out.begin(), shown.out.begin() + shown.returned) ==
          writePropertyList(PropertyBag{{"Edition", V::sz("enterprise")}}, ListUse::answer));
    CHECK_FALSE(visibleProperties(*caller.type, caller.stored).contains("Edition"));
    for (const Dword code : {control::resourceSetPrivateProperties, control::resourceValidatePrivateProperties}) {
        const auto answer =
            caller.resource(code, writePropertyList(PropertyBag{{"edition", V::sz("home")}}, ListUse::send));
        CHECK(answer.code == code::invalidParameter);  // W-520
        CHECK(answer.reason == "property \"edition\": is read-only");
    }
    CHECK(caller.written.empty());
}

TEST_CASE("GET_PRIVATE shows stored values, defaults and unknown properties, and never a secret") {
    Caller caller;
    caller.stored.set("Port", V::dword(99));
    const auto answer = caller.resource(control::resourceGetPrivateProperties);
    REQUIRE(answer.code == code::success);
    const auto list = readPropertyList(answer.out.data(), answer.returned);
    REQUIRE(list.code == code::success);
    const auto value = [&](std::string_view name) -> const PropertyValue* {
        for (const auto& property : list.properties) {
            if (property.name == name) return &property.values.front();
        }
        return nullptr;
    };
    REQUIRE(value("Port"));
    CHECK(*value("Port") == V::dword(99));
    CHECK(*value("DatabasePath") == V::sz("/x"));
    CHECK(*value("BusyTimeout") == V::dword(5'000));
    CHECK(*value("Nobody") == V::sz("knows"));
    CHECK(*value("CheckInterval") == V::dword(5'000));
    CHECK(value("Password") == nullptr);
}

TEST_CASE("GET_PRIVATE answers while a required property is not set, and with what no format holds") {
    Caller caller;
    caller.stored = {{"Odd", V::foreign(static_cast<RegistryType>(6), Bytes(3))}};
    const auto answer = caller.resource(control::resourceGetPrivateProperties);
    REQUIRE(answer.code == code::success);
    const auto list = readPropertyList(answer.out.data(), answer.returned);
    REQUIRE(list.code == code::success);
    CHECK(list.properties.front().name == "DatabasePath");
    CHECK(list.properties.front().values == std::vector{V::sz("")});
}

TEST_CASE("W-141 W-630 each code that answers bytes gives all of them or 234 and the size, for each size of buffer") {
    Caller caller;
    for (const Dword code : {control::resourceEnumPrivateProperties, control::resourceGetReadOnlyPrivateProperties,
                             control::resourceGetPrivateProperties, control::resourceGetPrivatePropertyFormats}) {
        CAPTURE(code);
        const auto whole = caller.resource(code);
        REQUIRE(whole.code == code::success);
        for (Dword size = 0; size <= whole.returned + 1; ++size) {
            // A vector of exactly this size: the sanitizer guards what is behind it.
            const auto answer = caller.resource(code, {}, size);
            const bool fits = size >= whole.returned;
            if (answer.returned != whole.returned || answer.code != (fits ? code::success : code::moreData))
                FAIL_CHECK("size " << size);
            if (!fits && answer.out != std::vector<Byte>(size)) FAIL_CHECK("a partial answer of " << size);
        }
    }
}

TEST_CASE("W-538 the formats of all properties, as resource code and as type code") {
    Caller caller;
    const auto expected = writeFormatList(caller.type->properties());
    const auto resource = caller.resource(control::resourceGetPrivatePropertyFormats);
    const auto type = caller.ofType(control::typeGetPrivateResourcePropertyFormats);
    for (const auto& answer : {resource, type}) {
        REQUIRE(answer.code == code::success);
        CHECK(std::vector<Byte>(answer.out.begin(), answer.out.begin() + answer.returned) == expected);
    }
}

TEST_CASE("W-1120 the type's ENUM_PRIVATE lists what is set on the type, not the resources' properties") {
    Caller caller;
    caller.stored = {};
    const auto none = caller.ofType(control::typeEnumPrivateProperties);
    CHECK(none.code == code::success);
    CHECK(none.returned == 2);
    CHECK(none.out[0] == 0);
    caller.stored = {{"Port", V::dword(1)}, {"Mine", V::sz("x")}};
    const auto two = caller.ofType(control::typeEnumPrivateProperties);
    CHECK(std::vector<Byte>(two.out.begin(), two.out.begin() + two.returned) == writeNames(Strings{"Port", "Mine"}));
}

TEST_CASE("W-621 a type shows what is set on it and never a secret, and validates each value by itself") {
    Caller caller;
    caller.stored = {{"Port", V::dword(1)}, {"Password", V::sz("very secret")}, {"Edition", V::sz("home")}};
    const auto whole = [](const Answer& answer) {
        return std::vector<Byte>(answer.out.begin(), answer.out.begin() + answer.returned);
    };
    CHECK(whole(caller.ofType(control::typeGetPrivateProperties)) ==
          writePropertyList(PropertyBag{{"Port", V::dword(1)}}, ListUse::answer));
    CHECK(whole(caller.ofType(control::typeGetReadOnlyPrivateProperties)) ==
          writePropertyList(PropertyBag{{"Edition", V::sz("home")}}, ListUse::answer));
    CHECK(whole(caller.ofType(control::typeGetPrivatePropertyFormats)) == writeFormatList(caller.type->properties()));
    const auto send = [&](Dword code, const PropertyBag& bag) {
        return caller.ofType(code, writePropertyList(bag, ListUse::send));
    };
    for (const Dword code : {control::typeSetPrivateProperties, control::typeValidatePrivateProperties}) {
        CHECK(send(code, {{"Port", V::dword(70'000)}}).code == code::invalidData);
        CHECK(send(code, {{"Port", V::sz("1")}}).code == code::invalidData);
        CHECK(send(code, {{"Edition", V::sz("1")}}).code == code::invalidParameter);
        CHECK(caller.ofType(code).code == code::invalidData);
    }
    CHECK(caller.written.empty());
    CHECK(send(control::typeValidatePrivateProperties, {{"Port", V::dword(2)}}).code == code::success);
    CHECK(caller.written.empty());
    CHECK(send(control::typeSetPrivateProperties, {{"Port", V::dword(2)}}).code == code::success);
    REQUIRE(caller.written.size() == 1);
    CHECK(caller.written[0] == PropertyBag{{"Port", V::dword(2)}});
}

TEST_CASE("W-641 setting a type's properties while resources are online answers 5024, never 5047") {
    Caller caller;
    caller.active = true;
    CHECK(caller
              .ofType(control::typeSetPrivateProperties,
                      writePropertyList(PropertyBag{{"Port", V::dword(2)}}, ListUse::send))
              .code == code::resourcePropertiesStored);
}

TEST_CASE("W-142 every other code is answered with 1 and no bytes") {
    Caller caller;
    std::mt19937 random{12345};
    for (int round = 0; round < 2'000; ++round) {
        const auto code = static_cast<Dword>(random()) & 0x0FFFFFFF;
        const auto answer = caller.resource(code, {}, 16);
        if (!controlName(code).empty()) continue;
        CHECK(answer.code == code::invalidFunction);
        CHECK(answer.returned == 0);
    }
    for (const auto& known : controlNames()) {
        CAPTURE(known.name);
        // A code of the other object is nobody's.
        const bool ofType = abi::control::objectOf(known.code) == ControlObject::resourceType;
        CHECK((ofType ? caller.resource(known.code) : caller.ofType(known.code)).code == code::invalidFunction);
    }
}

TEST_CASE("W-652 maintenance modes are for disks: 1") {
    Caller caller;
    CHECK(caller.resource(0x010001E1).code == code::invalidFunction);
    CHECK(caller.resource(0x014001E6).code == code::invalidFunction);
}

TEST_CASE("W-902 W-903 W-660 a type that declares nothing has no class, no characteristic and no required dependency") {
    Caller caller;
    const auto info = caller.resource(control::resourceGetClassInfo);
    CHECK(info.code == code::success);
    CHECK(std::vector<Byte>(info.out.begin(), info.out.begin() + info.returned) == std::vector<Byte>(8));
    const auto bits = caller.ofType(control::typeGetCharacteristics);
    CHECK(std::vector<Byte>(bits.out.begin(), bits.out.begin() + bits.returned) == std::vector<Byte>(4));
    CHECK(caller.resource(control::resourceGetRequiredDependencies).code == code::invalidFunction);
}

TEST_CASE("W-660 W-901 P13 required dependencies are a value list, for the resource and for the type") {
    Caller caller;
    auto type = fixture::databaseType();
    type.requiresClass(ResourceClass::storage).requiresType("Network Name");
    type.classInfo(ResourceClass::network, 0x80000000)
        .characteristics(Characteristic::requiresStateChangeReason | Characteristic::singleGroupInstance);
    caller.type = type.share();
    for (const auto& answer : {caller.resource(control::resourceGetRequiredDependencies),
                               caller.ofType(control::typeGetRequiredDependencies)}) {
        CHECK(answer.code == code::success);
        CHECK(std::vector<Byte>(answer.out.begin(), answer.out.begin() + answer.returned) == examples::p(13));
    }
    for (const auto& answer :
         {caller.resource(control::resourceGetClassInfo), caller.ofType(control::typeGetClassInfo)}) {
        CHECK(std::vector<Byte>(answer.out.begin(), answer.out.begin() + answer.returned) ==
              examples::bytes("02 00 00 00 00 00 00 80"));
    }
    for (const auto& answer :
         {caller.resource(control::resourceGetCharacteristics), caller.ofType(control::typeGetCharacteristics)}) {
        CHECK(std::vector<Byte>(answer.out.begin(), answer.out.begin() + answer.returned) ==
              examples::bytes("90 00 00 00"));
    }
}

TEST_CASE("W-640 W-533 SET writes what was sent, and answers 5024 while the resource is online or pending",
          "[W-1122]") {
    Caller caller;
    const PropertyBag changes{{"Port", V::dword(80)}, {"Prt", V::dword(1)}};
    CHECK(caller.set(changes).code == code::success);
    REQUIRE(caller.written.size() == 1);
    CHECK(caller.written[0] == changes);  // unknown properties are stored too (W-500)
    caller.active = true;
    CHECK(caller.set(changes).code == code::resourcePropertiesStored);  // W-1122
    CHECK(caller.written.size() == 2);
    CHECK(caller.set({}).code == code::success);  // nothing was sent, so nothing waits for the next Online
}

TEST_CASE("W-501 a list with one wrong value writes nothing", "[W-1121]") {
    Caller caller;
    for (const auto& [wrong, answer] : {std::pair{PropertyBag{{"Port", V::dword(70'000)}}, code::invalidData},
                                        std::pair{PropertyBag{{"Port", V::sz("80")}}, code::invalidData},
                                        std::pair{PropertyBag{{"DatabasePath", V::sz("")}}, code::invalidData},
                                        std::pair{PropertyBag{{"Edition", V::sz("x")}}, code::invalidParameter},
                                        std::pair{PropertyBag{{"ReadOnly", V::dword(1)}}, code::invalidData}}) {
        PropertyBag list{{"Bias", V::longInteger(1)}, {"Unknown", V::sz("x")}};
        for (const auto& [name, value] : wrong) list.set(name, value);
        CHECK(caller.set(list).code == answer);
    }
    for (const std::size_t n : {6u, 10u})
        CHECK(caller.resource(control::resourceSetPrivateProperties, examples::p(n)).code == code::invalidData);
    CHECK(caller.resource(control::resourceSetPrivateProperties).code == code::invalidData);
    CHECK(caller.written.empty());
}

TEST_CASE("D16 who no longer waits finds nothing stored") {
    Caller caller;
    caller.waits = false;
    CHECK(caller.set({{"Port", V::dword(80)}}).code == code::timeout);
    CHECK(caller.written.empty());
}

TEST_CASE("a secret can be set and is never given back") {
    Caller caller;
    CHECK(caller.set({{"Password", V::sz("another one")}}).code == code::success);
    REQUIRE(caller.written.size() == 1);
    CHECK(caller.written[0].contains("Password"));
}

TEST_CASE("W-520 an unknown property in a format that the cluster database has no type for is refused") {
    Caller caller;
    for (const auto& value : {V::user(static_cast<PropertyFormat>(0x8001), Bytes(3)), V::expandedSz("x"),
                              V::valueList(Bytes(4)), V::propertyList(Bytes(4))}) {
        const auto answer = caller.set({{"Odd", value}});
        CHECK(answer.code == code::invalidData);
        CHECK(answer.reason.find("cannot be stored") != std::string::npos);
    }
    CHECK(caller.written.empty());
}

TEST_CASE("W-513 a type may take longer lists, or shorter ones") {
    Caller caller;
    auto type = fixture::databaseType();
    type.largestPropertyList(100);
    caller.type = type.share();
    CHECK(caller.set({{"User", V::sz("a")}}).code == code::success);
    CHECK(caller.set({{"Unknown", V::sz(std::string(60, 'a'))}}).code == code::invalidData);
}

TEST_CASE("W-613 an author's code runs its handler with the stored settings, or without any") {
    auto made = fixture::databaseType();
    made.control(1, ControlAccess::read,
                 [](const fixture::Settings& settings, ControlRequest& request) {
                     request.answer(
                         fmt::format("{} on {} ({})", request.resourceName(), settings.port, request.input().size()));
                 })
        .control(2, ControlAccess::write,
                 [](ControlRequest& request) -> std::uint32_t { return request.active() ? 5023 : 0; })
        .control(3, ControlAccess::any,
                 [](ControlRequest&) {
                     throw Error{ErrorCode::busy, "locked by somebody"};
                 })
        .typeControl(1, ControlAccess::any, [](ControlRequest& request) { request.answer(Bytes(3)); });
    const auto type = made.share();
    const auto& controls = type->declarations().controls;
    std::vector<Byte> out(100);
    Dword returned = 0;
    std::string reason;
    const auto run = [&](Dword code, bool active = false) {
        const std::vector<std::byte> input(5);
        ControlRequest request{"orders", type->name(), active, input};
        return authorControl(
            controls,
            [] {
                return PropertyBag{{"DatabasePath", V::sz("/x")}, {"Port", V::dword(9)}};
            },
            request, {code, nullptr, 0, out.data(), static_cast<Dword>(out.size()), &returned}, &reason);
    };
    CHECK(run(0x01800005) == code::success);
    const auto text = textBytes("orders on 9 (5)");
    CHECK(std::vector<Byte>(out.begin(), out.begin() + returned) == text);
    CHECK(run(0x0180000A) == code::success);
    CHECK(returned == 0);
    CHECK(run(0x0180000A, true) == code::invalidState);
    CHECK(run(0x0180000C) == code::busy);
    CHECK(reason == "locked by somebody");
    CHECK(run(0x01800004) == std::nullopt);  // the same function with another access is another code
    CHECK(type->declarations().typeControls.front().code == 0x02800004);
    out.resize(text.size() - 1);
    CHECK(run(0x01800005) == code::moreData);
    CHECK(returned == text.size());
}

TEST_CASE("a control function that cannot be is the author's mistake, said while the type is built") {
    const auto nothing = [](ControlRequest&) {};
    auto type = fixture::databaseType();
    CHECK_THROWS_AS(type.control(1U << 18U, ControlAccess::any, nothing), std::logic_error);
    CHECK_THROWS_AS(type.typeControl(0x4846, ControlAccess::any, nothing), std::logic_error);
    type.control(7, ControlAccess::read, nothing);
    CHECK_THROWS_AS(type.control(7, ControlAccess::write, nothing), std::logic_error);
    CHECK_THROWS_AS(type.requiresType(""), std::logic_error);
    type.typeControl(7, ControlAccess::read, nothing);
}

TEST_CASE("W-141 null for every pointer is legal") {
    Caller caller;
    const ControlCall call{control::resourceGetPrivateProperties, nullptr, 0, nullptr, 0, nullptr};
    CHECK(resourcePropertyControl(*caller.type, caller.store(), call) == code::moreData);
    CHECK(typePropertyControl(*caller.type, caller.store(), {control::typeUnknown, nullptr, 0, nullptr, 0, nullptr}) ==
          code::success);
}

TEST_CASE("VALIDATE refuses by the table of 6.4 and says why") {
    Caller caller;
    CHECK(caller.validate({{"Port", V::dword(80)}}).code == code::success);
    const auto range = caller.validate({{"Port", V::dword(70'000)}});
    CHECK(range.code == code::invalidData);
    CHECK(range.reason == "property \"Port\": 70000 is out of range: 0 to 65535");
    CHECK(caller.validate({{"Port", V::sz("80")}}).code == code::invalidData);
    CHECK(caller.validate({{"DatabasePath", V::sz("")}}).code == code::invalidData);
    CHECK(caller.validate({{"Prt", V::dword(80)}}).code == code::success);  // unknown ones are allowed
    const auto none = caller.resource(control::resourceValidatePrivateProperties);
    CHECK(none.code == code::invalidData);
    CHECK(none.reason == "malformed property list: no list (byte 0)");
    auto cut = examples::p(2);
    cut.resize(36);
    CHECK(caller.resource(control::resourceValidatePrivateProperties, cut).code == code::insufficientBuffer);
    CHECK(caller.validate({}).code == code::success);
}

TEST_CASE("W-520 an unknown property is 87 where unknown ones are refused") {
    Caller caller;
    const auto list = writePropertyList(PropertyBag{{"Prt", V::dword(80)}}, ListUse::send);
    std::string reason;
    CHECK(checkPropertyList(*caller.type, {}, list.data(), list.size(), UnknownProperties::refused, &reason) ==
          code::invalidParameter);
    CHECK(reason == "property \"Prt\": resource type \"Test Database\" has no such property");
}

TEST_CASE("W-511 both forms of an EXPAND_SZ, or any two values, are refused in a list that sets") {
    Caller caller;
    for (const std::size_t n : {6u, 10u}) {
        const auto answer = caller.resource(control::resourceValidatePrivateProperties, examples::p(n));
        CHECK(answer.code == code::invalidData);
        CHECK(answer.reason.find("holds 2 values") != std::string::npos);
    }
}

TEST_CASE("VALIDATE checks the author's rule across properties with what is stored") {
    Caller caller;
    CHECK(caller.validate({{"ReadOnly", V::dword(1)}}).reason == "ReadOnly cannot be combined with Journal wal");
    CHECK(caller.validate({{"ReadOnly", V::dword(1)}}).code == code::invalidData);
    caller.stored.set("Journal", V::sz("rollback"));
    CHECK(caller.validate({{"ReadOnly", V::dword(1)}}).code == code::success);
}

TEST_CASE("a new resource can be configured property by property, and a damaged one mended") {
    Caller caller;
    caller.stored = {};
    CHECK(caller.validate({{"Port", V::dword(80)}}).code == code::success);  // DatabasePath comes later
    caller.stored = {{"DatabasePath", V::dword(1)}, {"Bias", V::sz("x")}};
    CHECK(caller.validate({{"Bias", V::longInteger(1)}}).code == code::success);
    CHECK(caller.validate({{"Bias", V::longInteger(11)}}).code == code::invalidData);
}

TEST_CASE("W-105 what the store throws becomes a code and a reason") {
    Caller caller;
    Dword returned = 7;
    std::string reason;
    const ControlCall call{control::resourceGetPrivateProperties, nullptr, 0, nullptr, 0, &returned};
    const auto answer = [&](const StoredValues& stored) {
        PropertyStore store;
        store.effective = stored;
        return resourcePropertyControl(*caller.type, store, call, &reason);
    };
    CHECK(answer([]() -> PropertyBag { throw Error{ErrorCode::permission, "no access"}; }) == code::accessDenied);
    CHECK(reason == "no access");
    CHECK(returned == 0);
    CHECK(answer([]() -> PropertyBag { throw std::bad_alloc{}; }) == code::notEnoughMemory);
    CHECK(answer([]() -> PropertyBag { throw std::runtime_error{"odd"}; }) == code::resourceFailed);
    CHECK(reason == "odd");
}

TEST_CASE("VALIDATE's reason never holds a secret") {
    Caller caller;
    for (const auto& value : {V::sz("hid"), V::multiSz({"hid"})}) {
        const auto answer = caller.validate({{"Password", value}});
        CHECK(answer.code == code::invalidData);
        CHECK(answer.reason.find("hid") == std::string::npos);
    }
}
