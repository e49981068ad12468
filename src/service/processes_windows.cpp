// SPDX-License-Identifier: BSL-1.0
#include "service/processes_windows.hpp"

#include "service/scm_windows.hpp"

#include <windows.h>

#include <tlhelp32.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::inline v1::service {
namespace {

using std::chrono::milliseconds;

class Handle {
public:
    Handle() = default;
    explicit Handle(HANDLE value) noexcept : value_{value} {}
    Handle(Handle&& other) noexcept : value_{std::exchange(other.value_, nullptr)} {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    ~Handle() {
        if (value_ != nullptr) CloseHandle(value_);
    }
    [[nodiscard]] HANDLE get() const noexcept { return value_; }

private:
    HANDLE value_{nullptr};
};

bool hasEnded(HANDLE process) noexcept { return WaitForSingleObject(process, 0) == WAIT_OBJECT_0; }

std::uint64_t creationTime(HANDLE process) noexcept {
    FILETIME created{}, exited{}, kernel{}, user{};
    if (GetProcessTimes(process, &created, &exited, &kernel, &user) == 0) return 0;
    return (std::uint64_t{created.dwHighDateTime} << 32U) | created.dwLowDateTime;
}

/** The process the SCM started, the job it was put into, and the wait for its end. */
struct Attached {
    std::int64_t number{0};
    Handle process;
    Handle job;          // none if it could not be put into one
    bool shared{false};  // other services live in it (svchost): killing it would take them along

    // The wait; `mutex_` of the owner guards `registered`, the callback runs once.
    HANDLE registered{nullptr};
    std::function<void(std::string)> ended;
};

void CALLBACK processEnded(void* context, BOOLEAN /*timedOut*/) {
    auto* const attached = static_cast<Attached*>(context);
    DWORD code = 0;
    GetExitCodeProcess(attached->process.get(), &code);
    try {
        attached->ended(fmt::format("exit code {} (0x{:08X})", code, code));
    } catch (const std::exception&) {  // out of memory: the next check says it
    }
}

class ServiceProcesses final : public Processes {
public:
    explicit ServiceProcesses(std::string name) : name_{std::move(name)} {}
    ServiceProcesses(const ServiceProcesses&) = delete;
    ServiceProcesses& operator=(const ServiceProcesses&) = delete;
    ~ServiceProcesses() override { unwatch(); }

    void attach(std::int64_t process) override {
        {
            const std::lock_guard lock{mutex_};
            const bool same = attached_ ? attached_->number == process : process == 0;
            // A number may be used again; a handle that lives is still the same process.
            if (same && (process == 0 || !hasEnded(attached_->process.get()))) return;
        }
        std::shared_ptr<Attached> next;
        if (process != 0) {
            constexpr DWORD access =
                SYNCHRONIZE | PROCESS_TERMINATE | PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SET_QUOTA;
            next = std::make_shared<Attached>();
            next->number = process;
            next->process = Handle{OpenProcess(access, FALSE, static_cast<DWORD>(process))};
            if (next->process.get() == nullptr) {
                const DWORD code = GetLastError();
                if (code != ERROR_INVALID_PARAMETER) failScm("watch the process of", name_, code);
                return keepDead(process);  // it has ended already
            }
            next->shared = (status().dwServiceType & SERVICE_WIN32_SHARE_PROCESS) != 0;
            if (!next->shared) next->job = makeJob(next->process.get(), static_cast<DWORD>(process));
        }
        unwatch();
        const std::lock_guard lock{mutex_};
        attached_ = std::move(next);
        dead_ = 0;
    }

    void watch(std::function<void(std::string)> ended) override {
        unwatch();
        const std::lock_guard lock{mutex_};
        if (!attached_) return;
        attached_->ended = std::move(ended);
        // Its end is an event, not a poll, and asks nobody.
        if (RegisterWaitForSingleObject(&attached_->registered, attached_->process.get(), &processEnded,
                                        attached_.get(), INFINITE, WT_EXECUTEONLYONCE) == 0) {
            attached_->registered = nullptr;
            failScm("watch the process of", name_, GetLastError());
        }
        watched_ = attached_;
    }

    void unwatch() noexcept override {
        std::shared_ptr<Attached> watched;
        {
            const std::lock_guard lock{mutex_};
            watched = std::exchange(watched_, nullptr);
        }
        // Waits for a callback under way, so without the lock.
        if (watched) UnregisterWaitEx(watched->registered, INVALID_HANDLE_VALUE);
    }

    std::int64_t attached() const noexcept override {
        const std::lock_guard lock{mutex_};
        if (attached_ && attached_->shared) return 0;  // its life says nothing about the service's
        return attached_ ? attached_->number : dead_;
    }

