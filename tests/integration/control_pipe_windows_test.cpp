// SPDX-License-Identifier: BSL-1.0
// The control socket on Windows: a pipe that few may open, and a file that says where it is.
#include "monitor/control_listener.hpp"

#include "support/temporary_folder.hpp"

#include <boost/asio/io_context.hpp>

#include <windows.h>
// The one above must come first.
#include <aclapi.h>
#include <sddl.h>

#include <catch2/catch_test_macros.hpp>

#include <set>
#include <string>

using namespace holdfast;
using monitor::ControlListener;
using monitor::ControlStream;

namespace {

constexpr DWORD shareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/** The pipe's name, as a client of somebody else's making reads it. */
std::string pipeIn(const std::filesystem::path& file) {
    HANDLE const reader = ::CreateFileW(file.c_str(), GENERIC_READ, shareAll, nullptr, OPEN_EXISTING, 0, nullptr);
    if (reader == INVALID_HANDLE_VALUE) return {};
    char text[512]{};
    DWORD count = 0;
    ::ReadFile(reader, text, sizeof text - 1, &count, nullptr);
    ::CloseHandle(reader);
    const std::string line{text, count};
    const auto begin = line.find("\\\\.\\pipe\\");
    return begin == std::string::npos ? std::string{} : line.substr(begin, line.find('\n') - begin);
}

}  // namespace

TEST_CASE("the control pipe lets in the monitor's user, the system and administrators, and nobody else") {
    const tests::TemporaryFolder folder;
    boost::asio::io_context io{1};
    ControlListener listener{io};
    REQUIRE(listener.open(folder.file("control")).empty());
    const std::string pipe = pipeIn(folder.file("control"));
    REQUIRE_FALSE(pipe.empty());
    HANDLE const client =
        ::CreateFileA(pipe.c_str(), GENERIC_READ | GENERIC_WRITE | READ_CONTROL, 0, nullptr, OPEN_EXISTING, 0, nullptr);
    REQUIRE(client != INVALID_HANDLE_VALUE);
    PACL list = nullptr;
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    REQUIRE(::GetSecurityInfo(client, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, nullptr, nullptr, &list, nullptr,
                              &descriptor) == ERROR_SUCCESS);
    REQUIRE(list != nullptr);  // without a list everybody is let in
    std::set<std::string> who;
    for (DWORD i = 0; i < list->AceCount; ++i) {
        void* entry = nullptr;
        REQUIRE(::GetAce(list, i, &entry) != 0);
        auto* const allowed = static_cast<ACCESS_ALLOWED_ACE*>(entry);
        CHECK(allowed->Header.AceType == ACCESS_ALLOWED_ACE_TYPE);
        char* text = nullptr;
        REQUIRE(::ConvertSidToStringSidA(&allowed->SidStart, &text) != 0);
        who.insert(text);
        ::LocalFree(text);
    }
    CHECK(who.size() <= 3);
    CHECK(who.contains("S-1-5-18"));
    CHECK(who.contains("S-1-5-32-544"));
    CHECK_FALSE(who.contains("S-1-1-0"));
    ::LocalFree(descriptor);
    ::CloseHandle(client);
}

TEST_CASE("the file of a control pipe is the lock: a second listener is refused, and it goes with the first") {
    const tests::TemporaryFolder folder;
    const auto file = folder.file("control");
    boost::asio::io_context io{1};
    {
        ControlListener first{io};
        REQUIRE(first.open(file).empty());
        ControlListener second{io};
        const auto problem = second.open(file);
        CHECK(problem.find("(process " + std::to_string(::GetCurrentProcessId()) + ") listens at") !=
              std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(file));
    ControlListener third{io};
    CHECK(third.open(file).empty());
}

TEST_CASE("clients that come one after another each find an end of the pipe that waits") {
    const tests::TemporaryFolder folder;
    boost::asio::io_context io{1};
    ControlListener listener{io};
    REQUIRE(listener.open(folder.file("control")).empty());
    const std::string pipe = pipeIn(folder.file("control"));
    std::vector<ControlStream> taken;
    ControlListener::Handler take = [&](const boost::system::error_code& error, ControlStream stream) {
        if (error) return;
        taken.push_back(std::move(stream));
        if (taken.size() < 5) listener.accept(take);
    };
    listener.accept(take);
    std::vector<HANDLE> clients;
    for (std::size_t i = 0; i < 5; ++i) {
        HANDLE const client =
            ::CreateFileA(pipe.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, 0, nullptr);
        REQUIRE(client != INVALID_HANDLE_VALUE);
        clients.push_back(client);
        for (int turn = 0; turn < 1'000 && taken.size() <= i; ++turn) io.run_one_for(std::chrono::milliseconds{10});
        REQUIRE(taken.size() == i + 1);
    }
    for (HANDLE const client : clients) ::CloseHandle(client);
}
