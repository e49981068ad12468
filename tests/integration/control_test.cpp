// SPDX-License-Identifier: BSL-1.0
// The control socket of a running monitor: what peers may do, and what they cannot do to it.
#include "control_peer.hpp"
#include "monitor/control_server.hpp"
#include "monitor_bench.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>

using namespace holdfast;
using namespace holdfast::test;

namespace {

std::filesystem::path folderOfTest() {
    static std::atomic<int> number{0};
    return std::filesystem::temp_directory_path() /
           ("holdfast-control-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
}

/** A monitor that runs, and its control socket. */
class Room {
public:
    explicit Room(std::vector<monitor::ResourceConfiguration> resources, monitor::ControlOptions options = {})
        : folder{folderOfTest()}, path{folder / "control"} {
        options.path = path;
        options.log = [this](LogLevel, const std::string& text) {
            const std::lock_guard lock{mutex_};
            log_ += text + "\n";
        };
        server = std::make_unique<monitor::ControlServer>(std::move(options));
        monitor::MonitorConfiguration configuration;
        configuration.resources = std::move(resources);
        monitor::MonitorOptions monitorOptions;
        monitorOptions.observer = [this](const monitor::Record& record) { server->take(record); };
        monitor = std::make_unique<monitor::ResourceMonitor>(std::move(configuration), std::move(monitorOptions));
        REQUIRE(monitor->prepare().empty());
        REQUIRE(server->open(*monitor).empty());
        monitor->start();
    }
    ~Room() {
        server->close();
        monitor.reset();
        std::filesystem::remove_all(folder);
    }
    [[nodiscard]] Peer peer() const {
        Peer peer{path};
        REQUIRE(peer.connected());
        const auto greeting = peer.line();
        REQUIRE(greeting);
        CHECK(greeting->starts_with(R"({"hello":{"protocol":1,)"));
        return peer;
    }
    [[nodiscard]] std::string external(const std::string& name) const {
        const auto answer = peer().ask(R"({"verb":"show","resource":")" + name + "\"}");
        return codeOf(answer) == "ok" ? std::string{answer.at("result").at("external").as_string()} : "?";
    }
    [[nodiscard]] bool said(const std::string& text) const {
        const std::lock_guard lock{mutex_};
        return log_.find(text) != std::string::npos;
    }

    const std::filesystem::path folder;
    const std::filesystem::path path;
    std::unique_ptr<monitor::ControlServer> server;
    std::unique_ptr<monitor::ResourceMonitor> monitor;

private:
    mutable std::mutex mutex_;
    std::string log_;
};

monitor::ResourceConfiguration keeper() {
    monitor::ResourceConfiguration resource;
    resource.name = "keeper";
    resource.type = "Keeper";
    resource.agent = CONTROL_AGENT;
    resource.properties = {{"User", std::string{"ada"}, {}}, {"Password", std::string{"hunter2"}, {}}};
    return resource;
}

monitor::Record logRecord(const std::string& text) {
    return {std::chrono::system_clock::now(), "r", monitor::LogRecord{LogLevel::information, {}, text, true}};
}

}  // namespace

TEST_CASE("list and show answer what the monitor's snapshot says") {
    const Room room{{scripted("disk", ""), scripted("share", "", {"disk"})}};
    REQUIRE(eventually([&] { return room.external("share") == "Online"; }));
    auto peer = room.peer();
    const auto list = peer.ask(R"({"id":7,"verb":"list"})");
    REQUIRE(codeOf(list) == "ok");
    CHECK(list.at("id").as_int64() == 7);
    const auto& resources = list.at("result").at("resources").as_array();
    REQUIRE(resources.size() == 2);
    CHECK(resources[1].at("name").as_string() == "share");
    CHECK(resources[1].at("dependsOn").as_array()[0].as_string() == "disk");
    CHECK(resources[1].at("onlines").to_number<int>() == 1);
    const auto missing = peer.ask(R"({"id":"x","verb":"show","resource":"shar"})");
    CHECK(codeOf(missing) == "unknownResource");
    CHECK(missing.at("id").as_string() == "x");
    CHECK(missing.at("error").at("suggestion").as_string() == "share");
}

