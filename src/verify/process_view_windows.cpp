// SPDX-License-Identifier: BSL-1.0
#include "verify/process_view.hpp"

#include <fmt/format.h>

#include <windows.h>

#include <tlhelp32.h>

#include <array>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace holdfast::inline v1::verify {
namespace {

std::string narrow(std::wstring_view text) {
    std::string out(static_cast<std::size_t>(::WideCharToMultiByte(
                        CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0, nullptr, nullptr)),
                    '\0');
    ::WideCharToMultiByte(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), out.data(),
                          static_cast<int>(out.size()), nullptr, nullptr);
    return out;
}

std::size_t threadsOf(DWORD process) {
    const HANDLE snapshot = ::CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    if (snapshot == INVALID_HANDLE_VALUE) return 0;
    std::size_t count = 0;
    THREADENTRY32 entry{};
    entry.dwSize = sizeof entry;
    for (BOOL more = ::Thread32First(snapshot, &entry); more != 0; more = ::Thread32Next(snapshot, &entry)) {
        if (entry.th32OwnerProcessID == process) ++count;
    }
    ::CloseHandle(snapshot);
    return count;
}

/** Asked one by one: Wine's GetProcessHandleCount knows of none. */
std::size_t openHandles() {
    DWORD counted = 0;
    if (::GetProcessHandleCount(::GetCurrentProcess(), &counted) != 0 && counted != 0) return counted;
    constexpr ULONG_PTR highest = 32'768;
    std::size_t count = 0;
    for (ULONG_PTR value = 4; value < highest; value += 4) {
        DWORD flags = 0;
        if (::GetHandleInformation(reinterpret_cast<HANDLE>(value), &flags) != 0) ++count;
    }
    return count;
}

/** Bytes that are allocated, over every heap of this process. */
std::size_t heapInUse() {
    std::array<HANDLE, 64> heaps{};
    const DWORD number = ::GetProcessHeaps(static_cast<DWORD>(heaps.size()), heaps.data());
    std::size_t busy = 0;
    for (std::size_t i = 0; i < number && i < heaps.size(); ++i) {
        ::HeapLock(heaps[i]);
        PROCESS_HEAP_ENTRY entry{};
        while (::HeapWalk(heaps[i], &entry) != 0) {
            if ((entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0) busy += entry.cbData;
        }
        ::HeapUnlock(heaps[i]);
    }
    return busy;
}

}  // namespace

Usage usage() {
    Usage now;
    now.threads = threadsOf(::GetCurrentProcessId());
    now.handles = openHandles();
    now.memory = heapInUse();
    return now;
}

std::map<std::string, std::string> processState() {
    std::map<std::string, std::string> state;
    std::error_code ignored;
    state["the working directory"] = std::filesystem::current_path(ignored).string();
    const char* const locale = std::setlocale(LC_ALL, nullptr);
    state["the locale"] = locale == nullptr ? "" : locale;
    state["the error mode"] = fmt::format("{:#x}", ::GetErrorMode());
    const auto filter = ::SetUnhandledExceptionFilter(nullptr);  // it cannot be asked without setting it
    ::SetUnhandledExceptionFilter(filter);
    state["the unhandled-exception filter"] = fmt::format("{:#x}", reinterpret_cast<std::uintptr_t>(filter));
    // Handlers of the C runtime that libraries share with this program.
    for (const auto& [number, name] :
         {std::pair{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}, {SIGABRT, "SIGABRT"}, {SIGBREAK, "SIGBREAK"}}) {
        const auto handler = std::signal(number, SIG_DFL);  // it cannot be asked without setting it
        std::signal(number, handler);
        state[std::string{"the handler of "} + name] = fmt::format("{:#x}", reinterpret_cast<std::uintptr_t>(handler));
    }
    wchar_t* const block = ::GetEnvironmentStringsW();
    for (const wchar_t* at = block; at != nullptr && *at != 0; at += std::wcslen(at) + 1) {
        const std::string text = narrow(at);
        const auto equals = text.find('=', 1);
        if (text.front() == '=') continue;  // drives' directories, which the system keeps itself
        state["the environment variable " + text.substr(0, equals)] =
            equals == std::string::npos ? "" : text.substr(equals + 1);
    }
    if (block != nullptr) ::FreeEnvironmentStringsW(block);
    return state;
}

std::uint64_t currentThread() noexcept { return ::GetCurrentThreadId(); }

