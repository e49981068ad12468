// SPDX-License-Identifier: BSL-1.0
// Secrets that are references (D15): what they may be, what they come to, and that no message tells them.

#include <holdfast/resource.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#if defined(_WIN32)
#include <windows.h>

#include <wincred.h>
#endif

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

struct Settings {
    std::string password;
    std::string pin{"0000"};
    std::string plain;
};

std::string seen, seenPin;

class Holder final : public Resource {
public:
    Holder(Context&, const Settings& settings) { seen = settings.password, seenPin = settings.pin; }
    void online(Operation&) override {}
    void terminate() noexcept override {}
    Verdict isAlive(Check&) override { return Verdict::alive(); }
};

class NoContext final : public Context {
public:
    [[nodiscard]] std::string resourceName() const override { return {}; }
    [[nodiscard]] std::string typeName() const override { return {}; }
    [[nodiscard]] std::string nodeName() const override { return {}; }
    [[nodiscard]] StopReason stopReason() const noexcept override { return StopReason::none; }
    void reportFailure(std::string_view) noexcept override {}
    void log(LogLevel, std::string_view) noexcept override {}
};

const AgentType& holder() {
    static const auto type = ResourceType<Holder, Settings>{"Holder"}
                                 .property("Password", &Settings::password, required, secret)
                                 .property("Pin", &Settings::pin, secret, pattern("[0-9]{4}"))
                                 .property("Plain", &Settings::plain)
                                 .share();
    return *type;
}

/** Builds the object with that password; the message if it is refused. */
std::string build(const std::string& password, const std::string& pin = "1234") {
    NoContext context;
    seen.clear();
    try {
        static_cast<void>(
            holder().build(context, {{"Password", PropertyValue::sz(password)}, {"Pin", PropertyValue::sz(pin)}}));
        return {};
    } catch (const PropertyError& error) {
        return error.what();
    }
}

/** A file that goes with the test. */
struct File {
    explicit File(const std::string& content)
        : path{fs::temp_directory_path() / ("holdfast-secret-" + std::to_string(std::random_device{}()))} {
        std::ofstream{path, std::ios::binary} << content;
    }
    ~File() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    [[nodiscard]] std::string reference() const { return "file:" + path.string(); }
    const fs::path path;
};

}  // namespace

TEST_CASE("D15 a secret is itself, or what a file holds") {
    CHECK(build("hunter2").empty());
    CHECK(seen == "hunter2");
    CHECK(build("text:file:/not/a/reference").empty());
    CHECK(seen == "file:/not/a/reference");

    const File file{"s3cret\r\n"};
    CHECK(build(file.reference()).empty());
    CHECK(seen == "s3cret");
    // Read anew each time, and what it holds is no reference again.
    std::ofstream{file.path, std::ios::binary} << "text:file:/x\n\n";
    CHECK(build(file.reference()).empty());
    CHECK(seen == "text:file:/x\n");
}

TEST_CASE("D15 what a secret refers to keeps the property's rule") {
    const File good{"4711\n"};
    CHECK(build("x", good.reference()).empty());
    CHECK(seenPin == "4711");
    const File bad{"letters\n"};
    const std::string text = build("x", bad.reference());
    CHECK(text.find("property \"Pin\"") != std::string::npos);
    CHECK(text.find("does not match the pattern") != std::string::npos);
    CHECK(text.find("letters") == std::string::npos);
    const File nothing{"\n"};
    CHECK(build(nothing.reference()).find("is required") != std::string::npos);
}

TEST_CASE("D15 a reference that leads nowhere is refused without telling where it leads") {
    const auto refused = [](const std::string& value, const std::string& why) {
        const std::string text = build(value);
        CAPTURE(value, text);
        CHECK(text.starts_with("property \"Password\""));
        CHECK(text.find(why) != std::string::npos);
        if (value.size() > 12) CHECK(text.find(value) == std::string::npos);  // shorter ones are the rule's own words
        CHECK(text.find("holdfast-nowhere") == std::string::npos);
    };
    refused("file:" + (fs::temp_directory_path() / "holdfast-nowhere").string(), "does not exist");
    refused("file:" + fs::temp_directory_path().string(), "is no regular file");
    refused("file:holdfast-nowhere", "not absolute");
    refused("file:", "not absolute");
    refused("credential:", "can be no name");
    refused("credential:a/../b", "can be no name");
    const File large{std::string(65'537, 'x')};
    refused(large.reference(), "longer than 65536 bytes");
    const File binary{std::string{"\xFF\xFE"} + "x"};
    refused(binary.reference(), "no UTF-8 text");
    const File zero{std::string{"a\0b", 3}};
    refused(zero.reference(), "NUL");
}

TEST_CASE("D15 a reference is accepted when it is set, read when the object is built, and only of secrets") {
    // The node that stores it may have no such file.
    CHECK_NOTHROW(holder().validate(
        {{"Password", PropertyValue::sz("file:/nowhere/password")}, {"Pin", PropertyValue::sz("credential:pin")}}));
    CHECK_THROWS_AS(holder().validateEach({{"Password", PropertyValue::sz("file:relative")}}), PropertyError);
    const PropertyBag values{{"Password", PropertyValue::sz("file:/nowhere/password")},
                             {"Plain", PropertyValue::sz("file:/nowhere")}};
    const auto resolved = [&] { return detail::resolveSecrets(holder().properties(), values); };
    CHECK_THROWS_AS(resolved(), PropertyError);
    CHECK(*detail::resolveSecrets(holder().properties(), {{"Plain", PropertyValue::sz("file:/nowhere")}})
               .find("Plain")
               ->as<std::string>() == "file:/nowhere");
}

#if !defined(_WIN32)
TEST_CASE("D15 a credential is what systemd gave the process") {
    ::unsetenv("CREDENTIALS_DIRECTORY");
    CHECK(build("credential:password").find("was given none") != std::string::npos);
    const fs::path directory =
        fs::temp_directory_path() / ("holdfast-credentials-" + std::to_string(std::random_device{}()));
    fs::create_directory(directory);
    std::ofstream{directory / "password"} << "from systemd\n";
    ::setenv("CREDENTIALS_DIRECTORY", directory.c_str(), 1);
    CHECK(build("credential:password").empty());
    CHECK(seen == "from systemd");
    CHECK(build("credential:other").find("does not exist") != std::string::npos);
    ::unsetenv("CREDENTIALS_DIRECTORY");
    fs::remove_all(directory);
}
#endif

#if defined(_WIN32)
TEST_CASE("D15 a credential is a generic one of this account's") {
    const std::string name = "holdfast-test-" + std::to_string(std::random_device{}());
    CHECK(build("credential:" + name).find("this account has no generic credential") != std::string::npos);
    std::wstring wide{name.begin(), name.end()};
    std::wstring password = L"from Windows \u00E4";
    CREDENTIALW credential{};
    credential.Type = CRED_TYPE_GENERIC;
    credential.TargetName = wide.data();
    credential.CredentialBlob = reinterpret_cast<BYTE*>(password.data());
    credential.CredentialBlobSize = static_cast<DWORD>(password.size() * sizeof(wchar_t));
    credential.Persist = CRED_PERSIST_LOCAL_MACHINE;
    REQUIRE(CredWriteW(&credential, 0) != 0);
    CHECK(build("credential:" + name).empty());
    CHECK(seen == "from Windows \xC3\xA4");
    CredDeleteW(wide.c_str(), CRED_TYPE_GENERIC, 0);
}
#endif
