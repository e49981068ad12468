// SPDX-License-Identifier: BSL-1.0
// What an OCF agent says of itself, and that no text of its author gets out of its place.
#include "property_fixture.hpp"

#include <holdfast/adapters/ocf_metadata.hpp>
#include <holdfast/process.hpp>

#include <support/temporary_folder.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
    return found;
}

std::string metadataOf(const AgentType& type) {
    return adapters::ocfMetadata(adapters::ocfMetadataOf(type, "database", "1.2.3"));
}

/** From <parameter name="NAME" to </parameter>. */
std::string parameter(const std::string& metadata, const std::string& name) {
    const auto begin = metadata.find("<parameter name=\"" + name + "\" ");
    if (begin == std::string::npos) throw std::out_of_range{name};
    return metadata.substr(begin, metadata.find("</parameter>", begin) - begin);
}

struct Plain {
    std::string text{"x"};
    std::string password{"hunter2"};
    std::vector<std::string> list;
    bool flag{true};
};

class Nothing final : public Resource {
public:
    Nothing(Context&, Plain) {}
    void online(Operation&) override {}
    void terminate() noexcept override {}
    Verdict isAlive(Check&) override { return Verdict::alive(); }
};

using NothingType = ResourceType<Nothing, Plain>;

/** Every character that XML, or a reader of it, treats in a way of its own; also such as it cannot hold. */
constexpr char hostileBytes[] =
    "a & b < c > d \" e ' f ]]> <!-- --> &amp; \t tab\r\nline \x01 \x1B \x7F \xEF\xBF\xBE caf\xC3\xA9 \xF0\x9F\x98\x80 "
    "broken \xE9 \xED\xA0\x80 \xC0\xAF %s {} \0 end";
constexpr std::string_view hostile{hostileBytes, sizeof hostileBytes - 1};

std::string hostileMetadata() {
    auto type = NothingType{"O'Brien's <type> & \"more\""};
    type.description(hostile)
        .property("Text", &Plain::text, pattern("[^<&\"]*"), hostile)
        .property("List", &Plain::list, oneOf({"<a>", "\"b\" & c"}), "]]>");
    auto metadata = adapters::ocfMetadataOf(*type.share(), "na\"me<&", hostile);
    for (auto& property : metadata.properties) {
        if (property.name == "Text") property.defaultValue = PropertyValue::sz(std::string{hostile});
    }
    return adapters::ocfMetadata(metadata);
}

}  // namespace

TEST_CASE("each kind of property becomes a parameter with its type, default and rule [L-093][L-09A]") {
    const auto text = metadataOf(*fixture::databaseType().share());
    CHECK(has(parameter(text, "DatabasePath"), "required=\"1\""));
    CHECK(
        has(parameter(text, "DatabasePath"), "<longdesc lang=\"en\">File that holds the database. A path.</longdesc>"));
    CHECK(has(parameter(text, "DatabasePath"), "<shortdesc lang=\"en\">File that holds the database</shortdesc>"));
    CHECK(has(parameter(text, "BusyTimeout"), "<content type=\"integer\" default=\"5000\"/>"));
    CHECK(has(parameter(text, "BusyTimeout"),
              "Longest wait for a lock. In milliseconds, or with a unit (s, min, h), 0 ms to 3600000 ms."));
    CHECK(has(parameter(text, "Port"), "<content type=\"integer\" default=\"5432\"/>"));
    CHECK(has(parameter(text, "Bias"), "<content type=\"integer\" default=\"-2\"/>"));
    CHECK(has(parameter(text, "Bias"), "A whole number, -10 to 10."));
    CHECK(has(parameter(text, "Quota"), "<content type=\"integer\" default=\"1000\"/>"));
    CHECK(has(parameter(text, "Offset"), "<content type=\"integer\" default=\"-1\"/>"));
    CHECK(has(parameter(text, "ReadOnly"), "<content type=\"boolean\" default=\"false\"/>"));
    CHECK(has(parameter(text, "Journal"), "<content type=\"string\" default=\"wal\"/>"));
    CHECK(has(parameter(text, "Journal"), "One of: wal, rollback."));
    CHECK(has(parameter(text, "User"), "<content type=\"string\" default=\"\"/>"));
    CHECK(has(parameter(text, "User"), "Must match the regular expression [a-z][a-z0-9]*"));
    CHECK(has(parameter(text, "Replicas"), "<content type=\"string\" default=\"\"/>"));
    CHECK(has(parameter(text, "Grace"), "<content type=\"integer\" default=\"3000\"/>"));
    CHECK_FALSE(has(text, "\"Key\""));  // bytes cannot be written as a parameter
    // L-09A: nothing that ocf-tester's DTD does not know.
    CHECK_FALSE(has(text, "select"));
    CHECK_FALSE(has(text, "deprecated"));
}

