// SPDX-License-Identifier: BSL-1.0
// `holdfast describe` on real agent libraries, through their C table alone.
#include "cli/described_library.hpp"
#include "cli/registration_script.hpp"
#include "monitor/agent_callbacks.hpp"
#include "monitor/agent_library.hpp"

#include <holdfast/abi/wide.hpp>
#include <holdfast/adapters/library_description.hpp>
#include <holdfast/os/library.hpp>
#include <holdfast/version.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <bit>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

using namespace holdfast;

namespace {

abi::Dword HOLDFAST_STDCALL setStatus(abi::ResourceHandle, abi::ResourceStatus*) { return 0; }
void HOLDFAST_STDCALL logEvent(abi::ResourceHandle, abi::Dword, const abi::WideChar*, ...) {}

std::string readFile(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    std::erase(text, '\r');  // as a checkout on Windows may have it
    return text;
}

std::string failure(const std::string& file, const Strings& types) {
    try {
        static_cast<void>(cli::describeLibraryFile(file, types));
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("describe shows a holdfast agent's types and the rules of their properties") {
    const auto library = cli::describeLibraryFile(SQLITE_AGENT, {});
    CHECK(library.holdfast == version());
    CHECK(library.notes.empty());
    REQUIRE(library.types.size() == 1);
    CHECK(library.types[0].name == "SQLite Database");
    const auto table = cli::describeAsTable(library);
    CHECK(has(table, "DatabasePath    SZ      (required)"));
    CHECK(has(table, "wal | delete"));
    CHECK(has(table, "5000 ms"));
    CHECK(has(cli::describeAsJson(library), R"("name":"BusyTimeout","format":"DWORD")"));

    CHECK(has(failure(SQLITE_AGENT, {"Other"}), "it has no resource type \"Other\""));
    CHECK(cli::describeLibraryFile(SQLITE_AGENT, {"sqlite DATABASE"}).types.size() == 1);  // W-014
}

// Approval: whoever changes the script looks at what changed, then copies the text written beside the approved one.
TEST_CASE("W-907 the registration script of the SQLite agent is the one that was approved") {
    auto script = cli::registrationScript(cli::describeLibraryFile(SQLITE_AGENT, {}));
    const auto generator = "holdfast " + std::string{version()};
    const auto at = script.find(generator);
    REQUIRE(at != std::string::npos);
    script.replace(at, generator.size(), "holdfast VERSION");
    const bool approved = script == readFile(APPROVED_SCRIPT);
    if (!approved) std::ofstream{RECEIVED_SCRIPT, std::ios::binary} << script;
    INFO("compare " RECEIVED_SCRIPT " with " APPROVED_SCRIPT);
    CHECK(approved);
}

TEST_CASE("W-014 W-015 the name under which a library describes itself is no type that a resource can have") {
    auto opened = os::Library::open(SQLITE_AGENT);
    REQUIRE(opened.library);
    const auto startup = std::bit_cast<abi::StartupRoutine>(opened.library.symbol("Startup"));
    const auto startupEx = std::bit_cast<abi::StartupExRoutine>(opened.library.symbol("StartupEx"));
    REQUIRE(startup != nullptr);
    REQUIRE(startupEx != nullptr);
    abi::FunctionTable* table = nullptr;
    const auto start = [&](abi::Dword low, abi::Dword high) {
        return startup(adapters::libraryTypeName, low, high, &setStatus, &logEvent, &table);
    };
    CHECK(start(0x200, 0x400) == abi::code::revisionMismatch);
    CHECK(table == nullptr);
    CHECK(startupEx(adapters::libraryTypeName, 0x100, 0x400, &monitor::agentCallbacks(), &table) == abi::code::success);
    CHECK(startupEx(adapters::libraryTypeName, 0x200, 0x400, &monitor::agentCallbacks(), &table) ==
          abi::code::revisionMismatch);
    REQUIRE(start(0x100, 0x400) == abi::code::success);
    REQUIRE(table != nullptr);
    CHECK(table->version == abi::versionV1);
    REQUIRE(monitor::checkTable(table, abi::versionV1, abi::versionV1).problem.empty());

    const auto& f = table->v1;
    const auto name = abi::toWide("never");
    CHECK(f.open(name.c_str(), nullptr, nullptr) == nullptr);
    f.close(nullptr);
    abi::Handle event = nullptr;
    CHECK(f.online(nullptr, &event) == abi::code::resourceNotFound);
    CHECK(f.offline(nullptr) == abi::code::resourceNotFound);
    f.terminate(nullptr);
    CHECK(f.isAlive(nullptr) == 0);
    CHECK(f.looksAlive(nullptr) == 0);

    // W-141, W-602, W-630: whole or not at all, and nothing but this one code.
    abi::Dword needed = 1;
    const auto ask = [&](abi::Dword controlCode, void* out, abi::Dword size) {
        return f.resourceTypeControl(adapters::libraryTypeName, controlCode, nullptr, 0, out, size, &needed);
    };
    CHECK(ask(0x02000091, nullptr, 0) == abi::code::invalidFunction);
    CHECK(needed == 0);
    REQUIRE(ask(abi::control::typeGetDescription, nullptr, 0) == abi::code::moreData);
    REQUIRE(needed > 100);
    std::string text(needed + 1, '#');
    const abi::Dword whole = needed;
    CHECK(ask(abi::control::typeGetDescription, text.data(), whole - 1) == abi::code::moreData);
    CHECK(text == std::string(whole + 1, '#'));
    CHECK(ask(abi::control::typeGetDescription, text.data(), whole) == abi::code::success);
    CHECK(needed == whole);
    CHECK(text.back() == '#');
    CHECK(text.front() == '{');
}

TEST_CASE("the OCF metadata of the SQLite agent is the one that was approved [L-090][L-099]") {
    const auto library = cli::describeLibraryFile(SQLITE_AGENT, {});
    const auto metadata = cli::describeForPacemaker(library, "", "VERSION");
    const bool approved = metadata == readFile(APPROVED_METADATA);
    if (!approved) std::ofstream{RECEIVED_METADATA, std::ios::binary} << metadata;
    INFO("compare " RECEIVED_METADATA " with " APPROVED_METADATA);
    CHECK(approved);
    CHECK(has(cli::describeForPacemaker(library, "other", "VERSION"), "<resource-agent name=\"other\""));
}

#if defined(SQLITE_OCF)
TEST_CASE("describe says to Pacemaker what the agent itself says [L-090]") {
    std::FILE* const pipe = ::popen("'" SQLITE_OCF "' meta-data", "r");
    REQUIRE(pipe != nullptr);
    std::string said;
    std::array<char, 4096> part{};
    while (const auto size = std::fread(part.data(), 1, part.size(), pipe)) said.append(part.data(), size);
    CHECK(::pclose(pipe) == 0);
    CHECK(said == cli::describeForPacemaker(cli::describeLibraryFile(SQLITE_AGENT, {}), "", AGENT_VERSION));
}
#endif

#if defined(SCRIPTED_AGENT)
TEST_CASE("W-538 of an agent made without holdfast describe shows the formats, if it is told the type") {
    CHECK(has(failure(SCRIPTED_AGENT, {}), "name them with --type"));
    CHECK(has(failure(SCRIPTED_AGENT, {"Nobody"}), "it has no resource type \"Nobody\""));
    const auto library = cli::describeLibraryFile(SCRIPTED_AGENT, {"Scripted"});
    CHECK(library.holdfast.empty());
    REQUIRE(library.types.size() == 1);
    REQUIRE(library.types[0].properties.size() == 2);
    CHECK(library.types[0].properties[0].name == "Script");
    CHECK(library.types[0].properties[0].format == PropertyFormat::sz);
    CHECK(library.types[0].properties[1].name == "Port");
    CHECK(library.types[0].properties[1].format == PropertyFormat::dword);
    CHECK_THROWS_AS(cli::describeForPacemaker(library, "scripted", "1"), std::runtime_error);
    const auto script = cli::registrationScript(library);
    CHECK(has(script, "[string] $Script"));
    CHECK(has(script, "[uint32] $Port"));
}
#endif

#if defined(NO_STARTUP_AGENT)
TEST_CASE("describe says in words what is wrong with a library") {
    CHECK(has(failure("no_such_file.so", {}), "the file does not exist"));
    CHECK(has(failure(NO_STARTUP_AGENT, {}), "exports neither StartupEx nor Startup"));
}
#endif