TEST_CASE("offline, online and fail do what they say") {
    const Room room{{scripted("r", "online-pends")}};
    REQUIRE(eventually([&] { return room.external("r") == "Online"; }));
    auto peer = room.peer();
    CHECK(codeOf(peer.ask(R"({"verb":"offline","resource":"r"})")) == "ok");
    REQUIRE(eventually([&] { return room.external("r") == "Offline"; }));
    CHECK(codeOf(peer.ask(R"({"verb":"fail","resource":"r"})")) == "invalidState");
    CHECK(codeOf(peer.ask(R"({"verb":"online","resource":"r"})")) == "ok");
    REQUIRE(eventually([&] { return room.external("r") == "Online"; }));
    CHECK(codeOf(peer.ask(R"({"verb":"fail","resource":"r","reason":"the cable is out"})")) == "ok");
    REQUIRE(eventually([&] {
        const auto show = room.peer().ask(R"({"verb":"show","resource":"r"})");
        const auto* reason = show.at("result").as_object().if_contains("reason");
        return reason != nullptr && reason->as_string() == "declared failed: the cable is out";
    }));
}

TEST_CASE("W-640 set validates and stores; while online the answer is 5024") {
    const Room room{{scripted("r", "")}};
    REQUIRE(eventually([&] { return room.external("r") == "Online"; }));
    auto peer = room.peer();
    const auto stored = peer.ask(R"({"verb":"set","resource":"r","properties":{"Port":"8080"},"text":true})");
    REQUIRE(codeOf(stored) == "ok");
    CHECK(stored.at("result").at("code").as_int64() == 5024);
    CHECK(stored.at("result").at("usedAtNextOnline").as_bool());
    const auto bag = room.monitor->properties("r");
    const auto* port = bag.find("Port");
    REQUIRE(port != nullptr);
    CHECK(*port == PropertyValue::dword(8080));
    CHECK(codeOf(peer.ask(R"({"verb":"offline","resource":"r"})")) == "ok");
    REQUIRE(eventually([&] { return room.external("r") == "Offline"; }));
    CHECK(peer.ask(R"({"verb":"set","resource":"r","properties":{"Port":8081}})").at("result").at("code").as_int64() ==
          0);
    CHECK(codeOf(peer.ask(R"({"verb":"set","resource":"r","properties":{"Prt":1}})")) == "refused");
    CHECK(codeOf(peer.ask(R"({"verb":"set","resource":"r","properties":{"Port":"many"},"text":true})")) == "refused");
    const auto misfit =
        peer.ask(R"({"verb":"set","resource":"r","properties":{"Script":"text is no number","Port":1.5}})");
    CHECK(codeOf(misfit) == "refused");
    CHECK(*room.monitor->properties("r").find("Port") == PropertyValue::dword(8081));
}

TEST_CASE("many sets at once are all answered: controls queue behind each other") {
    const Room room{{scripted("r", "")}};
    std::vector<Peer> peers;
    for (int i = 0; i < 12; ++i) peers.push_back(room.peer());
    for (int round = 0; round < 20; ++round) {
        for (auto& peer : peers)
            REQUIRE(peer.send("{\"verb\":\"set\",\"resource\":\"r\",\"properties\":{\"Port\":1}}\n"));
        for (auto& peer : peers) REQUIRE(codeOf(peer.answer()) == "ok");
    }
    REQUIRE(eventually([&] { return room.external("r") == "Online"; }));
}

