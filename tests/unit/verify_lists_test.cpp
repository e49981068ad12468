// SPDX-License-Identifier: BSL-1.0
// The lists that the verifier sends and judges: each has the defect that it is said to have, and no good one has any.
#include "property_list_examples.hpp"

#include "verify/malformed_lists.hpp"
#include "verify/property_lists.hpp"

#include <holdfast/abi/property_list.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>

using namespace holdfast;
using namespace holdfast::verify;

namespace {

std::vector<abi::ListedProperty> goodProperties() {
    return {
        {"Port", {PropertyValue::dword(8080)}},
        {"Bias", {PropertyValue::longInteger(-2)}},
        {"Size", {PropertyValue::ulargeInteger(1)}},
        {"Offset", {PropertyValue::largeInteger(-1)}},
        {"Word", {PropertyValue::word(3)}},
        {"Path", {PropertyValue::sz("/srv")}},
        {"Empty", {PropertyValue::sz("")}},
        {"Dir", {PropertyValue::expandSz("%T%"), PropertyValue::expandedSz("/tmp")}},
        {"Names", {PropertyValue::multiSz({"a", "bc"})}},
        {"None", {PropertyValue::multiSz({})}},
        {"Blob", {PropertyValue::binary({std::byte{1}, std::byte{2}, std::byte{3}})}},
    };
}

ListBytes listOf(const abi::ListedProperty& property) { return abi::writePropertyList(std::span{&property, 1}); }

bool contains(const std::vector<abi::Dword>& codes, abi::Dword code) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

void setByte(ListBytes& list, std::size_t at, unsigned value) { list.at(at) = static_cast<abi::Byte>(value); }

}  // namespace

TEST_CASE("W-520 each malformed list has its defect") {
    for (const auto& property : goodProperties()) {
        const auto rows = malformedLists(property);
        CHECK(rows.size() > 25);
        for (const auto& row : rows) {
            INFO(property.name << ": " << row.defect);
            const auto read = abi::readPropertyList(row.noBuffer ? nullptr : row.bytes.data(), row.bytes.size());
            CHECK(read.code != abi::code::success);
            CHECK(contains(row.codes, read.code));
        }
    }
}

TEST_CASE("W-520 a defect is there once") {
    const abi::ListedProperty property{"Port", {PropertyValue::dword(8080)}};
    auto rows = malformedLists(property);
    std::sort(rows.begin(), rows.end(), [](const auto& left, const auto& right) { return left.defect < right.defect; });
    const auto same = [](const auto& left, const auto& right) { return left.defect == right.defect; };
    CHECK(std::adjacent_find(rows.begin(), rows.end(), same) == rows.end());
    for (const auto& row : rows) CHECK(row.bytes != listOf(property));
}

TEST_CASE("W-503 a list with more behind it reads as the list itself") {
    for (const auto& property : goodProperties()) {
        const auto good = listOf({property.name, {property.values.front()}});
        for (const auto& longer : longerLists(property)) {
            CHECK(longer.size() > good.size());
            const auto read = abi::readPropertyList(longer.data(), longer.size());
            REQUIRE(read.code == abi::code::success);
            CHECK(read.properties.size() == 1);
            CHECK(problemOfList(longer).has_value());
        }
    }
}

TEST_CASE("the same seed makes the same mutations") {
    const auto list = listOf({"Port", {PropertyValue::dword(8080)}});
    std::mt19937_64 one{7};
    std::mt19937_64 other{7};
    for (int turn = 0; turn < 1'000; ++turn) {
        const auto made = mutated(list, one);
        CHECK(made == mutated(list, other));
        CHECK(made.size() <= list.size());
        static_cast<void>(abi::readPropertyList(made.data(), made.size()));
    }
    CHECK(mutated({}, one).empty());
}