    bool alive() const noexcept override {
        const std::lock_guard lock{mutex_};
        return attached_ && !hasEnded(attached_->process.get());
    }

    bool killAll(milliseconds patience) noexcept override {
        std::shared_ptr<Attached> attached;
        {
            const std::lock_guard lock{mutex_};
            attached = attached_;
        }
        if (!attached) return true;
        const auto deadline = std::chrono::steady_clock::now() + patience;
        if (attached->shared) return hasEnded(attached->process.get()) || isStopped();
        if (attached->job.get() != nullptr) {
            TerminateJobObject(attached->job.get(), ERROR_PROCESS_ABORTED);
        } else {
            TerminateProcess(attached->process.get(), ERROR_PROCESS_ABORTED);
        }
        const auto left = [&] {
            const auto rest = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
            return static_cast<DWORD>(std::max<std::int64_t>(rest.count(), 0));
        };
        if (WaitForSingleObject(attached->process.get(), left()) != WAIT_OBJECT_0) return false;
        return attached->job.get() == nullptr || jobIsEmpty(attached->job.get(), deadline);
    }

private:
    void keepDead(std::int64_t process) {
        unwatch();
        const std::lock_guard lock{mutex_};
        attached_.reset();
        dead_ = process;
    }

    [[nodiscard]] SERVICE_STATUS_PROCESS status() const {
        const ScmHandle service = openService(name_, SERVICE_QUERY_STATUS);
        SERVICE_STATUS_PROCESS status{};
        DWORD size = 0;
        if (QueryServiceStatusEx(service.get(), SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&status), sizeof status,
                                 &size) == 0) {
            failScm("query", name_, GetLastError());
        }
        return status;
    }
    [[nodiscard]] bool isStopped() const noexcept {
        try {
            return status().dwCurrentState == SERVICE_STOPPED;
        } catch (const std::exception&) {
            return false;
        }
    }

    /** A job with the process, and with what it started until now: later children are in it by themselves. */
    static Handle makeJob(HANDLE process, DWORD number) noexcept {
        // Not killed with its last handle: the SCM's service outlives this process, and the next Online stops it (W-700).
        Handle job{CreateJobObjectW(nullptr, nullptr)};
        if (job.get() == nullptr || AssignProcessToJobObject(job.get(), process) == 0) return {};
        assignChildren(job.get(), process, number);
        return job;
    }

    static void assignChildren(HANDLE job, HANDLE process, DWORD number) noexcept {
        const Handle snapshot{CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)};
        if (snapshot.get() == INVALID_HANDLE_VALUE) return;
        PROCESSENTRY32W entry{};
        entry.dwSize = sizeof entry;
        for (BOOL more = Process32FirstW(snapshot.get(), &entry); more != 0;
             more = Process32NextW(snapshot.get(), &entry)) {
            if (entry.th32ParentProcessID != number || entry.th32ProcessID == number) continue;
            const Handle child{OpenProcess(PROCESS_TERMINATE | PROCESS_SET_QUOTA | PROCESS_QUERY_LIMITED_INFORMATION,
                                           FALSE, entry.th32ProcessID)};
            // A parent's number may be used again: a child is younger.
            if (child.get() == nullptr || creationTime(child.get()) < creationTime(process)) continue;
            if (AssignProcessToJobObject(job, child.get()) != 0) assignChildren(job, child.get(), entry.th32ProcessID);
        }
    }

    static bool jobIsEmpty(HANDLE job, std::chrono::steady_clock::time_point deadline) noexcept {
        for (;;) {
            JOBOBJECT_BASIC_ACCOUNTING_INFORMATION information{};
            if (QueryInformationJobObject(job, JobObjectBasicAccountingInformation, &information, sizeof information,
                                          nullptr) == 0) {
                return true;  // it was told to end them; nothing more can be known
            }
            if (information.ActiveProcesses == 0) return true;
            if (std::chrono::steady_clock::now() >= deadline) return false;
            std::this_thread::sleep_for(milliseconds{5});
        }
    }

    const std::string name_;
    mutable std::mutex mutex_;  // guards all below; nothing blocks under it
    std::shared_ptr<Attached> attached_;
    std::shared_ptr<Attached> watched_;  // the one whose wait is registered
    std::int64_t dead_{0};               // attached when it had ended already
};

}  // namespace

std::unique_ptr<Processes> makeServiceProcesses(std::string name) {
    return std::make_unique<ServiceProcesses>(std::move(name));
}

}  // namespace holdfast::inline v1::service