TEST_CASE("a secret is named and never shown, whatever is asked") {
    const Room room{{keeper(), scripted("mute", "")}};
    REQUIRE(eventually([&] { return room.external("keeper") == "Online"; }));
    auto peer = room.peer();
    std::string everything;
    for (const char* request :
         {R"({"verb":"properties","resource":"keeper"})", R"({"verb":"show","resource":"keeper"})",
          R"({"verb":"list"})", R"({"verb":"events","history":1000,"calls":true})",
          R"({"verb":"set","resource":"keeper","properties":{"Password":"hunter2x"}})", R"({"verb":"metrics"})",
          R"({"verb":"properties","resource":"keeper"})"}) {
        REQUIRE(peer.send(std::string{request} + "\n"));
        while (const auto line = peer.line()) {
            everything += *line + "\n";
            if (!line->starts_with(R"({"event")")) break;
        }
    }
    CHECK(everything.find("hunter2") == std::string::npos);
    CHECK(everything.find(R"({"name":"Password","stored":true,"shown":false})") != std::string::npos);
    CHECK(everything.find(R"({"name":"User","stored":true,"shown":true,"format":"SZ","value":"ada"})") !=
          std::string::npos);
    CHECK(everything.find(R"({"name":"Limit","stored":false,"shown":true,"format":"DWORD","value":1500})") !=
          std::string::npos);
    // W-520: what nobody can set is in a list of its own, and is shown as such.
    CHECK(everything.find(
              R"({"name":"Edition","stored":false,"shown":true,"readOnly":true,"format":"SZ","value":"second"})") !=
          std::string::npos);
    // An agent that shows nothing has nothing shown.
    static_cast<void>(peer.ask(R"({"verb":"set","resource":"mute","properties":{"Port":77}})"));
    const auto mute = peer.ask(R"({"verb":"properties","resource":"mute"})");
    REQUIRE(codeOf(mute) == "ok");
    CHECK(mute.at("result").at("code").as_int64() == 1);
    CHECK(json::serialize(mute).find("77") == std::string::npos);
    CHECK_FALSE(mute.at("result").at("properties").as_array()[0].at("shown").as_bool());
}

TEST_CASE("events: history, the filter, and what happens from now on") {
    const Room room{{scripted("a", ""), scripted("b", "")}};
    REQUIRE(eventually([&] { return room.external("a") == "Online" && room.external("b") == "Online"; }));
    auto peer = room.peer();
    REQUIRE(codeOf(peer.ask(R"({"verb":"events","resource":"a","history":1000})")) == "ok");
    CHECK(codeOf(peer.ask(R"({"verb":"events"})")) == "invalidState");
    auto other = room.peer();
    CHECK(codeOf(other.ask(R"({"verb":"offline","resource":"b"})")) == "ok");
    CHECK(codeOf(other.ask(R"({"verb":"offline","resource":"a"})")) == "ok");
    auto follower = room.peer();
    REQUIRE(codeOf(follower.ask(R"({"verb":"events","resource":"a","history":1000})")) == "ok");
    bool opened = false;
    bool online = false;
    while (!(opened && online)) {
        const auto line = follower.line();
        REQUIRE(line);
        CHECK(line->find(R"("resource":"b")") == std::string::npos);
        CHECK(line->find(R"("record":"call")") == std::string::npos);
        online = online || line->find(R"("to":"Online")") != std::string::npos;
        opened = opened || (online && line->find(R"("to":"Opened")") != std::string::npos);
    }
}

TEST_CASE("what an agent says in broken UTF-8 is whole JSON for those who follow") {
    const Room room{{scripted("r", "online-babbles")}};
    auto peer = room.peer();
    REQUIRE(codeOf(peer.ask(R"({"verb":"events","history":1000})")) == "ok");
    for (;;) {
        const auto line = peer.line();
        REQUIRE(line);
        boost::system::error_code error;
        const auto value = json::parse(*line, error);  // refuses invalid UTF-8
        REQUIRE_FALSE(error);
        const auto* text = value.at("event").as_object().if_contains("text");
        if (text != nullptr && text->as_string().starts_with("no ")) break;
    }
}