TEST_CASE("other values are of the same format, wrong ones are not") {
    for (const auto& property : goodProperties()) {
        const auto& value = property.values.front();
        INFO(property.name);
        CHECK(!neighbours(value).empty());
        for (const auto& other : neighbours(value)) {
            CHECK(other.format() == value.format());
            CHECK(other != value);
        }
        for (const auto& end : extremes(value.format())) CHECK(end.format() == value.format());
        const auto wrong = valueOfAnotherFormat(value.format());
        CHECK(wrong.format() != value.format());
        CHECK(registryTypeOf(wrong.format()) != registryTypeOf(value.format()));
    }
}

TEST_CASE("W-502 a strict reader finds nothing wrong with what holdfast writes") {
    CHECK(!problemOfList(abi::writePropertyList(goodProperties())));
    CHECK(!problemOfList(ListBytes(4)));
    for (const std::size_t example : {1U, 2U, 3U, 4U, 5U, 6U}) {
        INFO("P" << example);
        CHECK(!problemOfList(examples::bytes(examples::dumps.at(example))));
    }
}

TEST_CASE("W-502 to W-504 a strict reader names what readers bear") {
    const auto good = listOf({"Path", {PropertyValue::sz("/srv")}});  // a text of 10 bytes, and 2 of padding
    const std::size_t value = 12 + 12;
    REQUIRE(good.at(value + 4) == abi::Byte{10});
    const auto problem = [](const ListBytes& list) { return problemOfList(list).value_or("none"); };

    auto padded = good;
    setByte(padded, value + 8 + 11, 0xCC);
    CHECK(problem(padded).find("padding is not zero") != std::string::npos);
    CHECK(abi::readPropertyList(padded.data(), padded.size()).code == abi::code::success);

    auto counted = good;
    setByte(counted, value + 4, 12);
    CHECK(problem(counted).find("cbLength is 12") != std::string::npos);
    CHECK(abi::readPropertyList(counted.data(), counted.size()).code == abi::code::success);

    auto ended = good;
    ended.resize(ended.size() + 4);
    CHECK(problem(ended).find("end mark for the list") != std::string::npos);

    auto more = good;
    more.resize(more.size() + 7);
    CHECK(problem(more).find("7 bytes behind the last property") != std::string::npos);

    auto cut = good;
    cut.resize(cut.size() - 4);
    CHECK(problemOfList(cut).has_value());
    CHECK(problemOfList({}).has_value());
}

TEST_CASE("W-537 names are a multi-string and nothing else") {
    using Names = std::optional<Strings>;
    CHECK(readNameList(abi::writeNames({"Port", "Path"})) == Names{{"Port", "Path"}});
    CHECK(readNameList(abi::writeNames({})) == Names{Strings{}});
    CHECK(readNameList(ListBytes(4)) == Names{Strings{}});
    auto names = abi::writeNames({"Port", "Path"});
    names.resize(names.size() - 2);
    CHECK(!readNameList(names));  // the last NUL is missing
    names.resize(names.size() - 1);
    CHECK(!readNameList(names));
    names.resize(names.size() + 7);
    CHECK(!readNameList(names));
    CHECK(!readNameList(ListBytes(6)));
    CHECK(containsName({"Port"}, "PORT"));
    CHECK(!containsName({"Port"}, "Por"));
}

TEST_CASE("W-660 a list of dependencies has its end mark, and entries of two kinds") {
    const std::array<RequiredDependency, 2> both{ResourceClass::storage, std::string{"Network Name"}};
    auto list = abi::writeDependencyList(both);
    CHECK(!problemOfDependencies(list));
    CHECK(!problemOfDependencies(ListBytes(4)));
    CHECK(problemOfDependencies({}).has_value());
    auto cut = list;
    cut.resize(cut.size() - 4);
    CHECK(problemOfDependencies(cut).has_value());
    auto more = list;
    more.resize(more.size() + 4);
    CHECK(problemOfDependencies(more).has_value());
    setByte(list, 4, 3);  // a class of three bytes
    CHECK(problemOfDependencies(list).has_value());
}
