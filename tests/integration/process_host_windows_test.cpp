// SPDX-License-Identifier: BSL-1.0
// Hosts on Windows: ends that leave no note, and what a job object holds together.
#include "process_host_bench.hpp"

#include "os/pipe_windows.hpp"

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
    CHECK(bench.logged("its host was killed from outside, with status 7"));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
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
