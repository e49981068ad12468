// SPDX-License-Identifier: BSL-1.0
// Hosts in job objects: the job is what a guard is elsewhere. It ends what the host leaves, and says when nothing is left. The
// host holds its own job too, so that one who has lost its monitor takes its leave first and is not ended with it (D17, W-403).
#include "monitor/host_life.hpp"

#include "monitor/flight_memory.hpp"
#include "os/own_access_windows.hpp"
#include "os/pipe_windows.hpp"
#include "os/spawn_windows.hpp"
#include "os/windows_handle.hpp"

#include <fmt/format.h>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/windows/object_handle.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cwctype>
#include <new>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

using Error = boost::system::error_code;
using os::WindowsHandle;

/** ERROR_PROCESS_ABORTED: what a host that we killed ends with. */
constexpr UINT killed = 1067;
constexpr DWORD firstException = 0xC000'0000;

/** Everybody in the job; nothing if the system does not say. */
std::optional<DWORD> activeIn(HANDLE job) {
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION known{};
    if (::QueryInformationJobObject(job, JobObjectBasicAccountingInformation, &known, sizeof known, nullptr) == 0)
        return std::nullopt;
    return known.ActiveProcesses;
}

std::wstring argument(HANDLE handle) { return std::to_wstring(reinterpret_cast<std::uintptr_t>(handle)); }

WindowsHandle inheritable(HANDLE handle) {
    HANDLE copy = nullptr;
    if (::DuplicateHandle(::GetCurrentProcess(), handle, ::GetCurrentProcess(), &copy, 0, TRUE,
                          DUPLICATE_SAME_ACCESS) == 0) {
        os::throwWindows("cannot pass on a handle");
    }
    return WindowsHandle{copy};
}

std::wstring environmentFor(const HostProcessOrder& order) {
    // Of whatever runs us nothing reaches the agents but what is meant for them.
    return os::environmentBlock({{L"HOLDFAST_RUN_DIRECTORY", os::widen(order.runDirectory)},
                                 {L"HOLDFAST_ADOPT_TIMEOUT", std::to_wstring(order.adoptTimeout.count())},
                                 {L"HOLDFAST_HOST", os::widen(order.marker)}},
                                L"HOLDFAST_");
}

class JobLife final : public HostLife, public std::enable_shared_from_this<JobLife> {
public:
    JobLife(boost::asio::io_context& io, const HostProcessOrder& order, Events events)
        : order_{order}, events_{std::move(events)}, process_{io}, timer_{io} {}
    JobLife(const JobLife&) = delete;
    JobLife& operator=(const JobLife&) = delete;
    ~JobLife() override {
        if (board_ != nullptr) ::UnmapViewOfFile(board_);
    }

