// SPDX-License-Identifier: BSL-1.0
#include "property_fixture.hpp"

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <limits>
#include <stdexcept>

using namespace holdfast;
using namespace fixture;
using V = PropertyValue;

namespace {

class NoContext final : public Context {
public:
    std::string resourceName() const override { return "orders"; }
    std::string typeName() const override { return "Test Database"; }
    std::string nodeName() const override { return "here"; }
    StopReason stopReason() const noexcept override { return StopReason::none; }
    void reportFailure(std::string_view) noexcept override {}
    void log(LogLevel, std::string_view) noexcept override {}
};

const PropertyDescription& described(const AgentType& type, std::string_view name) {
    for (const auto& property : type.properties()) {
        if (property.name == name) return property;
    }
    throw std::runtime_error{"no property " + std::string{name}};
}

PropertyBag with(std::string_view name, PropertyValue value) {
    PropertyBag bag{{"DatabasePath", V::sz("/data/orders.db")}};
    bag.set(name, std::move(value));
    return bag;
}

/** The message of the refusal; empty if `values` is accepted. */
std::string refusal(const PropertyBag& values) {
    try {
        database()->validate(values);
        return {};
    } catch (const PropertyError& error) {
        CHECK(error.code() == ErrorCode::configuration);
        return error.what();
    }
}

Settings settingsOf(const PropertyBag& values) { return databaseType().settings(values); }

/** The message of the logic_error with which a type refuses its author. */
template <typename Build>
std::string authorMistake(Build&& build) {
    try {
        build();
    } catch (const std::logic_error& error) {
        return error.what();
    }
    return {};
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("W-509 names in a bag compare without case and keep their first spelling") {
    PropertyBag bag;
    bag.set("Port", V::dword(1));
    bag.set("PORT", V::dword(2));
    REQUIRE(bag.size() == 1);
    CHECK(bag.begin()->first == "Port");
    CHECK(bag.find("port")->as<std::uint32_t>()[0] == 2);
    CHECK(bag.erase("pOrT"));
    CHECK_FALSE(bag.erase("port"));
    bag.set("Gone", {});
    CHECK_FALSE(bag.contains("Gone"));
}

TEST_CASE("D15 each C++ type has its property format, registry type and kind") {
    struct Row {
        const char* name;
        PropertyFormat format;
        abi::RegistryType registryType;
        const char* kind;
        const char* defaultText;
    };
    const Row rows[] = {
        {"DatabasePath", PropertyFormat::sz, abi::RegistryType::sz, "path", ""},
        {"BusyTimeout", PropertyFormat::dword, abi::RegistryType::dword, "duration ms", "5000 ms"},
        {"Port", PropertyFormat::dword, abi::RegistryType::dword, "integer", "5432"},
        {"Bias", PropertyFormat::longInteger, abi::RegistryType::dword, "integer", "-2"},
        {"Quota", PropertyFormat::ulargeInteger, abi::RegistryType::qword, "integer", "1000"},
        {"Offset", PropertyFormat::largeInteger, abi::RegistryType::qword, "integer", "-1"},
        {"ReadOnly", PropertyFormat::dword, abi::RegistryType::dword, "bool", "false"},
        {"Journal", PropertyFormat::sz, abi::RegistryType::sz, "enum", "wal"},
        {"User", PropertyFormat::sz, abi::RegistryType::sz, "string", ""},
        {"Replicas", PropertyFormat::multiSz, abi::RegistryType::multiSz, "list", ""},
        {"Key", PropertyFormat::binary, abi::RegistryType::binary, "binary", "0 bytes"},
        {"Grace", PropertyFormat::dword, abi::RegistryType::dword, "duration ms", "3000 ms"},
    };
    const auto type = database();
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto& property = described(*type, row.name);
        CHECK(property.format == row.format);
        CHECK(property.registryType == row.registryType);
        CHECK(property.kind == row.kind);
        CHECK(property.defaultText == row.defaultText);
        CHECK_FALSE(property.framework);
    }
    CHECK(described(*type, "DatabasePath").required);
    CHECK(described(*type, "DatabasePath").description == "File that holds the database");
    CHECK(described(*type, "BusyTimeout").range == "0 ms to 3600000 ms");
    CHECK(described(*type, "Bias").range == "-10 to 10");
    CHECK(described(*type, "Journal").names == Strings{"wal", "rollback"});
    CHECK(described(*type, "Grace").range == "1000 ms to 60000 ms");
}

TEST_CASE("every value set reaches its member, in whatever case its name is written") {
    const PropertyBag values{{"databasepath", V::sz("/data/\xC3\xBC.db")},
                             {"BUSYTIMEOUT", V::dword(250)},
                             {"Port", V::dword(65'535)},
                             {"Bias", V::longInteger(-10)},
                             {"Quota", V::ulargeInteger(std::numeric_limits<std::uint64_t>::max())},
                             {"Offset", V::largeInteger(std::numeric_limits<std::int64_t>::min())},
                             {"ReadOnly", V::dword(1)},
                             {"Journal", V::sz("ROLLBACK")},
                             {"User", V::sz("ann1")},
                             {"Password", V::sz("very secret")},
                             {"Replicas", V::multiSz({"a", "b"})},
                             {"Key", V::binary({std::byte{1}, std::byte{2}})},
                             {"Grace", V::dword(60'000)}};
    const auto settings = settingsOf(values);
    CHECK(settings.databasePath.u8string() == u8"/data/\u00fc.db");
    CHECK(settings.busyTimeout == 250ms);
    CHECK(settings.port == 65'535);
    CHECK(settings.bias == -10);
    CHECK(settings.quota == std::numeric_limits<std::uint64_t>::max());
    CHECK(settings.offset == std::numeric_limits<std::int64_t>::min());
    CHECK(settings.readOnly);
    CHECK(settings.journal == Journal::rollback);
    CHECK(settings.user == "ann1");
    CHECK(settings.password == "very secret");
    CHECK(settings.replicas == Strings{"a", "b"});
    CHECK(settings.key == Bytes{std::byte{1}, std::byte{2}});
    CHECK(settings.grace == 1min);
}

TEST_CASE("what is not set stays as Settings{} has it") {
    const auto settings = settingsOf(with("Port", V::dword(1)));
    CHECK(settings.port == 1);
    CHECK(settings.busyTimeout == 5s);
    CHECK(settings.quota == 1'000);
}

TEST_CASE("build hands the settings to the constructor") {
    NoContext context;
    const auto object = database()->build(context, with("Port", V::dword(7)));
    CHECK(dynamic_cast<Database&>(*object).settings.port == 7);
}

TEST_CASE("a refusal names the property, the value and the rule") {
    CHECK(refusal({}) == "property \"DatabasePath\": is required and not set");
    CHECK(refusal({{"DatabasePath", V::sz("")}}) == "property \"DatabasePath\": is required and must not be empty");
    CHECK(refusal(with("BusyTimeout", V::dword(7'200'000))) ==
          "property \"BusyTimeout\": 7200000 is out of range: 0 ms to 3600000 ms");
    CHECK(refusal(with("Bias", V::longInteger(-11))) == "property \"Bias\": -11 is out of range: -10 to 10");
    CHECK(refusal(with("Port", V::dword(70'000))) == "property \"Port\": 70000 is out of range: 0 to 65535");
    CHECK(refusal(with("ReadOnly", V::dword(2))) == "property \"ReadOnly\": 2 must be 0 or 1");
    CHECK(refusal(with("Journal", V::sz("off"))) == "property \"Journal\": \"off\" must be one of: wal, rollback");
    CHECK(refusal(with("User", V::sz("Ann!"))) ==
          "property \"User\": \"Ann!\" does not match the pattern: [a-z][a-z0-9]*");
    CHECK(refusal(with("Grace", V::dword(1'500))) == "property \"Grace\": 1500 must be a multiple of 1000 ms");
    CHECK(refusal(with("Grace", V::dword(0))) == "property \"Grace\": 0 is out of range: 1000 ms to 60000 ms");
    CHECK(refusal(with("Replicas", V::multiSz({"a", ""}))) ==
          "property \"Replicas\": [\"a\", \"\"] holds an empty text, which ends a MULTI_SZ");
    CHECK(refusal(with("DatabasePath", V::sz(std::string{"a\0b", 3}))) ==
          "property \"DatabasePath\": \"a\\x00b\" holds a NUL character");
    CHECK(refusal(with("User", V::sz(""))).empty());  // not required: an empty text is no value
}

TEST_CASE("W-539 a stored value of another type is refused by name") {
    CHECK(refusal(with("Port", V::sz("5432"))) == "property \"Port\": expected DWORD, found SZ");
    CHECK(refusal(with("Port", V::longInteger(1))) == "property \"Port\": expected DWORD, found LONG");
    CHECK(refusal(with("User", V::expandSz("x"))) == "property \"User\": expected SZ, found EXPAND_SZ");
    CHECK(refusal(with("Quota", V::dword(1))) == "property \"Quota\": expected ULARGE_INTEGER, found DWORD");
    CHECK(refusal(with("Port", V::foreign(abi::RegistryType::dword, Bytes(3)))) ==
          "property \"Port\": expected DWORD, found a REG_DWORD of 3 bytes");
    CHECK(refusal(with("Key", V::foreign(static_cast<abi::RegistryType>(6), Bytes(9)))) ==
          "property \"Key\": expected BINARY, found a registry type 6 of 9 bytes");
}

TEST_CASE("the value of a secret is in no message and no description") {
    const auto type = database();
    const auto& property = described(*type, "Password");
    CHECK(property.secret);
    CHECK(property.defaultText.empty());
    CHECK(property.defaultValue.absent());
    for (const auto& value :
         {V::sz("\x01hidden"), V::sz("hid"), V::multiSz({"hidden"}), V::sz(std::string{"hid\0den", 7})}) {
        const auto text = refusal(with("Password", value));
        CHECK(has(text, "\"Password\""));
        CHECK_FALSE(has(text, "hid"));
    }
}

TEST_CASE("an author's validator sees the whole and its refusal is one of configuration") {
    auto values = with("ReadOnly", V::dword(1));
    try {
        database()->validate(values);
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::configuration);
        CHECK(std::string{error.what()} == "ReadOnly cannot be combined with Journal wal");
    }
    values.set("Journal", V::sz("rollback"));
    CHECK_NOTHROW(database()->validate(values));
}

TEST_CASE("validateEach requires nothing and refuses each wrong value") {
    const auto type = database();
    CHECK_NOTHROW(type->validateEach({}));
    CHECK_NOTHROW(type->validateEach({{"ReadOnly", V::dword(1)}}));
    CHECK_NOTHROW(type->validateEach({{"Nobody", V::dword(1)}}));
    CHECK_THROWS_AS(type->validateEach({{"DatabasePath", V::sz("")}}), PropertyError);
    CHECK_THROWS_AS(type->validateEach({{"CheckInterval", V::dword(0)}}), PropertyError);
}

TEST_CASE("the framework's properties follow the author's, with the ranges of the policy") {
    const auto type = database();
    struct Row {
        const char* name;
        std::uint32_t low, high, defaultValue;
    };
    const Row rows[] = {{"CheckInterval", 10, 86'400'000, 5'000},
                        {"CheckTimeout", 10, 86'400'000, 20'000},
                        {"ThoroughCheckEvery", 1, 1'000, 1},
                        {"FailureTolerance", 0, 100, 0},
                        {"TimeoutTolerance", 0, 100, 0},
                        {"FailureWindow", 0, 86'400'000, 60'000},
                        {"OnlineLimit", 100, 604'800'000, 900'000},
                        {"OfflineLimit", 100, 604'800'000, 900'000},
                        {"TerminateTimeout", 300, 240'000, 30'000},
                        {"PredecessorTimeout", 100, 3'600'000, 30'000}};
    REQUIRE(type->properties().size() == 13 + std::size(rows));
    std::size_t index = 13;
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto& property = type->properties()[index++];
        CHECK(property.name == row.name);
        CHECK(property.framework);
        CHECK(property.defaultValue == V::dword(row.defaultValue));
        CHECK_NOTHROW(static_cast<void>(type->policy({{row.name, V::dword(row.low)}})));
        CHECK_NOTHROW(static_cast<void>(type->policy({{row.name, V::dword(row.high)}})));
        if (row.low > 0)
            CHECK_THROWS_AS(static_cast<void>(type->policy({{row.name, V::dword(row.low - 1)}})), PropertyError);
        CHECK_THROWS_AS(static_cast<void>(type->policy({{row.name, V::dword(row.high + 1)}})), PropertyError);
    }
    const auto policy = type->policy({{"checkinterval", V::dword(250)}, {"FailureTolerance", V::dword(2)}});
    CHECK(policy.checkInterval == 250ms);
    CHECK(policy.failureTolerance == 2);
    CHECK(policy.checkTimeout == 20s);
}

TEST_CASE("a type's own policy is its properties' default") {
    auto type = databaseType().checkInterval(1s).checkTimeout(2s).terminateTimeout(10s).share();
    CHECK(type->policy({}).checkInterval == 1s);
    CHECK(described(*type, "CheckInterval").defaultText == "1000 ms");
    CHECK(type->policy({{"CheckInterval", V::dword(3'000)}}).checkInterval == 3s);
    CHECK(has(authorMistake([] { static_cast<void>(databaseType().checkInterval(1ms).share()); }), "CheckInterval"));
}

namespace {
class Cursory : public Database {
public:
    using Database::Database;
    Verdict looksAlive(Check&) override { return Verdict::alive(); }
};
class Mending final : public Cursory {
public:
    using Cursory::Cursory;
    bool repair(Check&) override { return true; }
};
class Hidden : public Database {
public:
    using Database::Database;

private:
    Verdict looksAlive(Check&) override { return Verdict::alive(); }
    bool repair(Check&) override { return true; }
};
}  // namespace

TEST_CASE("a type that overrides looksAlive checks thoroughly each third time; one that overrides repair repairs") {
    const auto policyOf = [](auto type) { return type.share()->policy({}); };
    CHECK(policyOf(ResourceType<Database, Settings>{"A"}).thoroughEvery == 1);
    CHECK(policyOf(ResourceType<Cursory, Settings>{"A"}).thoroughEvery == 3);
    CHECK(policyOf(ResourceType<Mending, Settings>{"A"}).thoroughEvery == 3);
    CHECK(policyOf(ResourceType<Hidden, Settings>{"A"}).thoroughEvery == 3);
    CHECK_FALSE(policyOf(ResourceType<Database, Settings>{"A"}).repairs);
    CHECK_FALSE(policyOf(ResourceType<Cursory, Settings>{"A"}).repairs);
    CHECK(policyOf(ResourceType<Mending, Settings>{"A"}).repairs);
    CHECK(policyOf(ResourceType<Hidden, Settings>{"A"}).repairs);
    CHECK(policyOf(ResourceType<Cursory, Settings>{"A"}.thoroughCheckEvery(1)).thoroughEvery == 1);
}

TEST_CASE("what only the author can have got wrong is refused while the type is built") {
    enum class Other { a };
    struct Broken {
        std::uint16_t port{80};
        std::string name{"Default"};
        Journal journal{Journal::wal};
        std::chrono::microseconds pause{1'500};
    };
    class Agent final : public Resource {
    public:
        Agent(Context&, Broken) {}
        void online(Operation&) override {}
        void terminate() noexcept override {}
        Verdict isAlive(Check&) override { return Verdict::alive(); }
    };
    const auto mistake = [](auto&& change) {
        return authorMistake([&] {
            ResourceType<Agent, Broken> type{"T"};
            change(type);
            static_cast<void>(type.share());
        });
    };
    CHECK(mistake([](auto& type) { type.property("Port", &Broken::port); }).empty());
    CHECK(has(mistake([](auto& t) { t.property("Port", &Broken::port).property("PORT", &Broken::port); }),
              "two properties have this name"));
    CHECK(has(mistake([](auto& t) { t.property("checkinterval", &Broken::port); }), "one of holdfast's own"));
    for (const auto* name : {"", "9Lives", "With Space", "Back\\slash", "Dash-ed", "\xC3\x84rger"}) {
        CHECK(has(mistake([&](auto& t) { t.property(name, &Broken::port); }), "property's name starts with a letter"));
    }
    CHECK(has(mistake([](auto& t) { t.property("Port", &Broken::port, range(1'024, 65'535)); }),
              "its own default is refused"));
    CHECK(mistake([](auto& t) { t.property("Port", &Broken::port, required, range(1'024, 65'535)); }).empty());
    CHECK(has(mistake([](auto& t) { t.property("Port", &Broken::port, range(90, 10)); }), "range is empty"));
    CHECK(has(mistake([](auto& t) { t.property("Name", &Broken::name, pattern("[a-z]+")); }),
              "its own default is refused"));
    CHECK(has(mistake([](auto& t) { t.property("Name", &Broken::name, pattern("[a-z")); }), "no regular expression"));
    CHECK(has(mistake([](auto& t) {
                  t.property("Name", &Broken::name, oneOf({"a", "b"}));
              }),
              "its own default is refused"));
    CHECK(mistake([](auto& t) { t.property("Name", &Broken::name, oneOf({"a", "Default"})); }).empty());
    CHECK(has(mistake([](auto& t) { t.property("Journal", &Broken::journal); }), "an enum needs names"));
    CHECK(has(mistake([](auto& t) {
                  t.property("Journal", &Broken::journal, names({{Other::a, "a"}}));
              }),
              "values of another enum"));
    CHECK(has(mistake([](auto& t) {
                  t.property("Journal", &Broken::journal, names({{Journal::rollback, "r"}}));
              }),
              "has no text in names"));
    CHECK(has(mistake([](auto& t) {
                  t.property("Journal", &Broken::journal, names({{Journal::wal, "x"}, {Journal::rollback, "X"}}));
              }),
              "two of its texts are the same"));
    CHECK(has(mistake([](auto& t) { t.property("Pause", &Broken::pause); }), "not a whole number of milliseconds"));
    for (const auto* name : {"", "Back\\slash", "Tab\t", "\xFF"}) {
        CHECK_FALSE(authorMistake([&] { ResourceType<Agent, Broken>{name}; }).empty());
    }
    CHECK(has(authorMistake([] {
                  static_cast<void>(
                      agentTypes(ResourceType<Agent, Broken>{"Same"}, ResourceType<Agent, Broken>{"SAME"}));
              }),
              "two resource types have this name"));
}

TEST_CASE("a text that makes the pattern explode is refused, not endless") {
    struct Slow {
        std::string text;
    };
    class Agent final : public Resource {
    public:
        Agent(Context&, Slow) {}
        void online(Operation&) override {}
        void terminate() noexcept override {}
        Verdict isAlive(Check&) override { return Verdict::alive(); }
    };
    const auto type = ResourceType<Agent, Slow>{"T"}.property("Text", &Slow::text, pattern("(a|aa)+b(a*)*c")).share();
    CHECK_THROWS_AS(type->validate({{"Text", V::sz(std::string(5'000, 'a'))}}), PropertyError);
    // Either would overflow the stack in a matcher that recurses.
    const auto choice = ResourceType<Agent, Slow>{"T"}.property("Text", &Slow::text, pattern("(.|x)*")).share();
    CHECK_THROWS_AS(choice->validate({{"Text", V::sz(std::string(60'000, 'y'))}}), PropertyError);
    const auto dots = ResourceType<Agent, Slow>{"T"}.property("Text", &Slow::text, pattern("(.*x)?.*")).share();
    CHECK_NOTHROW(dots->validate({{"Text", V::sz(std::string(60'000, 'y'))}}));
}

TEST_CASE("W-511 a text marked expand is an EXPAND_SZ and its member gets the expanded form") {
    struct Where {
        std::filesystem::path path{"%HOLDFAST_NOWHERE%/x"};
    };
    class Agent final : public Resource {
    public:
        Agent(Context&, Where) {}
        void online(Operation&) override {}
        void terminate() noexcept override {}
        Verdict isAlive(Check&) override { return Verdict::alive(); }
    };
#if defined(_WIN32)
    _putenv_s("HOLDFAST_ROOT", "/srv");
#else
    ::setenv("HOLDFAST_ROOT", "/srv", 1);
#endif
    ResourceType<Agent, Where> type{"T"};
    type.property("Path", &Where::path, expand);
    CHECK(type.settings({{"Path", V::expandSz("%HOLDFAST_ROOT%/db")}}).path == std::filesystem::path{"/srv/db"});
    const auto shared = type.share();
    CHECK(described(*shared, "Path").format == PropertyFormat::expandSz);
    CHECK(described(*shared, "Path").registryType == abi::RegistryType::expandSz);
}

TEST_CASE("a message cuts a long value and shows no control character") {
    CHECK(valueText(V::sz(std::string(1'000, 'x'))).size() < 140);
    CHECK(valueText(V::sz("a\nb\x1b")) == "\"a\\x0Ab\\x1B\"");
    CHECK(valueText(V::multiSz(Strings(1'000, "text"))).size() < 300);
    CHECK(valueText(V::binary(Bytes(5))) == "5 bytes");
    CHECK(valueText(V{}) == "nothing");
    // Never in the middle of a character.
    std::string umlauts;
    for (int index = 0; index < 200; ++index) umlauts += "\xC3\xBC";
    const auto cut = valueText(V::sz("x" + umlauts));
    CHECK(static_cast<unsigned char>(cut[cut.size() - 5]) == 0xBC);
}
