// SPDX-License-Identifier: BSL-1.0
// What an OCF agent says to the host of its resource, where its files lie, and what it leaves as evidence.
#include "ocf/message.hpp"
#include "ocf/place.hpp"
#include "ocf/record.hpp"
#include "process/proc.hpp"

#include <support/temporary_folder.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>

using namespace holdfast;
using ocf::Message;
using ocf::Place;
using ocf::wholeNumber;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string bodyOf(const Message& message) {
    const std::string frame = message.frame();
    std::uint32_t size = 0;
    REQUIRE(frame.size() >= sizeof size);
    std::memcpy(&size, frame.data(), sizeof size);
    REQUIRE(frame.size() == sizeof size + size);
    return frame.substr(sizeof size);
}

void write(const fs::path& file, std::string_view text) { std::ofstream{file, std::ios::binary} << text; }

std::string read(const fs::path& file) { return process::readFile(file.c_str()); }

/** HA_RSCTMP as long as a test runs. */
class RunDirectory {
public:
    explicit RunDirectory(const fs::path& directory) { ::setenv("HA_RSCTMP", directory.c_str(), 1); }
    RunDirectory(const RunDirectory&) = delete;
    RunDirectory& operator=(const RunDirectory&) = delete;
    ~RunDirectory() { ::unsetenv("HA_RSCTMP"); }
};

std::string saved(const fs::path& folder) {
    const std::string file = (folder / "kept.state").string();
    REQUIRE(ocf::save(file, ocf::ownRecord("online")).empty());
    return read(file);
}

std::string without(std::string text, const std::string& key, const std::string& value) {
    const std::size_t begin = text.find("\n" + key + "=") + 1;
    REQUIRE(begin != std::string::npos + 1);
    return text.replace(begin, text.find('\n', begin) - begin, key + "=" + value);
}

}  // namespace

// --- message ---

TEST_CASE("a message arrives as it was, whatever its texts contain") {
    Message sent;
    sent.set("order", "monitor")
        .set("level", 10)
        .set("param.Text", "a=b\n=\xFF\x01 caf\xC3\xA9")
        .set("param.Empty", "");
    sent.set("order", "stop");  // the later one holds
    const auto heard = Message::parse(bodyOf(sent));
    REQUIRE(heard);
    CHECK(heard->get("order") == "stop");
    CHECK(heard->number("level") == 10);
    CHECK(heard->number("protocol") == ocf::protocolVersion);
    CHECK(heard->all("param.") ==
          std::vector<std::pair<std::string, std::string>>{{"Text", "a=b\n=\xFF\x01 caf\xC3\xA9"}, {"Empty", ""}});
    CHECK(heard->has("param.Empty"));
    CHECK(bodyOf(*heard) == bodyOf(sent));
}

TEST_CASE("what another version does not say reads as empty, and what it says besides is no harm") {
    const auto heard = Message::parse(std::string_view{"order=stop\0colour=green\0", 24});
    REQUIRE(heard);
    CHECK(heard->get("order") == "stop");
    CHECK_FALSE(heard->has("protocol"));
    CHECK(heard->get("reason").empty());
    CHECK(heard->number("code", 1) == 1);
    CHECK(heard->number("colour", 7) == 7);
}

TEST_CASE("a text with a NUL does not become an order") {
    Message sent;
    sent.set("reason", std::string_view{"x\0order=stop", 12});
    const auto heard = Message::parse(bodyOf(sent));
    REQUIRE(heard);
    CHECK_FALSE(heard->has("order"));
    CHECK(heard->get("reason") == "x");
}