TEST_CASE("reload and stop go to the program; without a hook reload is refused honestly") {
    {
        const Room room{{scripted("r", "")}};
        CHECK(codeOf(room.peer().ask(R"({"verb":"reload"})")) == "unavailable");
        CHECK(codeOf(room.peer().ask(R"({"verb":"stop"})")) == "ok");
        CHECK(room.monitor->waitStopped(patience));
    }
    std::promise<void> release;
    std::atomic<int> stops{0};
    std::atomic<int> reloads{0};
    monitor::ControlOptions options;
    options.stop = [&] { ++stops; };
    options.reload = [&, held = release.get_future().share()]() -> std::vector<std::string> {
        if (++reloads == 1) {
            held.wait_for(patience);
            return {};
        }
        return {"line 3 is wrong"};
    };
    const Room room{{scripted("r", "")}, std::move(options)};
    auto slow = room.peer();
    REQUIRE(slow.send("{\"verb\":\"reload\"}\n"));
    REQUIRE(eventually([&] { return reloads == 1; }));
    CHECK(codeOf(room.peer().ask(R"({"verb":"reload"})")) == "busy");
    CHECK(codeOf(room.peer().ask(R"({"verb":"list"})")) == "ok");  // nobody waits for it
    release.set_value();
    CHECK(codeOf(slow.answer()) == "ok");
    const auto refused = room.peer().ask(R"({"verb":"reload"})");
    CHECK(codeOf(refused) == "refused");
    CHECK(refused.at("error").at("text").as_string() == "line 3 is wrong");
    CHECK(codeOf(room.peer().ask(R"({"verb":"stop"})")) == "ok");
    CHECK(eventually([&] { return stops == 1; }));
}

TEST_CASE("an agent that hangs delays who asked it, nobody else; closing does not wait for it") {
    auto resource = scripted("r", "isalive-hangs");
    resource.times.deadlockTimeout = 60s;
    const Room room{{resource, scripted("other", "")}};
    REQUIRE(eventually([&] { return room.external("r") == "Online"; }));
    std::this_thread::sleep_for(100ms);  // its second check hangs by now
    std::vector<Peer> waiting;
    for (int i = 0; i < 8; ++i) {
        waiting.push_back(room.peer());
        REQUIRE(waiting.back().send("{\"verb\":\"properties\",\"resource\":\"r\"}\n"));
    }
    CHECK(codeOf(room.peer().ask(R"({"verb":"list"})")) == "ok");
    CHECK(codeOf(room.peer().ask(R"({"verb":"properties","resource":"other"})")) == "ok");
    CHECK_FALSE(waiting.front().line(50ms));
    room.server->close();
    CHECK_FALSE(waiting.front().line());
    CHECK(waiting.front().ended);
}

