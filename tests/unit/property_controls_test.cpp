// SPDX-License-Identifier: BSL-1.0
#include "property_fixture.hpp"
#include "property_list_examples.hpp"

#include <holdfast/adapters/property_controls.hpp>

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

struct Caller {
    std::shared_ptr<const AgentType> type = fixture::database();
    PropertyBag stored{{"DatabasePath", V::sz("/x")}, {"Password", V::sz("very secret")}, {"Nobody", V::sz("knows")}};

    Answer resource(Dword code, const std::vector<Byte>& in = {}, Dword outSize = 65'536) {
        Answer answer{0, std::vector<Byte>(outSize), 0xFFFFFFFF, {}};
        const ControlCall call{code,
                               in.empty() ? nullptr : in.data(),
                               static_cast<Dword>(in.size()),
                               outSize != 0 ? answer.out.data() : nullptr,
                               outSize,
                               &answer.returned};
        answer.code = resourcePropertyControl(
            *type, [this] { return stored; }, call, &answer.reason);
        return answer;
    }
    Answer ofType(Dword code) {
        Answer answer{0, std::vector<Byte>(65'536), 0xFFFFFFFF, {}};
        answer.code =
            typePropertyControl(*type, {code, nullptr, 0, answer.out.data(), 65'536, &answer.returned}, &answer.reason);
        return answer;
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

TEST_CASE("GET_RO_PRIVATE is an empty list (P1)") {
    Caller caller;
    const auto answer = caller.resource(control::resourceGetReadOnlyPrivateProperties);
    CHECK(answer.code == code::success);
    CHECK(std::vector<Byte>(answer.out.begin(), answer.out.begin() + answer.returned) == examples::p(1));
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

TEST_CASE("W-1120 the type's ENUM_PRIVATE does not list the resources' properties") {
    Caller caller;
    const auto answer = caller.ofType(control::typeEnumPrivateProperties);
    CHECK(answer.code == code::success);
    CHECK(answer.returned == 2);
    CHECK(answer.out[0] == 0);
}

TEST_CASE("W-142 every other code is answered with 1 and no bytes") {
    Caller caller;
    std::mt19937 random{12345};
    for (int round = 0; round < 2'000; ++round) {
        const auto code = static_cast<Dword>(random()) & 0x0FFFFFFF;
        const auto answer = caller.resource(code, {}, 16);
        CHECK((answer.code == code::invalidFunction || code == control::resourceUnknown));
        CHECK(answer.returned == 0);
    }
    for (const Dword code : {control::resourceSetPrivateProperties, Dword{0x01000051}, Dword{0x01500026}}) {
        CHECK(caller.resource(code).code == code::invalidFunction);
    }
    for (const Dword code : {control::typeSetPrivateProperties, control::typeGetPrivateProperties,
                             control::typeGetPrivatePropertyFormats}) {
        CHECK(caller.ofType(code).code == code::invalidFunction);
    }
}

TEST_CASE("W-141 null for every pointer is legal") {
    Caller caller;
    const ControlCall call{control::resourceGetPrivateProperties, nullptr, 0, nullptr, 0, nullptr};
    CHECK(resourcePropertyControl(
              *caller.type, [] { return PropertyBag{}; }, call) == code::moreData);
    CHECK(typePropertyControl(*caller.type, {control::typeUnknown, nullptr, 0, nullptr, 0, nullptr}) == code::success);
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
        return resourcePropertyControl(*caller.type, stored, call, &reason);
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
