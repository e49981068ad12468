// SPDX-License-Identifier: BSL-1.0
#include "os/spawn_windows.hpp"

#include <algorithm>
#include <cstddef>
#include <cwctype>

namespace holdfast::inline v1::os {

namespace {

/** The attributes that CreateProcessW takes. */
class Attributes {
public:
    explicit Attributes(DWORD count) {
        SIZE_T size = 0;
        ::InitializeProcThreadAttributeList(nullptr, count, 0, &size);
        memory_.resize(size);
        if (::InitializeProcThreadAttributeList(get(), count, 0, &size) == 0) throwWindows("cannot prepare a process");
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { ::DeleteProcThreadAttributeList(get()); }

    /** `handles` must outlive the list. */
    void set(DWORD_PTR attribute, std::vector<HANDLE>& handles) {
        if (::UpdateProcThreadAttribute(get(), 0, attribute, handles.data(), handles.size() * sizeof(HANDLE), nullptr,
                                        nullptr) == 0) {
            throwWindows("cannot prepare a process");
        }
    }
    [[nodiscard]] LPPROC_THREAD_ATTRIBUTE_LIST get() noexcept {
        return reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.data());
    }

private:
    std::vector<std::byte> memory_;
};

/**
 * Ends with this process what it was just making. CreateProcess makes a process that stands, and sets it going at the end: whoever
 * dies in between, by an exit on another thread, would leave one that nobody lets run or ends, with all that it inherited.
 *
 * Not for a process that belongs to no job: it would be in this one for good, and a named job that it nests in there, as a monitor
 * does with its yard, would be refused to its successor.
 */
class BirthJob {
public:
    BirthJob() : job_{::CreateJobObjectW(nullptr, nullptr)} {
        if (!job_ || !limit(JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)) throwWindows("cannot prepare a process");
    }
    [[nodiscard]] HANDLE get() const noexcept { return job_.get(); }
    /** It runs. Without this its end is that of the job, which is ours alone. */
    void letLive() const noexcept { limit(0); }

private:
    bool limit(DWORD flags) const noexcept {
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
        limits.BasicLimitInformation.LimitFlags = flags;
        return ::SetInformationJobObject(job_.get(), JobObjectExtendedLimitInformation, &limits, sizeof limits) != 0;
    }

    WindowsHandle job_;
};

bool sameName(std::wstring_view left, std::wstring_view right) {
    return ::CompareStringOrdinal(left.data(), static_cast<int>(left.size()), right.data(),
                                  static_cast<int>(right.size()), TRUE) == CSTR_EQUAL;
}

}  // namespace

std::wstring commandLine(const std::vector<std::wstring>& arguments) {
    std::wstring line;
    for (const auto& argument : arguments) {
        if (!line.empty()) line += L' ';
        if (!argument.empty() && argument.find_first_of(L" \t\n\v\"") == std::wstring::npos) {
            line += argument;
            continue;
        }
        line += L'"';
        std::size_t backslashes = 0;
        for (const wchar_t c : argument) {
            // Backslashes are ordinary, unless a quote follows them.
            if (c == L'"') line.append(backslashes + 1, L'\\');
            backslashes = c == L'\\' ? backslashes + 1 : 0;
            line += c;
        }
        line.append(backslashes, L'\\');
        line += L'"';
    }
    return line;
}

std::wstring environmentBlock(const std::vector<std::pair<std::wstring, std::wstring>>& ours,
                              std::wstring_view except) {
    std::vector<std::wstring> lines;
    wchar_t* const own = ::GetEnvironmentStringsW();
    for (const wchar_t* entry = own; entry != nullptr && *entry != L'\0';) {
        const std::wstring_view line{entry};
        entry += line.size() + 1;
        // A name may begin with '=': the system's own notes of directories per drive.
        const auto name = line.substr(0, line.find(L'=', 1));
        if (!except.empty() && name.size() >= except.size() && sameName(name.substr(0, except.size()), except))
            continue;
        const bool replaced =
            std::any_of(ours.begin(), ours.end(), [&](const auto& variable) { return sameName(variable.first, name); });
        if (!replaced) lines.emplace_back(line);
    }
    if (own != nullptr) ::FreeEnvironmentStringsW(own);
    for (const auto& [name, value] : ours) lines.push_back(name + L'=' + value);
    std::wstring block;
    for (const auto& line : lines) block += line + L'\0';
    if (block.empty()) block += L'\0';
    block += L'\0';
    return block;
}

Spawned spawnProcess(const SpawnOrder& order) {
    SECURITY_ATTRIBUTES inheritable{sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
    const WindowsHandle none{::CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inheritable,
                                           OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr)};
    if (!none) throwWindows("cannot open NUL");
    // Without a list every inheritable handle of this process would go to every child.
    std::vector<HANDLE> handles = order.inherited;
    handles.push_back(none.get());
    if (order.output != nullptr) handles.push_back(order.output);
    std::sort(handles.begin(), handles.end());
    handles.erase(std::unique(handles.begin(), handles.end()), handles.end());
    const BirthJob birth;
    std::vector<HANDLE> jobs = order.jobs;
    if (!jobs.empty()) jobs.push_back(birth.get());
    Attributes attributes{2};
    attributes.set(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles);
    if (!jobs.empty()) attributes.set(PROC_THREAD_ATTRIBUTE_JOB_LIST, jobs);

    STARTUPINFOEXW info{};
    info.StartupInfo.cb = sizeof info;
    info.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    info.StartupInfo.hStdInput = none.get();
    info.StartupInfo.hStdOutput = order.output;
    info.StartupInfo.hStdError = order.output;
    info.lpAttributeList = attributes.get();

    std::vector<std::wstring> arguments{order.program.wstring()};
    arguments.insert(arguments.end(), order.arguments.begin(), order.arguments.end());
    std::wstring line = commandLine(arguments);
    std::wstring environment = order.environment;
    PROCESS_INFORMATION made{};
    if (::CreateProcessW(order.program.c_str(), line.data(), nullptr, nullptr, TRUE,
                         order.flags | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT,
                         environment.empty() ? nullptr : environment.data(), nullptr, &info.StartupInfo, &made) == 0) {
        throwWindows("cannot start " + narrow(order.program.wstring()));
    }
    const WindowsHandle thread{made.hThread};
    birth.letLive();
    return {WindowsHandle{made.hProcess}, made.dwProcessId};
}

}  // namespace holdfast::inline v1::os
