// SPDX-License-Identifier: BSL-1.0
#include <holdfast/os/child.hpp>

#include "os/spawn_windows.hpp"
#include "os/windows_handle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cwctype>
#include <exception>
#include <system_error>

namespace holdfast::inline v1::os {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t longestPause = 20;  // ms: a pipe cannot be waited for together with a process

/** Hands on what is there; false at the end of the stream. */
bool drain(HANDLE from, const std::function<void(std::string_view)>& output) {
    std::array<char, 4096> buffer{};
    for (int turn = 0; turn < 64; ++turn) {  // one that never stops writing must not keep us from its deadline
        DWORD there = 0;
        if (::PeekNamedPipe(from, nullptr, 0, nullptr, &there, nullptr) == 0) return false;
        if (there == 0) return true;
        DWORD count = 0;
        if (::ReadFile(from, buffer.data(), std::min(there, static_cast<DWORD>(buffer.size())), &count, nullptr) == 0 ||
            count == 0) {
            return false;
        }
        output({buffer.data(), count});
    }
    return true;
}

}  // namespace

/** Batch files are for a shell, and there is none in between: their arguments would be read as commands. */
bool isExecutable(const std::filesystem::path& program) {
    std::wstring ending = program.extension().wstring();
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](wchar_t c) { return static_cast<wchar_t>(std::towlower(static_cast<std::wint_t>(c))); });
    std::error_code error;
    return (ending == L".exe" || ending == L".com") && std::filesystem::is_regular_file(program, error);
}

std::string ChildOutcome::toString() const {
    switch (kind) {
        case Kind::notStarted: return "could not be started: " + windowsText(static_cast<DWORD>(code));
        case Kind::exited:
            if (static_cast<DWORD>(code) >= 0xC000'0000)
                return fmt::format("was ended by exception 0x{:08X}", static_cast<DWORD>(code));
            return fmt::format("ended with exit status {}", code);
        case Kind::signalled: return fmt::format("was ended with status {}", code);
        case Kind::timedOut: return "took too long and was killed";
        case Kind::cancelled: return "was killed because the monitor ends";
    }
    return {};
}

ChildOutcome runChild(const ChildOrder& order, const std::function<void(std::string_view)>& output,
                      const std::function<bool()>& cancelled) {
    HANDLE ends[2]{};
    SECURITY_ATTRIBUTES plain{sizeof(SECURITY_ATTRIBUTES), nullptr, FALSE};
    if (::CreatePipe(&ends[0], &ends[1], &plain, 64 * 1024) == 0)
        return {ChildOutcome::Kind::notStarted, static_cast<int>(::GetLastError())};
    const WindowsHandle from{ends[0]};
    WindowsHandle to{ends[1]};
    // What it starts belongs to the job too, and ends with it if it must be killed; otherwise it lives on.
    const WindowsHandle job{::CreateJobObjectW(nullptr, nullptr)};
    if (!job || ::SetHandleInformation(to.get(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) == 0)
        return {ChildOutcome::Kind::notStarted, static_cast<int>(::GetLastError())};
    if (order.endsGroup) {
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        if (::SetInformationJobObject(job.get(), JobObjectExtendedLimitInformation, &limits, sizeof limits) == 0)
            return {ChildOutcome::Kind::notStarted, static_cast<int>(::GetLastError())};
    }
    Spawned child;
    try {
        std::vector<std::pair<std::wstring, std::wstring>> variables;
        for (const auto& [name, value] : order.environment) variables.emplace_back(widen(name), widen(value));
        SpawnOrder spawn;
        spawn.program = order.program;
        for (const auto& argument : order.arguments) spawn.arguments.push_back(widen(argument));
        spawn.environment = environmentBlock(variables);
        spawn.output = to.get();
        spawn.jobs = {job.get()};
        spawn.flags = CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP;
        child = spawnProcess(spawn);
    } catch (const std::system_error& error) {
        return {ChildOutcome::Kind::notStarted, error.code().value()};
    }
    to.reset();

    bool open = true;
    const auto deadline = Clock::now() + order.timeout;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        const auto pause = static_cast<DWORD>(std::clamp<std::int64_t>(left, 0, longestPause));
        const bool ended = ::WaitForSingleObject(child.process.get(), pause) == WAIT_OBJECT_0;
        if (open) open = drain(from.get(), output);
        if (ended) {
            DWORD status = 0;
            ::GetExitCodeProcess(child.process.get(), &status);
            return {ChildOutcome::Kind::exited, static_cast<int>(status)};
        }
        const bool stop = cancelled && cancelled();
        if (!stop && Clock::now() < deadline) continue;
        ::TerminateJobObject(job.get(), 1);
        ::WaitForSingleObject(child.process.get(), 10'000);
        if (open) drain(from.get(), output);
        return {stop ? ChildOutcome::Kind::cancelled : ChildOutcome::Kind::timedOut, 0};
    }
}

}  // namespace holdfast::inline v1::os