TEST_CASE("hostile peers: the monitor hears them out of the way and goes on") {
    const Room room{{scripted("r", "")}};
    std::string deep(30'000, '[');
    const std::vector<std::string> garbage{"no json at all",
                                           "{\"verb\":",
                                           "[]",
                                           "42",
                                           "null",
                                           "\"list\"",
                                           "{}",
                                           "{\"verb\":7}",
                                           "{\"verb\":\"lst\"}",
                                           "{\"verb\":\"list\",\"extra\":1}",
                                           "{\"verb\":\"show\"}",
                                           "{\"id\":{},\"verb\":\"list\"}",
                                           "{\"verb\":\"list\",\"id\":\"" + std::string(65, 'x') + "\"}",
                                           deep,
                                           "{\"verb\":" + deep,
                                           "{\"verb\":\"\xff\xfe\"}",
                                           std::string("{\"verb\":\"li\0st\"}", 16),
                                           std::string(1'000, '\x01'),
                                           "{\"verb\":\"set\",\"resource\":\"r\",\"properties\":{\"Port\":{\"a\":1}}}",
                                           "{\"verb\":\"set\",\"resource\":\"r\",\"properties\":{}}",
                                           "{\"verb\":\"events\",\"history\":-1}",
                                           "{\"verb\":\"events\",\"history\":99999999999999999999}",
                                           "{\"verb\":\"ping\",\"protocol\":2}"};
    auto peer = room.peer();
    for (const auto& line : garbage) {
        INFO(line.substr(0, 80));
        const auto code = codeOf(peer.ask(line));
        CHECK((code == "malformed" || code == "unknownVerb" || code == "unsupportedProtocol"));
    }
    CHECK(codeOf(peer.ask(R"({"verb":"list"})")) == "ok");  // the same connection is still good

    auto endless = room.peer();
    const std::string block(16'384, 'x');
    for (int i = 0; i < 64 && endless.send(block); ++i) {
    }
    CHECK(codeOf(endless.last()) == "tooLong");
    CHECK(endless.ended);

    auto truncated = room.peer();
    CHECK(truncated.send("{\"verb\":\"li"));
    truncated.hangUp();
    auto halfClosed = room.peer();
    CHECK(halfClosed.send("{\"verb\":\"list\"}\n{\"verb\":\"ping\"}\n"));
    halfClosed.endOfSending();
    CHECK(codeOf(halfClosed.answer()) == "ok");
    CHECK(codeOf(halfClosed.answer()) == "ok");
    CHECK_FALSE(halfClosed.line());
    CHECK(halfClosed.ended);
    CHECK(codeOf(room.peer().ask(R"({"verb":"list"})")) == "ok");
}

TEST_CASE("slow, idle and unreading peers are hung up on with a reason") {
    monitor::ControlOptions options;
    options.limits.idle = 300ms;
    options.limits.unfinished = 300ms;
    options.limits.unread = 300ms;
    options.limits.queue = 16'384;
    const Room room{{scripted("r", "")}, std::move(options)};
    auto idle = room.peer();
    auto slow = room.peer();
    CHECK(slow.send("{\"verb\""));
    auto follower = room.peer();
    REQUIRE(codeOf(follower.ask(R"({"verb":"events"})")) == "ok");
    CHECK(codeOf(idle.last()) == "idle");
    CHECK(codeOf(slow.last()) == "unfinished");

    // It floods and does not read: neither our memory nor the others notice.
    auto flood = room.peer();
    std::thread flooding{[&] {  // until it is dropped
        while (flood.send("{\"verb\":\"metrics\"}\n")) {
        }
    }};
    CHECK(eventually([&] {
        room.server->take(logRecord(std::string(8'000, 'x')));
        return room.said("a follower does not read");
    }));
    flooding.join();
    CHECK(eventually([&] { return room.said("a peer does not read what it asked for"); }));
    CHECK(codeOf(room.peer().ask(R"({"verb":"list"})")) == "ok");
}

TEST_CASE("a follower that reads gets everything in order, or is told how much it missed") {
    const Room room{{scripted("r", "")}};
    auto follower = room.peer();
    REQUIRE(codeOf(follower.ask(R"({"verb":"events"})")) == "ok");
    constexpr int count = 3'000;
    std::thread writer{[&] {
        for (int i = 0; i < count; ++i) room.server->take(logRecord("number " + std::to_string(i)));
    }};
    int next = 0;
    std::int64_t lost = 0;
    bool ordered = true;
    while (next + lost < count) {
        const auto line = follower.line();
        if (!line) break;
        const auto event = json::parse(*line).at("event").as_object();
        if (event.at("record").as_string() == "lost") lost += event.at("count").to_number<std::int64_t>();
        if (event.at("record").as_string() != "log") continue;
        const std::string text{event.at("text").as_string()};
        if (!text.starts_with("number ")) continue;
        ordered = ordered && std::stoi(text.substr(7)) >= next;
        ++next;
    }
    writer.join();
    CHECK(ordered);
    CHECK(next + lost >= count);
    CHECK(next > 0);
}

TEST_CASE("1000 connections: 64 are served, the rest are told, and then there is room again") {
    rlimit files{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = std::min<rlim_t>(4'096, files.rlim_max);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
    const Room room{{scripted("r", "")}};
    std::vector<Peer> peers;
    int refused = 0;
    int served = 0;
    for (int i = 0; i < 1'000; ++i) {
        peers.emplace_back(room.path);
        REQUIRE(peers.back().connected());
        const auto first = peers.back().line();
        REQUIRE(first);
        if (first->starts_with(R"({"hello")")) ++served;
        if (codeOf(*first) == "tooManyConnections") ++refused;
    }
    CHECK(served == 64);
    CHECK(refused == 936);
    CHECK(codeOf(peers.front().ask(R"({"verb":"list"})")) == "ok");
    CHECK(room.said("connections are open already"));
    peers.clear();
    CHECK(eventually([&] {
        Peer peer{room.path};
        const auto first = peer.line();
        return first && first->starts_with(R"({"hello")");
    }));
}

TEST_CASE("the socket is 0600 in a folder of 0700; another user is refused even if both are opened wide") {
    const Room room{{scripted("r", "")}};
    struct stat info {};
    REQUIRE(::stat(room.path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600U);
    REQUIRE(::stat(room.folder.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0700U);
    if (::geteuid() != 0) SKIP("only root can become another user");
    ::chmod(room.folder.c_str(), 0755);
    ::chmod(room.path.c_str(), 0666);
    const auto address = addressOf(room.path);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        char text[512];
        ssize_t size = -1;
        const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
        if (::setuid(65534) == 0 && ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
            size = ::read(socket, text, sizeof text);
        if (size > 0) static_cast<void>(!::write(ends[1], text, static_cast<std::size_t>(size)));
        ::_exit(0);
    }
    ::close(ends[1]);
    char text[512] = {};
    CHECK(::read(ends[0], text, sizeof text - 1) > 0);
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    CHECK(codeOf(std::string{text}.substr(0, std::string{text}.find('\n'))) == "forbidden");
    CHECK(eventually([&] { return room.said("of user 65534 is neither this monitor's user (0) nor root"); }));
    CHECK(codeOf(room.peer().ask(R"({"verb":"list"})")) == "ok");
}

TEST_CASE("a dead monitor's socket is replaced, a live one's is not, and nothing else is touched") {
    const Room room{{scripted("r", "")}};
    const auto attempt = [&](const std::filesystem::path& path) {
        monitor::ControlOptions options;
        options.path = path;
        monitor::ControlServer server{options};
        return server.open(*room.monitor);
    };
    CHECK(attempt(room.path) ==
          "a monitor (process " + std::to_string(::getpid()) + ") listens at " + room.path.string() + " already");
    CHECK(codeOf(room.peer().ask(R"({"verb":"list"})")) == "ok");

    const auto stale = room.folder / "stale";
    const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const auto address = addressOf(stale);
    REQUIRE(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(dead);
    std::ofstream{stale.string() + ".lock"} << "1\n";  // left with it
    CHECK(attempt(stale).empty());
    CHECK_FALSE(std::filesystem::exists(stale));  // and taken away again
    CHECK_FALSE(std::filesystem::exists(stale.string() + ".lock"));

    const auto other = room.folder / "other";
    const int alive = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const auto theirs = addressOf(other);
    REQUIRE(::bind(alive, reinterpret_cast<const sockaddr*>(&theirs), sizeof theirs) == 0);
    REQUIRE(::listen(alive, 1) == 0);
    CHECK(attempt(other) == "another program listens at " + other.string() + " already");
    ::close(alive);

    const auto file = room.folder / "file";
    std::ofstream{file} << "precious";
    CHECK(attempt(file) == file.string() + " exists and is no socket; it is left alone");
    CHECK(std::filesystem::file_size(file) == 8);

    const auto problem = attempt(room.folder / std::string(120, 'x'));
    CHECK(problem.find("a socket's may have 107") != std::string::npos);
    const auto open = room.folder / "open";
    std::filesystem::create_directory(open);
    ::chmod(open.c_str(), 0777);
    CHECK(attempt(open / "control") == "others may write in the folder " + open.string());
}