TEST_CASE("a frame that was cut is no message, unless the cut is between two entries") {
    const std::string body = bodyOf(Message{}.set("order", "monitor").set("timeout", 20'000).set("reason", ""));
    for (std::size_t size = 0; size < body.size(); ++size) {
        const auto heard = Message::parse(std::string_view{body}.substr(0, size));
        CAPTURE(size);
        CHECK(heard.has_value() == (size == 0 || body[size - 1] == '\0'));
    }
}

TEST_CASE("a malformed frame is refused") {
    using namespace std::string_view_literals;
    for (const auto body : {"\0"sv, "order\0"sv, "=monitor\0"sv, "order=stop"sv, "order=stop\0\0"sv, "order\0=stop\0"sv,
                            "="sv, "a=1\0b"sv}) {
        CHECK_FALSE(Message::parse(body));
    }
}

TEST_CASE("garbled frames are refused or read, and nothing else happens") {
    const std::uint32_t seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    const std::string whole =
        bodyOf(Message{}.set("order", "start").set("param.Folder", "/srv").set("timeout", 20'000));
    for (int round = 0; round < 20'000; ++round) {
        std::string body = whole;
        for (auto changes = 1 + random() % 4; changes > 0; --changes) {
            const std::size_t at = random() % body.size();
            const auto how = random() % 3;
            if (how == 0) body[at] = static_cast<char>(random());
            if (how == 1) body.insert(at, 1, "=\0\xFF-"[random() % 4]);
            if (how == 2 && body.size() > 1) body.erase(at, 1 + random() % 3);
            if (body.empty()) body = "x";
        }
        if (const auto heard = Message::parse(body)) REQUIRE(bodyOf(*heard) == body);
    }
}

TEST_CASE("a whole number is one, and nothing else is", "[L-139]") {
    CHECK(wholeNumber("0") == 0);
    CHECK(wholeNumber("-20") == -20);
    CHECK(wholeNumber("9223372036854775807") == 9'223'372'036'854'775'807);
    for (const std::string_view text :
         {"", "-", "20s", " 20", "20 ", "2 0", "1.0", "1e3", "0x1", "9223372036854775808", "--1"}) {
        CAPTURE(text);
        CHECK_FALSE(wholeNumber(text));
    }
}

// --- place ---

TEST_CASE("each instance has files of its own, in the run directory, whatever its name", "[L-06C][L-016]") {
    const RunDirectory here{"/run/r"};
    std::set<std::string> files;
    const std::vector<std::string> names{"db",
                                         "DB",
                                         "db:0",
                                         "db:1",
                                         "db_0",
                                         "db/0",
                                         "a/b:c",
                                         "a_b_c",
                                         "a:b/c",
                                         "..",
                                         ".",
                                         "../../etc/passwd",
                                         "-",
                                         "caf\xC3\xA9",
                                         "caf\xC3\xA8",
                                         "x y",
                                         "db.new",
                                         std::string(48, 'n'),
                                         std::string(49, 'n'),
                                         std::string(4000, 'n'),
                                         std::string(4000, 'm')};
    for (const auto& name : names) {
        const Place place = Place::of(name);
        CAPTURE(name);
        CHECK(place.directory == "/run/r/holdfast");
        for (const auto& file : {place.socket, place.record, place.lock}) {
            CHECK(fs::path{file}.parent_path() == place.directory);
            CHECK(fs::path{file}.lexically_normal() == fs::path{file});
            CHECK(file.size() < 107);
            files.insert(file);
        }
        CHECK(Place::of(name).socket == place.socket);
    }
    CHECK(files.size() == 3 * names.size());
}

TEST_CASE("without HA_RSCTMP the run directory is resource-agents' one, which a boot empties", "[L-115][L-135]") {
    ::unsetenv("HA_RSCTMP");
    CHECK(Place::of("db").directory == "/run/resource-agents/holdfast");
    const RunDirectory empty{""};
    CHECK(Place::of("db").directory == "/run/resource-agents/holdfast");
}

TEST_CASE("the run directory is made, ours alone, and used again") {
    const tests::TemporaryFolder folder;
    const RunDirectory here{folder.path()};
    const Place place = Place::of("db");
    REQUIRE(place.prepare().empty());
    struct stat found {};
    REQUIRE(::stat(place.directory.c_str(), &found) == 0);
    CHECK((found.st_mode & 07777U) == 0700);
    CHECK(place.prepare().empty());
}

TEST_CASE("a run directory that cannot be one is named with what is wrong") {
    const tests::TemporaryFolder folder;
    const auto complaintIn = [](const fs::path& parent) {
        const RunDirectory here{parent};
        return Place::of("db").prepare();
    };
    CHECK(has(complaintIn(folder.file("missing")), (folder.file("missing") / "holdfast").string()));
    CHECK(has(complaintIn("relative"), "absolute"));

    fs::create_directory(folder.file("open"));
    fs::create_directory(folder.file("open") / "holdfast");
    ::chmod((folder.file("open") / "holdfast").c_str(), 0755);
    CHECK(has(complaintIn(folder.file("open")), "0700"));

    fs::create_directory(folder.file("linked"));
    fs::create_directory_symlink(folder.path(), folder.file("linked") / "holdfast");
    CHECK(has(complaintIn(folder.file("linked")), "no directory"));

    fs::create_directory(folder.file("file"));
    write(folder.file("file") / "holdfast", "");
    CHECK(has(complaintIn(folder.file("file")), "no directory"));
}

TEST_CASE("a run directory too long for a socket is told by how much") {
    const tests::TemporaryFolder folder;
    const std::string rest = "/holdfast/ocf-db.sock";
    constexpr std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
    const auto parentOf = [&](std::size_t socket) {
        const std::size_t size = socket - rest.size() - folder.path().string().size() - 1;
        return folder.file(std::string(size, 'd'));
    };
    for (const std::size_t over : {1U, 60U}) {
        const RunDirectory here{parentOf(most + over)};
        const std::string complaint = Place::of("db").prepare();
        CHECK(has(complaint, "is " + std::to_string(over) + " characters too long"));
        CHECK(has(complaint, "HA_RSCTMP"));
    }
    fs::create_directory(parentOf(most));
    const RunDirectory here{parentOf(most)};
    CHECK(Place::of("db").socket.size() == most);
    CHECK(Place::of("db").prepare().empty());
}

// --- record ---

TEST_CASE("a record names one process and what it was about", "[L-071][L-116]") {
    const tests::TemporaryFolder folder;
    const std::string file = folder.file("db.state").string();
    CHECK_FALSE(ocf::restore(file));
    REQUIRE(ocf::save(file, ocf::ownRecord("starting")).empty());
    REQUIRE(ocf::save(file, ocf::ownRecord("online")).empty());
    const auto record = ocf::restore(file);
    REQUIRE(record);
    CHECK(record->pid == ::getpid());
    CHECK(record->phase == "online");
    CHECK(ocf::lives(*record));
    struct stat found {};
    REQUIRE(::stat(file.c_str(), &found) == 0);
    CHECK((found.st_mode & 07777U) == 0600);
    CHECK_FALSE(fs::exists(file + ".new"));
}

TEST_CASE("a stranger with the number of the one recorded is not it", "[L-134][L-116]") {
    auto record = ocf::ownRecord("online");
    REQUIRE(ocf::lives(record));
    ++record.startTime;
    CHECK_FALSE(ocf::lives(record));
    CHECK_FALSE(ocf::lives(ocf::Record{}));
}

TEST_CASE("a process that ended does not live, also before anybody looked", "[L-116]") {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        char byte = 0;
        ::close(pipe[1]);
        static_cast<void>(::read(pipe[0], &byte, 1));
        ::_exit(0);
    }
    ocf::Record record;
    record.pid = child;
    record.startTime = process::readStat(child).value_or(process::ProcStat{}).startTime;
    CHECK(ocf::lives(record));
    ::close(pipe[1]);
    siginfo_t ended{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
    CHECK_FALSE(ocf::lives(record));
    CHECK(::waitpid(child, nullptr, 0) == child);
    CHECK_FALSE(ocf::lives(record));
    ::close(pipe[0]);
}

TEST_CASE("a record of before the system started is none", "[L-115][L-135]") {
    const tests::TemporaryFolder folder;
    const auto file = folder.file("db.state");
    const std::string text = saved(folder.path());
    write(file, text);
    REQUIRE(ocf::restore(file.string()));
    for (const std::string boot : {"00000000-0000-0000-0000-000000000000", ""}) {
        write(file, without(text, "boot", boot));
        CHECK_FALSE(ocf::restore(file.string()));
    }
}

TEST_CASE("a record is whole or none", "[L-073]") {
    const tests::TemporaryFolder folder;
    const auto file = folder.file("db.state");
    const std::string text = saved(folder.path());
    for (std::size_t size = 0; size + 1 < text.size(); ++size) {
        write(file, std::string_view{text}.substr(0, size));
        CAPTURE(size);
        CHECK_FALSE(ocf::restore(file.string()));
    }
}

TEST_CASE("a record whose numbers name no process is none") {
    const tests::TemporaryFolder folder;
    const auto file = folder.file("db.state");
    const std::string text = saved(folder.path());
    const std::string key = GENERATE(as<std::string>{}, "pid", "start");
    for (const std::string number : {"", "0", "-1", "-4711", "x", "12x", "99999999999999999999"}) {
        CAPTURE(key, number);
        write(file, without(text, key, number));
        CHECK_FALSE(ocf::restore(file.string()));
    }
    for (const std::string number : {"1", "4294967297", "4294971007"}) {  // the latter are others, seen as 32 bits
        CAPTURE(number);
        write(file, without(text, "pid", number));
        CHECK_FALSE(ocf::restore(file.string()));
    }
}

TEST_CASE("who reads while it is written anew sees the old record, or the new one", "[L-073]") {
    const tests::TemporaryFolder folder;
    const std::string file = folder.file("db.state").string();
    REQUIRE(ocf::save(file, ocf::ownRecord("starting")).empty());
    const std::string before = read(file);
    fs::create_hard_link(file, folder.file("reader"));  // who opened the old one
    REQUIRE(ocf::save(file, ocf::ownRecord("online")).empty());
    CHECK(read(folder.file("reader")) == before);
    CHECK(read(file) != before);
}

TEST_CASE("a record that cannot be written is said, and nothing is left or overwritten") {
    const tests::TemporaryFolder folder;
    const std::string missing = (folder.file("missing") / "db.state").string();
    CHECK(has(ocf::save(missing, ocf::ownRecord("online")), missing));

    // A link that somebody put where it is written first leads nowhere.
    const std::string file = folder.file("db.state").string();
    write(folder.file("precious"), "kept");
    fs::create_symlink(folder.file("precious"), file + ".new");
    CHECK(has(ocf::save(file, ocf::ownRecord("online")), file));
    CHECK(read(folder.file("precious")) == "kept");
    CHECK_FALSE(fs::exists(file));
}