HandleState waitFor(void* handle, std::chrono::milliseconds patience) noexcept {
    switch (::WaitForSingleObject(handle, static_cast<DWORD>(patience.count()))) {
        case WAIT_OBJECT_0: return HandleState::signalled;
        case WAIT_TIMEOUT: return HandleState::waiting;
        default: return HandleState::invalid;
    }
}

HandleIdentity::HandleIdentity(void* handle) noexcept
    : handle_{handle}, own_{[handle]() -> void* {
          HANDLE copy = nullptr;
          const HANDLE self = ::GetCurrentProcess();
          return ::DuplicateHandle(self, handle, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) != 0 ? copy : nullptr;
      }()} {}

HandleIdentity::~HandleIdentity() {
    if (own_ != nullptr) ::CloseHandle(own_);
}

bool HandleIdentity::holds() const noexcept {
    using Compare = BOOL(WINAPI*)(HANDLE, HANDLE);
    // Since Windows 10; looked up, because not every import library knows it.
    const HMODULE library = ::GetModuleHandleW(L"kernelbase.dll");
    const auto compare =
        library == nullptr
            ? nullptr
            : reinterpret_cast<Compare>(reinterpret_cast<void*>(::GetProcAddress(library, "CompareObjectHandles")));
    return own_ == nullptr || compare == nullptr || compare(handle_, own_) != FALSE;
}

std::optional<std::vector<std::string>> exportsOf(const std::filesystem::path& library) {
    std::ifstream file{library, std::ios::binary};
    const std::vector<char> bytes{std::istreambuf_iterator<char>{file}, {}};
    const auto read = [&](std::size_t offset, auto& into) {
        if (offset > bytes.size() || bytes.size() - offset < sizeof into) return false;
        std::memcpy(&into, bytes.data() + offset, sizeof into);
        return true;
    };
    IMAGE_DOS_HEADER dos{};
    IMAGE_NT_HEADERS64 nt{};
    if (!read(0, dos) || dos.e_magic != IMAGE_DOS_SIGNATURE || !read(static_cast<std::size_t>(dos.e_lfanew), nt) ||
        nt.Signature != IMAGE_NT_SIGNATURE || nt.OptionalHeader.Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC) {
        return std::nullopt;
    }
    const std::size_t sections = static_cast<std::size_t>(dos.e_lfanew) + offsetof(IMAGE_NT_HEADERS64, OptionalHeader) +
                                 nt.FileHeader.SizeOfOptionalHeader;
    const auto fileOffset = [&](DWORD address) -> std::size_t {
        for (std::size_t i = 0; i < nt.FileHeader.NumberOfSections; ++i) {
            IMAGE_SECTION_HEADER section{};
            if (!read(sections + i * sizeof section, section)) break;
            if (address >= section.VirtualAddress && address - section.VirtualAddress < section.SizeOfRawData)
                return section.PointerToRawData + (address - section.VirtualAddress);
        }
        return bytes.size();
    };
    const auto& directory = nt.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT];
    std::vector<std::string> names;
    if (directory.VirtualAddress == 0) return names;
    IMAGE_EXPORT_DIRECTORY table{};
    if (!read(fileOffset(directory.VirtualAddress), table)) return std::nullopt;
    for (DWORD i = 0; i < table.NumberOfNames && i < 65'536; ++i) {
        DWORD name = 0;
        if (!read(fileOffset(table.AddressOfNames) + i * sizeof name, name)) return std::nullopt;
        std::string text;
        for (std::size_t from = fileOffset(name); from < bytes.size() && bytes[from] != 0; ++from)
            text.push_back(bytes[from]);
        names.push_back(std::move(text));
    }
    return names;
}

std::function<void(std::string_view)> privateOutput() {
    HANDLE own = ::GetStdHandle(STD_OUTPUT_HANDLE);
    HANDLE copy = nullptr;
    if (::DuplicateHandle(::GetCurrentProcess(), own, ::GetCurrentProcess(), &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) !=
        0)
        own = copy;
    return [own](std::string_view text) {
        while (!text.empty()) {
            DWORD written = 0;
            if (::WriteFile(own, text.data(), static_cast<DWORD>(text.size()), &written, nullptr) == 0 || written == 0)
                return;
            text.remove_prefix(written);
        }
    };
}

void prepareScenarioProcess() noexcept {
    ::SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX | SEM_NOGPFAULTERRORBOX);
}

int runShell(const std::string& command) { return std::system(command.c_str()); }  // NOLINT: the user's own command

void leaveProcess(int status) noexcept {
    ::TerminateProcess(::GetCurrentProcess(), static_cast<UINT>(status));
    std::abort();
}

}  // namespace holdfast::inline v1::verify