    void start(HostFrames& frames, HostOutput& output) override {
        os::PipeEnds frameEnds = os::duplexPipe();
        os::PipeEnds outputEnds = os::outputPipe();
        SECURITY_ATTRIBUTES passedOn{sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
        const WindowsHandle memory{::CreateFileMappingW(INVALID_HANDLE_VALUE, &passedOn, PAGE_READWRITE, 0,
                                                        static_cast<DWORD>(FlightMemory::size), nullptr)};
        if (!memory) os::throwWindows("cannot make shared memory");
        void* const mapped = ::MapViewOfFile(memory.get(), FILE_MAP_ALL_ACCESS, 0, 0, FlightMemory::size);
        if (mapped == nullptr) os::throwWindows("cannot map shared memory");
        board_ = new (mapped) CallBoard;

        job_.reset(::CreateJobObjectW(nullptr, nullptr));
        if (!job_) os::throwWindows("cannot make a job object");
        // Its last handle is the host's, if the monitor dies: when the host is gone, so is what its agents left.
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        if (::SetInformationJobObject(job_.get(), JobObjectExtendedLimitInformation, &limits, sizeof limits) == 0)
            os::throwWindows("cannot set up a job object");
        const WindowsHandle jobForHost = inheritable(job_.get());
        // The name of the yard's job lasts as long as somebody holds it: the next monitor must find this host by it.
        const WindowsHandle yardForHost = inheritable(order_.yard->job());

        os::SpawnOrder spawn;
        spawn.program = order_.hostProgram;
        spawn.arguments = {L"--frames", argument(frameEnds.theirs.get()), L"--board", argument(memory.get()),
                           L"--job",    argument(jobForHost.get()),       L"--yard",  argument(yardForHost.get())};
        spawn.environment = environmentFor(order_);
        spawn.output = outputEnds.theirs.get();
        spawn.inherited = {frameEnds.theirs.get(), memory.get(), jobForHost.get(), yardForHost.get()};
        spawn.jobs = {order_.yard->job(), job_.get()};
        spawn.flags = CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP;  // the console's Ctrl-C is the monitor's
        os::Spawned host = os::spawnProcess(spawn);
        frames.assign(frameEnds.ours.release());
        output.assign(outputEnds.ours.release());
        process_.assign(host.process.release());
        process_.async_wait([self = shared_from_this()](const Error& error) {
            if (!error) self->ended();
        });
    }

    void kill() override {
        if (job_) ::TerminateJobObject(job_.get(), killed);
    }
    void killHard() override {
        kill();
        if (process_.is_open()) ::TerminateProcess(process_.native_handle(), killed);
    }
    [[nodiscard]] const CallBoard* board() const noexcept override { return board_; }
    [[nodiscard]] void* flightMemory() const noexcept override { return board_; }

private:
    void ended() {
        HostEnd end;
        DWORD status = 0;
        if (::GetExitCodeProcess(process_.native_handle(), &status) != 0) end.number = static_cast<int>(status);
        Error ignored;
        process_.close(ignored);
        ::TerminateJobObject(job_.get(), killed);  // what its agents started ends with it
        events_.ended(std::move(end));
        sweep(0);
    }

    void sweep(int round) {
        const auto left = activeIn(job_.get());
        if (left && *left == 0) return events_.proved();
        ::TerminateJobObject(job_.get(), killed);  // a process may have been made meanwhile
        if (left && round == 600) events_.unkillable(fmt::format("{} processes of a dead host do not die", *left));
        timer_.expires_after(std::chrono::milliseconds{round < 10 ? 5 : 50});
        timer_.async_wait([self = shared_from_this(), round](const Error& error) {
            if (!error) self->sweep(round + 1);
        });
    }

    const HostProcessOrder order_;
    Events events_;
    boost::asio::windows::object_handle process_;
    boost::asio::steady_timer timer_;
    WindowsHandle job_;
    CallBoard* board_{nullptr};
};

const char* nameOfException(DWORD code) {
    switch (code) {
        case 0xC000'0005: return " (access violation)";
        case 0xC000'001D: return " (illegal instruction)";
        case 0xC000'0025: return " (noncontinuable exception)";
        case 0xC000'008C: return " (array bounds exceeded)";
        case 0xC000'0094: return " (integer division by zero)";
        case 0xC000'00FD: return " (stack overflow)";
        case 0xC000'0374: return " (heap corruption)";
        case 0xC000'0409: return " (fail fast)";
        case 0x8000'0003: return " (breakpoint)";
        case 0xE06D'7363: return " (a C++ exception of Visual C++)";
        case 0x2047'4343: return " (a C++ exception of GCC)";
        default: return "";
    }
}

/** The name of the job of a run directory: the same for every monitor of it, and for no other directory. */
std::wstring jobNameOf(const std::filesystem::path& runDirectory) {
    std::uint64_t hash = 14'695'981'039'346'656'037U;  // FNV-1a
    for (const wchar_t c : runDirectory.wstring()) {
        const auto lower = static_cast<std::uint32_t>(std::towlower(static_cast<std::wint_t>(c)));
        for (unsigned shift = 0; shift < 16; shift += 8)
            hash = (hash ^ ((lower >> shift) & 0xFFU)) * std::uint64_t{1'099'511'628'211U};
    }
    return os::widen(fmt::format("Global\\holdfast-hosts-{:016x}", hash));
}

/** Everybody in the job, by number. */
std::optional<std::vector<std::int64_t>> processesIn(HANDLE job) {
    struct {
        JOBOBJECT_BASIC_PROCESS_ID_LIST list;
        ULONG_PTR more[1'023];
    } known{};
    if (::QueryInformationJobObject(job, JobObjectBasicProcessIdList, &known, sizeof known, nullptr) == 0 &&
        ::GetLastError() != ERROR_MORE_DATA) {
        return std::nullopt;
    }
    const ULONG_PTR* const first = known.list.ProcessIdList;
    return std::vector<std::int64_t>(first, first + known.list.NumberOfProcessIdsInList);
}

}  // namespace

std::shared_ptr<HostLife> HostLife::make(boost::asio::io_context& io, const HostProcessOrder& order, Events events) {
    return std::make_shared<JobLife>(io, order, std::move(events));
}

// --- what an end means --------------------------------------------------------------------------------------------------

/** The system has an exit code and nothing else: whether that was an exit, an exception or a kill the notes tell. */
void settle(HostEnd& end, bool ready) {
    const auto status = static_cast<DWORD>(end.number);
    if (end.noted == CallBoard::Ending::signal) {
        end.signalled = true;
        end.number = end.notedNumber;
    } else if (end.noted == CallBoard::Ending::exit || end.noted == CallBoard::Ending::farewell) {
        end.signalled = false;
    } else {
        // Nobody in a host that works ends it without a note but by an exception that no filter sees (fail fast).
        end.signalled = ready || status >= firstException || status == killed;
    }
}

bool isFault(const HostEnd& end) {
    return end.signalled &&
           (end.noted == CallBoard::Ending::signal || static_cast<DWORD>(end.number) >= firstException);
}

bool isKill(const HostEnd& end) { return end.signalled && !isFault(end); }

std::string textOf(const HostEnd& end) {
    const auto code = static_cast<DWORD>(end.number);
    if (!end.signalled) return fmt::format("its host ended with status {}", end.number);
    if (!isFault(end)) {
        return code == killed ? std::string{"its host was killed"}
                              : fmt::format("its host was killed from outside, with status {}", end.number);
    }
    if (end.noted == CallBoard::Ending::signal && end.number == SIGABRT) return "its host was ended by abort()";
    return fmt::format("its host was ended by exception 0x{:08X}{}", code, nameOfException(code));
}

// --- everybody's processes ----------------------------------------------------------------------------------------------

HostYard::HostYard(const std::filesystem::path& runDirectory, std::filesystem::path reaperProgram)
    : mark_{os::narrow(runDirectory.wstring()) + ':'}, reaperProgram_{std::move(reaperProgram)} {
    os::OwnAccess own;
    job_ = ::CreateJobObjectW(own.get(), jobNameOf(runDirectory).c_str());
    if (job_ == nullptr) {
        throw std::runtime_error{fmt::format("the job object of the hosts of {} cannot be had: {}",
                                             os::narrow(runDirectory.wstring()), os::windowsText(::GetLastError()))};
    }
}

HostYard::~HostYard() {
    if (job_ != nullptr) ::CloseHandle(job_);
}

std::string HostYard::nextMark() { return fmt::format("{}{}.{}.", mark_, ::GetCurrentProcessId(), ++last_); }

std::optional<std::vector<std::int64_t>> HostYard::left() const { return processesIn(job_); }

void HostYard::kill(const std::vector<std::int64_t>& /*processes*/) const { ::TerminateJobObject(job_, killed); }

}  // namespace holdfast::inline v1::monitor