TEST_CASE("what is required has no default, what is secret shows none [L-096][L-097]") {
    auto type = NothingType{"T"};
    type.property("Password", &Plain::password, secret).property("Text", &Plain::text, required);
    const auto text = metadataOf(*type.share());
    CHECK_FALSE(has(text, "hunter2"));
    CHECK(has(parameter(text, "Password"), "<content type=\"string\"/>"));
    CHECK(has(parameter(text, "Password"), "required=\"0\""));
    CHECK(has(parameter(text, "Text"), "<content type=\"string\"/>"));
    CHECK(has(parameter(text, "Text"), "required=\"1\""));
    CHECK_FALSE(has(text, "private"));
}

TEST_CASE("what people cannot set is no parameter") {
    auto type = NothingType{"T"};
    type.property("Text", &Plain::text, readOnly).property("Flag", &Plain::flag);
    const auto text = metadataOf(*type.share());
    CHECK_FALSE(has(text, "\"Text\""));
    CHECK(has(parameter(text, "Flag"), "<content type=\"boolean\" default=\"true\"/>"));
}

TEST_CASE("a list's default is read back as the same words") {
    struct Listed {
        std::vector<std::string> words{"plain", "two words", "it's", "a\"b\\c", "$x"};
    };
    class Lister final : public Resource {
    public:
        Lister(Context&, Listed) {}
        void online(Operation&) override {}
        void terminate() noexcept override {}
        Verdict isAlive(Check&) override { return Verdict::alive(); }
    };
    auto type = ResourceType<Lister, Listed>{"T"};
    type.property("Words", &Listed::words);
    const auto text = parameter(metadataOf(*type.share()), "Words");
    const auto begin = text.find("default=\"") + 9;
    auto value = text.substr(begin, text.find('"', begin) - begin);
    CHECK(value == "plain 'two words' 'it'\\''s' 'a&quot;b\\c' '$x'");
#if !defined(_WIN32)
    value.replace(value.find("&quot;"), 6, "\"");
    CHECK(splitCommandLine(value) == Listed{}.words);
#endif
}

TEST_CASE("only holdfast's own parameters are applied by a reload [L-099]") {
    const auto text = metadataOf(*fixture::databaseType().share());
    for (const auto* const own : {"CheckInterval", "CheckTimeout", "TerminateTimeout", "InstantFailure"})
        CHECK(has(parameter(text, own), "reloadable=\"1\""));
    for (const auto* const author : {"DatabasePath", "Port", "Password"})
        CHECK(has(parameter(text, author), "reloadable=\"0\""));
    CHECK(has(text, "<!ATTLIST parameter unique-group CDATA #IMPLIED reloadable (0|1) \"0\">"));
    CHECK(has(text, "<!ATTLIST action name CDATA #REQUIRED>"));
    CHECK(count(text, "unique") == 1);
}

TEST_CASE(
    "the root names agent and version, and each action has its timeout [L-090][L-091][L-094][L-095][L-078][L-13E]") {
    const auto text = metadataOf(*fixture::databaseType().share());
    // crmsh's parser takes no string that names an encoding.
    CHECK(text.starts_with("<?xml version=\"1.0\"?>\n<!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\" ["));
    CHECK(has(text, "<resource-agent name=\"database\" version=\"1.2.3\">\n<version>1.1</version>\n"));
    CHECK(has(text, "<action name=\"start\" timeout=\"120s\"/>"));
    CHECK(has(text, "<action name=\"stop\" timeout=\"120s\"/>"));
    CHECK(has(text, "<action name=\"monitor\" timeout=\"60s\" interval=\"1s\" depth=\"0\"/>"));
    CHECK(has(text, "<action name=\"monitor\" timeout=\"60s\" interval=\"61s\" depth=\"10\"/>"));
    for (const auto* const name : {"meta-data", "validate-all", "reload-agent"})
        CHECK(count(text, std::string{"<action name=\""} + name + "\" timeout=") == 1);
    CHECK_FALSE(has(text, "promote"));
}

