// SPDX-License-Identifier: BSL-1.0
// Hosts on Windows: ends that leave no note, and what a job object holds together.
#include "process_host_bench.hpp"

#include "os/pipe_windows.hpp"

#include <holdfast/monitor/memory_registry.hpp>
#include <holdfast/monitor/resource_keys.hpp>

#include <windows.h>

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace holdfast;
using namespace holdfast::test;

TEST_CASE("S39 TerminateProcess leaves no note, so it is nobody's fault, and the resources come back") {
    HostBench bench{{scripted("good", ""), scripted("odd", "isalive-kills")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.snapshot("good").onlines >= 2 && bench.snapshot("odd").onlines >= 2; }));
    CHECK(bench.snapshot("odd").failures == 0);
    CHECK_FALSE(bench.snapshot("odd").separateMonitor);
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("what an exit code means depends on whether the host had said hello and left a note") {
    monitor::HostEnd killed;
    killed.number = 7;
    settle(killed, true);
    CHECK(isKill(killed));
    CHECK(textOf(killed) == "its host was killed from outside, with status 7");
    monitor::HostEnd noHost;
    noHost.number = 7;
    settle(noHost, false);
    CHECK_FALSE(isKill(noHost));
    CHECK(textOf(noHost) == "its host ended with status 7");
    monitor::HostEnd failedFast;
    failedFast.number = static_cast<int>(0xC000'0409U);
    settle(failedFast, true);
    CHECK(isFault(failedFast));
    CHECK(textOf(failedFast) == "its host was ended by exception 0xC0000409 (fail fast)");
}

TEST_CASE("D18 a program that is no host is told as such, and leaves nothing") {
    HostBench bench{{scripted("r", "")}, [](auto& settings) {
                        wchar_t folder[MAX_PATH]{};
                        ::GetSystemDirectoryW(folder, MAX_PATH);
                        settings.hostProgram = std::filesystem::path{folder} / "hostname.exe";
                    }};
    const auto problems = bench->prepare();
    REQUIRE(problems.size() == 1);
    CAPTURE(problems[0].toString());
    CHECK(contains(problems[0].toString(), "its host ended with status "));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("the pipe of a host has two ends, both taken: nobody reaches it by its name") {
    const os::PipeEnds ends = os::duplexPipe();
    struct {
        DWORD size;
        wchar_t text[512];
    } info{};
    REQUIRE(::GetFileInformationByHandleEx(ends.ours.get(), FileNameInfo, &info, sizeof info) != 0);
    const std::wstring path = L"\\\\.\\pipe" + std::wstring{info.text, info.size / sizeof(wchar_t)};
    HANDLE const third = ::CreateFileW(path.c_str(), GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr);
    CHECK(third == INVALID_HANDLE_VALUE);
    CHECK(::GetLastError() == ERROR_PIPE_BUSY);
}

TEST_CASE(
    "ResourceKey is a key of the system's registry, for its own functions and for the host's alike, and goes with its "
    "host") {
    const std::string path = "Resources\\r";
    HKEY real = nullptr;
    {
        const auto keys = monitor::systemKeys();
        REQUIRE(keys);
        const abi::KeyHandle key = keys->open(path);
        REQUIRE(key != nullptr);
        PropertyBag changes;
        changes.set("Port", PropertyValue::dword(8080));
        keys->store(path, changes);
        // As a DLL does that knows nothing of us.
        DWORD port = 0;
        DWORD size = sizeof port;
        real = reinterpret_cast<HKEY>(key);
        REQUIRE(::RegGetValueW(real, L"Parameters", L"Port", RRF_RT_REG_DWORD, nullptr, &port, &size) == ERROR_SUCCESS);
        CHECK(port == 8080);
        // As a holdfast agent does.
        const auto& host = monitor::hostFunctions();
        abi::KeyHandle parameters{};
        REQUIRE(host.clusterRegOpenKey(key, L"Parameters", KEY_READ | KEY_WRITE, &parameters) == 0);
        const std::uint32_t other = 9090;
        CHECK(host.clusterRegSetValue(parameters, L"Port", REG_DWORD, reinterpret_cast<const abi::Byte*>(&other),
                                      sizeof other) == 0);
        abi::Dword type = 0;
        abi::Dword length = sizeof port;
        CHECK(host.clusterRegQueryValue(parameters, L"Port", &type, reinterpret_cast<abi::Byte*>(&port), &length) == 0);
        CHECK(port == 9090);
        wchar_t name[16]{};
        abi::Dword nameSize = 16;
        CHECK(host.clusterRegEnumValue(parameters, 0, name, &nameSize, &type, nullptr, nullptr) == 0);
        CHECK(std::wstring{name} == L"Port");
        CHECK(host.clusterRegEnumValue(parameters, 1, name, &nameSize, &type, nullptr, nullptr) == ERROR_NO_MORE_ITEMS);
        CHECK(host.clusterRegCloseKey(parameters) == 0);
    }
    CHECK(::RegQueryInfoKeyW(real, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                             nullptr, nullptr) != ERROR_SUCCESS);
    ::RegCloseKey(real);
}
