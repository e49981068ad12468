// SPDX-License-Identifier: BSL-1.0
#include "cli/control_connection.hpp"

#include "cli/control_client.hpp"
#include "os/windows_handle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace holdfast::inline v1::cli {

namespace {

using Clock = std::chrono::steady_clock;
using Kind = ClientError::Kind;
using os::WindowsHandle;

constexpr DWORD busyPatience = 5'000;  // ms, while others are let in

DWORD left(ControlConnection::Time deadline) {
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    return static_cast<DWORD>(std::clamp<std::int64_t>(time.count(), 0, 60'000));
}

/** The pipe's name, from the file that the monitor holds open at the path. */
std::wstring pipeAt(const std::filesystem::path& path) {
    if (path.wstring().starts_with(L"\\\\.\\pipe\\")) return path.wstring();
    const WindowsHandle file{::CreateFileW(path.c_str(), GENERIC_READ,
                                           FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                           OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr)};
    if (!file) {
        const DWORD code = ::GetLastError();
        std::string text = fmt::format("no monitor runs at {}", path.string());
        if (code == ERROR_ACCESS_DENIED)
            text = fmt::format("the monitor at {} is not yours: {}", path.string(), os::windowsText(code));
        else if (code != ERROR_FILE_NOT_FOUND && code != ERROR_PATH_NOT_FOUND)
            text += ": " + os::windowsText(code);
        throw ClientError{Kind::noMonitor, text};
    }
    std::array<char, 512> content{};
    DWORD count = 0;
    if (::ReadFile(file.get(), content.data(), static_cast<DWORD>(content.size()), &count, nullptr) == 0) count = 0;
    const std::string_view text{content.data(), count};
    const auto begin = text.find("\\\\.\\pipe\\");
    const auto end = text.find('\n');
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin)
        throw ClientError{Kind::noMonitor, fmt::format("{} is no monitor's", path.string())};
    return os::widen(text.substr(begin, end - begin));
}

}  // namespace

struct ControlConnection::State {
    WindowsHandle pipe;
    WindowsHandle readDone{::CreateEventW(nullptr, TRUE, FALSE, nullptr)};
    WindowsHandle writeDone{::CreateEventW(nullptr, TRUE, FALSE, nullptr)};
    OVERLAPPED reading{};
    bool pending{false};  ///< `reading` is with the system
    std::array<char, 16'384> chunk{};

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (!pending) return;
        DWORD count = 0;
        ::CancelIoEx(pipe.get(), &reading);
        ::GetOverlappedResult(pipe.get(), &reading, &count, TRUE);  // the system must be done with our memory
    }
};

ControlConnection::ControlConnection(const std::filesystem::path& path) : state_{std::make_unique<State>()} {
    const std::wstring pipe = pipeAt(path);
    const auto deadline = Clock::now() + std::chrono::milliseconds{busyPatience};
    for (;;) {
        // It may know who we are, and may not act as we: whoever listens there under a monitor's name.
        state_->pipe.reset(::CreateFileW(pipe.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                                         FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION,
                                         nullptr));
        if (state_->pipe) return;
        const DWORD code = ::GetLastError();
        if (code == ERROR_PIPE_BUSY && Clock::now() < deadline) {
            if (::WaitNamedPipeW(pipe.c_str(), 100) == 0) ::Sleep(1);
            continue;
        }
        std::string text = fmt::format("no monitor runs at {}", path.string());
        if (code == ERROR_ACCESS_DENIED)
            text = fmt::format("the monitor at {} is not yours: {}", path.string(), os::windowsText(code));
        else if (code != ERROR_FILE_NOT_FOUND)
            text += ": " + os::windowsText(code);
        throw ClientError{Kind::noMonitor, text};
    }
}

ControlConnection::~ControlConnection() = default;

void ControlConnection::send(std::string_view bytes, Time deadline) {
    while (!bytes.empty()) {
        OVERLAPPED writing{};
        writing.hEvent = state_->writeDone.get();
        DWORD count = 0;
        if (::WriteFile(state_->pipe.get(), bytes.data(), static_cast<DWORD>(bytes.size()), nullptr, &writing) == 0 &&
            ::GetLastError() != ERROR_IO_PENDING) {
            return;  // it has hung up
        }
        const bool late = ::WaitForSingleObject(writing.hEvent, left(deadline)) != WAIT_OBJECT_0;
        if (late) ::CancelIoEx(state_->pipe.get(), &writing);
        if (::GetOverlappedResult(state_->pipe.get(), &writing, &count, TRUE) == 0 || count == 0) {
            if (late) throw ClientError{Kind::late, "the monitor does not read"};
            return;
        }
        bytes.remove_prefix(count);
    }
}

std::optional<std::string_view> ControlConnection::receive(Time deadline) {
    State& state = *state_;
    if (!state.pending) {
        state.reading = {};
        state.reading.hEvent = state.readDone.get();
        if (::ReadFile(state.pipe.get(), state.chunk.data(), static_cast<DWORD>(state.chunk.size()), nullptr,
                       &state.reading) == 0 &&
            ::GetLastError() != ERROR_IO_PENDING) {
            throw ClientError{Kind::lost, "the monitor ended"};
        }
        state.pending = true;
    }
    // One that is not done in time stays with the system for the next call.
    while (::WaitForSingleObject(state.readDone.get(), left(deadline)) != WAIT_OBJECT_0) {
        if (Clock::now() >= deadline) return std::nullopt;
    }
    state.pending = false;
    DWORD count = 0;
    if (::GetOverlappedResult(state.pipe.get(), &state.reading, &count, FALSE) == 0 || count == 0)
        throw ClientError{Kind::lost, "the monitor ended"};
    return std::string_view{state.chunk.data(), count};
}

}  // namespace holdfast::inline v1::cli
