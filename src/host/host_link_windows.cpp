// SPDX-License-Identifier: BSL-1.0
#include "host/host_link.hpp"

#include "monitor/flight_memory.hpp"
#include "os/windows_handle.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>

namespace holdfast::inline v1::host {

namespace {

using os::WindowsHandle;

/** Beyond the status of anything that exits by itself. */
constexpr UINT overstayed = 1067;  // ERROR_PROCESS_ABORTED

/** Orders and answers on one pipe, each operation with an event of its own: a reader keeps no writer waiting. */
class PipeLink final : public HostLink {
public:
    PipeLink(HANDLE pipe, HANDLE memory, HANDLE job, HANDLE yard)
        : pipe_{pipe},
          job_{job},
          yard_{yard},
          readDone_{::CreateEventW(nullptr, TRUE, FALSE, nullptr)},
          writeDone_{::CreateEventW(nullptr, TRUE, FALSE, nullptr)} {
        // The board, and what lies behind it; an older monitor has the board alone.
        void* const mapped = memory == nullptr ? nullptr : ::MapViewOfFile(memory, FILE_MAP_ALL_ACCESS, 0, 0, 0);
        auto* const board = static_cast<monitor::CallBoard*>(mapped);
        if (board != nullptr && board->layout == monitor::CallBoard::expectedLayout) {
            board_ = board;
            MEMORY_BASIC_INFORMATION whole{};
            if (::VirtualQuery(mapped, &whole, sizeof whole) != 0 && whole.RegionSize >= monitor::FlightMemory::size)
                flight_ = mapped;
        }
        if (memory != nullptr) ::CloseHandle(memory);
    }

    std::size_t receive(char* buffer, std::size_t size) noexcept override {
        OVERLAPPED operation{};
        operation.hEvent = readDone_.get();
        DWORD count = 0;
        if (::ReadFile(pipe_.get(), buffer, static_cast<DWORD>(size), nullptr, &operation) == 0 &&
            ::GetLastError() != ERROR_IO_PENDING) {
            return 0;
        }
        return ::GetOverlappedResult(pipe_.get(), &operation, &count, TRUE) != 0 ? count : 0;
    }

    bool send(std::string_view bytes) noexcept override {
        while (!bytes.empty()) {
            OVERLAPPED operation{};
            operation.hEvent = writeDone_.get();
            DWORD count = 0;
            const auto size = static_cast<DWORD>(std::min<std::size_t>(bytes.size(), 1U << 20U));
            if (::WriteFile(pipe_.get(), bytes.data(), size, nullptr, &operation) == 0 &&
                ::GetLastError() != ERROR_IO_PENDING) {
                return false;
            }
            if (::GetOverlappedResult(pipe_.get(), &operation, &count, TRUE) == 0 || count == 0) return false;
            bytes.remove_prefix(count);
        }
        return true;
    }

    monitor::CallBoard* board() noexcept override { return board_; }
    void* flightMemory() noexcept override { return flight_; }

    /** A thread that needs nothing of ours: whatever hangs, hangs without it. */
    void limitLife(unsigned seconds) noexcept override {
        seconds_ = seconds;
        HANDLE const thread = ::CreateThread(nullptr, 0, &endLife, this, 0, nullptr);
        if (thread != nullptr) ::CloseHandle(thread);
    }

private:
    static DWORD WINAPI endLife(void* self) {
        const auto* const link = static_cast<PipeLink*>(self);
        ::Sleep(link->seconds_ * 1'000);
        ::TerminateJobObject(link->job_.get(), overstayed);  // this process is in it
        ::TerminateProcess(::GetCurrentProcess(), overstayed);
        return 0;
    }

    const WindowsHandle pipe_;
    const WindowsHandle
        job_;  ///< the last handle of it, if the monitor dies: what agents started ends with this process
    const WindowsHandle yard_;  ///< keeps the name by which the next monitor finds this process
    const WindowsHandle readDone_;
    const WindowsHandle writeDone_;  // guarded by the caller of `send`
    monitor::CallBoard* board_{nullptr};
    void* flight_{nullptr};
    unsigned seconds_{0};
};

/** A handle of this process by the number it was passed on with; agents must not pass it on again. */
HANDLE taken(std::string_view text) {
    std::uintptr_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number == 0) return nullptr;
    auto* const handle = reinterpret_cast<HANDLE>(number);
    return ::SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0) != 0 ? handle : nullptr;
}

}  // namespace

std::unique_ptr<HostLink> makeHostLink(int argc, char** argv, std::string& problem) {
    std::map<std::string_view, HANDLE> handles{
        {"--frames", nullptr}, {"--board", nullptr}, {"--job", nullptr}, {"--yard", nullptr}};
    for (int i = 1; i < argc; ++i) {
        const auto found = handles.find(argv[i]);
        if (found == handles.end()) {
            problem = std::string{"unknown argument '"} + argv[i] + "'";
            return nullptr;
        }
        if (++i < argc) found->second = taken(argv[i]);
    }
    if (handles["--frames"] == nullptr || ::GetFileType(handles["--frames"]) != FILE_TYPE_PIPE) {
        problem = "--frames names no pipe: it is started by 'holdfast run'";
        return nullptr;
    }
    return std::make_unique<PipeLink>(handles["--frames"], handles["--board"], handles["--job"], handles["--yard"]);
}

void prepareHostProcess() noexcept {
    // Nobody sits before it: a crash is reported and ends, and no box asks what to do.
    ::SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX);
    using SetFlags = HRESULT(WINAPI*)(DWORD);
    constexpr DWORD noBoxes = 0x20;  // WER_FAULT_REPORTING_NO_UI
    const auto setFlags = reinterpret_cast<SetFlags>(
        reinterpret_cast<void (*)()>(::GetProcAddress(::GetModuleHandleW(L"kernel32.dll"), "WerSetFlags")));
    if (setFlags == nullptr || FAILED(setFlags(noBoxes))) ::SetErrorMode(::GetErrorMode() | SEM_NOGPFAULTERRORBOX);
}

void permitLooks(std::int64_t /*monitor*/) noexcept {}  // whoever started it may

std::string_view hostLinkHelp() noexcept {
    return "It takes orders over the pipe --frames and keeps notes\n"
           "of who is at work in the shared memory --board; all of them are handles it inherits.";
}

}  // namespace holdfast::inline v1::host
