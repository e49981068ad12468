// SPDX-License-Identifier: BSL-1.0
// What `holdfast describe` makes of a type's table, and that the PowerShell it writes means what it should.
#include "property_fixture.hpp"

#include "cli/powershell.hpp"
#include "cli/registration_script.hpp"

#include <holdfast/adapters/library_description.hpp>
#include <holdfast/version.hpp>

#include <catch2/catch_test_macros.hpp>

#include <stdexcept>
#include <string>

using namespace holdfast;
namespace ps = holdfast::cli::powershell;

namespace {

cli::DescribedLibrary described(std::shared_ptr<const AgentType> type) {
    auto library = cli::readDescription(adapters::describeTypes({std::move(type)}));
    library.file = "folder/test_agent.so";
    return library;
}

const cli::DescribedProperty& find(const cli::DescribedLibrary& library, std::string_view name) {
    for (const auto& property : library.types.at(0).properties) {
        if (property.name == name) return property;
    }
    throw std::out_of_range{std::string{name}};
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

struct Plain {
    std::string text{"x"};
    std::string host;
    std::string verbose;
    std::uint64_t huge{1};
    bool flag{false};
    std::vector<std::string> list;
    std::vector<std::byte> bytes;
};

class Nothing final : public Resource {
public:
    Nothing(Context&, Plain) {}
    void online(Operation&) override {}
    void terminate() noexcept override {}
    Verdict isAlive(Check&) override { return Verdict::alive(); }
};

using NothingType = ResourceType<Nothing, Plain>;

}  // namespace

TEST_CASE("a library's description carries all of the property table that the control codes cannot tell") {
    const auto library = described(fixture::databaseType().share());
    CHECK(library.holdfast == version());
    REQUIRE(library.types.size() == 1);
    CHECK(library.types[0].name == "Test Database");
    CHECK(library.types[0].description == "A database for tests");
    CHECK_FALSE(library.types[0].adopts);

    const auto& path = find(library, "DatabasePath");
    CHECK(path.required);
    CHECK(path.kind == "path");
    CHECK(path.format == PropertyFormat::sz);
    CHECK(path.description == "File that holds the database");
    CHECK_FALSE(path.defaultText);

    const auto& timeout = find(library, "BusyTimeout");
    CHECK(timeout.format == PropertyFormat::dword);
    CHECK(timeout.lowest == "0");
    CHECK(timeout.highest == "3600000");
    CHECK(timeout.defaultText == "5000 ms");
    CHECK_FALSE(timeout.framework);
    CHECK(find(library, "Bias").lowest == "-10");
    CHECK(find(library, "Journal").names == Strings{"wal", "rollback"});
    CHECK(find(library, "CheckInterval").framework);
}

TEST_CASE("D15: the description never holds what a secret is by default") {
    struct Secretive {
        std::string password{"hunter2"};
    };
    class Keeper final : public Resource {
    public:
        Keeper(Context&, Secretive) {}
        void online(Operation&) override {}
        void terminate() noexcept override {}
        Verdict isAlive(Check&) override { return Verdict::alive(); }
    };
    auto keeper = ResourceType<Keeper, Secretive>{"Keeper"}.property("Password", &Secretive::password, secret).share();
    CHECK_FALSE(has(adapters::describeTypes({keeper}), "hunter2"));
    CHECK(find(described(keeper), "Password").secret);
    CHECK(has(cli::registrationScript(described(keeper)), "[securestring] $Password"));
}

TEST_CASE("a description survives names, texts and patterns full of JSON's own characters") {
    const auto* const odd = "a \"quoted\" \\ back\tslash\nline \xC3\xA9 \x7F";
    auto type = NothingType{"Odd \"type\""};
    type.description(odd).property("Text", &Plain::text, pattern("[a-z\"\\\\]*"), odd);
    const auto library = described(type.share());
    CHECK(library.types[0].name == "Odd \"type\"");
    CHECK(library.types[0].description == odd);
    CHECK(find(library, "Text").pattern == "[a-z\"\\\\]*");
    CHECK(find(library, "Text").description == odd);
    // Bytes that are no UTF-8 become U+FFFD, or no JSON reader would take the whole.
    auto broken = NothingType{"T"};
    broken.description("caf\xE9");
    CHECK(described(broken.share()).types[0].description == "caf\xEF\xBF\xBD");
}

TEST_CASE("a description that is none, or of a later form, is refused in words") {
    CHECK_THROWS_AS(cli::readDescription("{"), std::runtime_error);
    CHECK_THROWS_AS(cli::readDescription("[]"), std::runtime_error);
    CHECK_THROWS_AS(cli::readDescription(R"({"format":1})"), std::runtime_error);
    CHECK_THROWS_AS(cli::readDescription(R"({"format":1,"types":[{"name":5}]})"), std::runtime_error);
    CHECK_THROWS_AS(cli::readDescription(R"({"format":99,"types":[]})"), std::runtime_error);
}

TEST_CASE("a PowerShell literal is its text, whatever that holds") {
    CHECK(ps::quoted("plain") == "'plain'");
    CHECK(ps::quoted("") == "''");
    CHECK(ps::quoted("O'Brien") == "'O''Brien'");
    CHECK(ps::quoted("$env:PATH $(Remove-Item x) `n \"q\"") == "'$env:PATH $(Remove-Item x) `n \"q\"'");
    // PowerShell takes U+2018 to U+201B for single quotes.
    CHECK(ps::quoted("a\xE2\x80\x99; Remove-Item x; \xE2\x80\x98") ==
          "'a\xE2\x80\x99\xE2\x80\x99; Remove-Item x; \xE2\x80\x98\xE2\x80\x98'");
    CHECK(ps::quoted("\xE2\x80\x9A\xE2\x80\x9B") == "'\xE2\x80\x9A\xE2\x80\x9A\xE2\x80\x9B\xE2\x80\x9B'");
    CHECK(ps::quoted("\xE2\x80\x9C\xE2\x80") == "'\xE2\x80\x9C\xE2\x80'");  // a double one, and one cut short
}

TEST_CASE("a comment ends where its line ends, and no text ends it before") {
    CHECK(ps::comment("two\nlines\r\nand\ttab") == "two lines  and tab");
    CHECK(ps::comment("#> Remove-Item x") == "# > Remove-Item x");
    CHECK(ps::comment("##>#>") == "## ># >");
    CHECK(ps::comment("a\xE2\x80\xA8"
                      "b\xC2\x85"
                      "c") == "a b c");
}

TEST_CASE("numbers of one attribute have one type") {
    CHECK(ps::number("0", "3600000") == "0");
    CHECK(ps::number("0", "4294967295") == "0L");
    CHECK(ps::number("4294967295", "0") == "4294967295L");
    CHECK(ps::number("-9223372036854775807", "5") == "-9223372036854775807L");
    CHECK(ps::number("1", "18446744073709551615") == "1d");
}

TEST_CASE("nouns and parameters are names that PowerShell takes") {
    CHECK(ps::noun("SQLite Database") == "SQLiteDatabase");
    CHECK(ps::noun("my-app's service") == "MyAppSService");
    CHECK(ps::noun("3com") == "Type3com");
    CHECK(ps::noun("\xE6\x97\xA5") == "Type");
    CHECK(ps::parameter("DatabasePath") == "DatabasePath");
    CHECK(ps::parameter("Host") == "HostProperty");
    CHECK(ps::parameter("pid") == "pidProperty");
    CHECK(ps::parameter("WhatIf") == "WhatIfProperty");
    CHECK(ps::parameter("NAME") == "NAMEProperty");
    CHECK(ps::parameter("Two Words") == "TwoWords");
    CHECK(ps::parameter("$(x)") == "x");
    CHECK(ps::parameter("_") == "Property_");
}

TEST_CASE("each kind of property becomes a parameter of its own type, checked as the DLL checks it") {
    const auto script = cli::registrationScript(described(fixture::databaseType().share()));
    CHECK(has(script, "function New-TestDatabaseResource {"));
    CHECK(has(script,
              "        [Parameter(Mandatory = $true)]\n        [ValidateNotNullOrEmpty()]\n"
              "        [string] $DatabasePath"));
    CHECK(has(script, "[ValidateRange(0, 3600000)]\n        [uint32] $BusyTimeout"));
    CHECK(has(script, "[ValidateRange(-10, 10)]\n        [int] $Bias"));
    CHECK(has(script, "[uint64] $Quota"));
    CHECK(has(script, "[long] $Offset"));
    CHECK(has(script, "[bool] $ReadOnly"));
    CHECK(has(script, "$values['ReadOnly'] = [uint32] [int] $ReadOnly"));
    CHECK(has(script, "[ValidateSet('wal', 'rollback')]\n        [string] $Journal"));
    CHECK(has(script, "[string[]] $Replicas"));
    CHECK(has(script, "[byte[]] $Key"));
    CHECK(has(script, "$dll = 'test_agent.dll'"));
    CHECK(has(script, "$types = @('Test Database')"));
}

TEST_CASE("no name or text of an author gets out of its place in the script") {
    auto type = NothingType{"O'Brien's $(throw) `type` \"x\" #>"};
    type.description("first line\n#>\nRemove-Item x")
        .property("Text", &Plain::text, pattern("x|it's|\\d+"), "a\nthrow 'b' #>")
        .property("Host", &Plain::host)
        .property("Verbose", &Plain::verbose)
        .property("Huge", &Plain::huge, range(std::uint64_t{0}, ~std::uint64_t{0} - 1));
    const auto script = cli::registrationScript(described(type.share()));
    CHECK(has(script, "-ResourceType 'O''Brien''s $(throw) `type` \"x\" #>'"));
    CHECK(has(script, "$types = @('O''Brien''s $(throw) `type` \"x\" #>')"));
    CHECK(has(script, "function New-OBrienSThrowTypeXResource {"));
    CHECK_FALSE(has(script, "\nRemove-Item x"));
    CHECK_FALSE(has(script, "\nthrow 'b'"));
    CHECK(has(script, "[ValidatePattern('\\A(?-i:x|it''s|\\d+)?\\z')]"));
    CHECK(has(script, "if ($PSBoundParameters.ContainsKey('HostProperty')) { $values['Host'] = $HostProperty }"));
    CHECK(has(script, "[string] $VerboseProperty"));
    CHECK(has(script, "[ValidateRange(0d, 18446744073709551614d)]\n        [uint64] $Huge"));
    // The block comments are closed by us alone: one for the script, one for each function.
    std::size_t closings = 0;
    for (auto at = script.find("#>\n"); at != std::string::npos; at = script.find("#>\n", at + 1)) {
        const auto line = script.rfind('\n', at) + 1;
        if (script.find_first_not_of(' ', line) == at) ++closings;
    }
    CHECK(closings == 2);
}

TEST_CASE("two types whose names give one noun get two functions") {
    auto library = described(NothingType{"My Type"}.share());
    library.types.push_back(library.types.front());
    library.types.back().name = "my-type";
    const auto script = cli::registrationScript(library);
    CHECK(has(script, "function New-MyTypeResource {"));
    CHECK(has(script, "function New-MyTypeOtherResource {"));
    CHECK(has(script, "$types = @('My Type', 'my-type')"));
}

TEST_CASE("what a read-only property holds is nobody's to set; what must be depended on is said") {
    auto library = described(NothingType{"T"}.property("Text", &Plain::text).share());
    library.types[0].properties[0].readOnly = true;
    library.types[0].dependencies = {{1, {}}, {0, "Network Name"}};
    library.types[0].resourceClass = 2;
    const auto script = cli::registrationScript(library);
    CHECK_FALSE(has(script, "$Text"));
    CHECK(has(script, "It must depend on: a resource of class storage, \"Network Name\"."));
    const auto table = cli::describeAsTable(library);
    CHECK(has(table, "read-only"));
    CHECK(has(table, "must depend on: a resource of class storage, \"Network Name\""));
    CHECK(has(table, "class: network"));
}