TEST_CASE("start and stop are given the author's limits and what holdfast keeps of them [L-077]") {
    auto type = fixture::databaseType();
    type.onlineLimit(5min).offlineLimit(60s).terminateTimeout(30s);
    const auto metadata = adapters::ocfMetadataOf(*type.share(), "database", "1");
    CHECK(metadata.startTimeout == 345s);
    CHECK(metadata.stopTimeout == 100s);
    CHECK(metadata.startTimeout - metadata.startTimeout / 10 >= 5min + 10s);

    auto quick = fixture::databaseType();
    quick.onlineLimit(500ms);
    CHECK(adapters::ocfMetadataOf(*quick.share(), "database", "1").startTimeout == 3s);
}

TEST_CASE("an agent without a resident host is polled less often and cannot report by itself") {
    auto metadata = adapters::ocfMetadataOf(*fixture::databaseType().share(), "database", "1");
    metadata.residentHost = false;
    const auto text = adapters::ocfMetadata(metadata);
    CHECK(has(text, "<action name=\"monitor\" timeout=\"60s\" interval=\"10s\" depth=\"0\"/>"));
    CHECK_FALSE(has(text, "InstantFailure"));
    metadata.residentHost = true;
    CHECK(has(parameter(adapters::ocfMetadata(metadata), "InstantFailure"), "One of: monitor, notify, off."));
}

TEST_CASE("who describes nothing still has descriptions, as the schemas demand [L-092][L-093]") {
    const auto bare = metadataOf(*NothingType{"Bare"}.share());
    CHECK(has(bare, "<shortdesc lang=\"en\">Manages a resource of the type Bare</shortdesc>"));
    CHECK(has(bare, "<longdesc lang=\"en\">Manages a resource of the type Bare.</longdesc>"));
    CHECK(count(bare, "<parameter ") > 0);
    auto type = NothingType{"T"};
    type.property("Text", &Plain::text);
    CHECK(has(parameter(metadataOf(*type.share()), "Text"), "<shortdesc lang=\"en\">Text</shortdesc>"));
    adapters::OcfMetadata nothing;
    nothing.name = "nothing";
    CHECK(count(adapters::ocfMetadata(nothing), "<parameter ") == 1);
}

TEST_CASE("no text of an author gets out of its place [L-09B]") {
    const auto text = hostileMetadata();
    CHECK(has(text,
              "<resource-agent name=\"na&quot;me&lt;&amp;\" version=\"a &amp; b &lt; c &gt; d &quot; e ' f ]]&gt; "));
    CHECK(
        has(text, "&amp;amp; &#9; tab&#13;&#10;line \xEF\xBF\xBD \xEF\xBF\xBD \xEF\xBF\xBD \xEF\xBF\xBD caf\xC3\xA9"));
    CHECK(has(text, "\xF0\x9F\x98\x80 broken \xEF\xBF\xBD "));
    CHECK(has(text, "%s {} \xEF\xBF\xBD end\""));
    CHECK(has(text, "One of: &lt;a&gt;, &quot;b&quot; &amp; c."));
    CHECK(has(text, "the regular expression [^&lt;&amp;&quot;]*"));
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F) FAIL("the byte " << int{byte});
    }
}

#if defined(CHECK_METADATA)
TEST_CASE("the DTD and the OCF 1.1 schema take whatever an author writes [L-098][L-099]") {
    const tests::TemporaryFolder folder;
    const auto write = [&](const std::string& name, const std::string& text) {
        std::ofstream{folder.path() / name, std::ios::binary} << text;
        return " '" + (folder.path() / name).string() + "'";
    };
    auto plain = adapters::ocfMetadataOf(*fixture::databaseType().share(), "database", "1");
    auto command = std::string{"'" CHECK_METADATA "'"} + write("whole.xml", adapters::ocfMetadata(plain)) +
                   write("hostile.xml", hostileMetadata()) +
                   write("bare.xml", metadataOf(*NothingType{"Bare"}.share()));
    plain.residentHost = false;
    command += write("stateless.xml", adapters::ocfMetadata(plain));
    const int status = std::system(command.c_str());
    if (status == 77 << 8) SKIP("no xmllint, DTD or schema here: see above");
    CHECK(status == 0);
    // The check can fail.
    CHECK(std::system((std::string{"'" CHECK_METADATA "' >/dev/null 2>&1"} + write("bad.xml", "<resource-agent/>\n"))
                          .c_str()) != 0);
}
#endif
