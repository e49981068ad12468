// SPDX-License-Identifier: BSL-1.0

#include "launch.hpp"

#include "environment.hpp"
#include "words.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <vector>

namespace holdfast::inline v1::process {
namespace {

constexpr DWORD pipeSize = 64 * 1024;

/** The list of attributes that CreateProcessW takes. */
class Attributes {
public:
    explicit Attributes(DWORD count) {
        SIZE_T size = 0;
        ::InitializeProcThreadAttributeList(nullptr, count, 0, &size);
        memory_.resize(size);
        if (::InitializeProcThreadAttributeList(get(), count, 0, &size) == 0) {
            throw systemError("cannot prepare the start of a program", ::GetLastError());
        }
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { ::DeleteProcThreadAttributeList(get()); }

    [[nodiscard]] LPPROC_THREAD_ATTRIBUTE_LIST get() noexcept {
        return reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.data());
    }
    /** `value` has to live as long as the list. */
    void set(DWORD_PTR attribute, void* value, std::size_t size) {
        if (::UpdateProcThreadAttribute(get(), 0, attribute, value, size, nullptr, nullptr) == 0) {
            throw systemError("cannot prepare the start of a program", ::GetLastError());
        }
    }

private:
    std::vector<std::byte> memory_;
};

SECURITY_ATTRIBUTES inheritable() noexcept { return {sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE}; }

/** A pipe whose reading end can be waited for; anonymous ones cannot. Nobody else can open its name: one instance, and taken at once. */
void makePipe(Handle& reading, Handle& writing) {
    static std::atomic<unsigned> count{0};
    const std::wstring name = L"\\\\.\\pipe\\holdfast-output-" + std::to_wstring(::GetCurrentProcessId()) + L"-" +
                              std::to_wstring(::GetTickCount64()) + L"-" + std::to_wstring(++count);
    reading = Handle{::CreateNamedPipeW(
        name.c_str(), PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
        PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1, 0, pipeSize, 0, nullptr)};
    if (!reading) throw systemError("cannot make a pipe for output", ::GetLastError());
    auto security = inheritable();
    writing = Handle{::CreateFileW(name.c_str(), GENERIC_WRITE, 0, &security, OPEN_EXISTING, 0, nullptr)};
    if (!writing) throw systemError("cannot open a pipe for output", ::GetLastError());
}

/** "/" stands for "nowhere in particular", as on Linux: the root of the system's drive. */
std::wstring directoryOf(const ProcessSettings& settings) {
    if (settings.workingDirectory != "/") return settings.workingDirectory.wstring();
    std::array<wchar_t, MAX_PATH + 1> path{};
    if (::GetWindowsDirectoryW(path.data(), MAX_PATH) < 3) return L"C:\\";
    return {path.data(), 3};
}

void refuseWhatWindowsHasNot(const ProcessSettings& settings) {
    const auto refuse = [](bool set, std::string_view what, std::string_view instead) {
        if (set) throw Error::make(ErrorCode::configuration, "{} cannot be set on Windows; {}", what, instead);
    };
    refuse(!settings.user.empty() || !settings.group.empty(), "the user and the group of a program",
           "a program runs as its host does: make it a service to give it an account of its own");
    refuse(settings.umask.has_value(), "a umask", "new files inherit the permissions of their folder");
    refuse(settings.limits.openFiles || settings.limits.fileSize || settings.limits.lockedMemory,
           "a limit of open files, file size or locked memory", "it has processes and addressSpace");
}

}  // namespace

bool haveConsole() noexcept { return ::GetConsoleCP() != 0; }

Launched launch(const ProcessSettings& settings, const Job& job, HANDLE stop, const std::wstring& stopName) {
    refuseWhatWindowsHasNot(settings);
    Variables variables = variablesFor(settings);
    if (stop != nullptr) variables[L"HOLDFAST_STOP_EVENT"] = stopName;
    const std::wstring program = findProgram(settings.program, variables);
    std::wstring line = commandLine(abi::toUtf8(program.c_str()), settings.arguments);
    std::wstring block = environmentBlock(variables);
    const std::wstring directory = directoryOf(settings);
    const DWORD attributes = ::GetFileAttributesW(directory.c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES || (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0) {
        throw Error::make(ErrorCode::notInstalled, "cannot start {}: there is no working directory \"{}\"",
                          settings.program, abi::toUtf8(directory.c_str()));
    }

    Launched launched;
    Handle output;
    makePipe(launched.output, output);
    auto security = inheritable();
    const Handle nothing{
        ::CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &security, OPEN_EXISTING, 0, nullptr)};
    if (!nothing) throw systemError("cannot open NUL", ::GetLastError());
    std::vector<HANDLE> given{nothing.get(), output.get()};
    if (stop != nullptr) given.push_back(stop);

    HANDLE jobs[] = {job.get()};
    Attributes list{2};
    list.set(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, given.data(), given.size() * sizeof(HANDLE));
    // In the job before it exists to anybody: if we die in the next instant, no suspended process is left.
    list.set(PROC_THREAD_ATTRIBUTE_JOB_LIST, jobs, sizeof jobs);
    STARTUPINFOEXW start{};
    start.StartupInfo.cb = sizeof start;
    start.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    start.StartupInfo.hStdInput = nothing.get();
    start.StartupInfo.hStdOutput = start.StartupInfo.hStdError = output.get();
    start.lpAttributeList = list.get();
    const DWORD flags = CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT |
                        CREATE_NEW_PROCESS_GROUP | (haveConsole() ? 0 : CREATE_NO_WINDOW);
    PROCESS_INFORMATION made{};
    if (::CreateProcessW(program.c_str(), line.data(), nullptr, nullptr, TRUE, flags, block.data(), directory.c_str(),
                         &start.StartupInfo, &made) == 0) {
        const DWORD error = ::GetLastError();
        if (error == ERROR_BAD_EXE_FORMAT) {
            throw Error::make(ErrorCode::notInstalled, "cannot start {}: it is no program for this system",
                              settings.program);
        }
        throw systemError("cannot start " + settings.program, error);
    }
    launched.process = Handle{made.hProcess};
    launched.pid = made.dwProcessId;
    const Handle thread{made.hThread};
    BOOL inJob = FALSE;
    if (::IsProcessInJob(made.hProcess, job.get(), &inJob) == 0) inJob = FALSE;
    if (inJob == FALSE && ::AssignProcessToJobObject(job.get(), made.hProcess) == 0) {
        const DWORD error = ::GetLastError();
        ::TerminateProcess(made.hProcess, killedCode);
        throw systemError("cannot put " + settings.program + " into its job object", error);
    }
    if (::ResumeThread(thread.get()) == static_cast<DWORD>(-1)) {
        const DWORD error = ::GetLastError();
        job.kill();
        throw systemError("cannot let " + settings.program + " run", error);
    }
    return launched;
}

}  // namespace holdfast::inline v1::process
