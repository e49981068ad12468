// SPDX-License-Identifier: BSL-1.0

#include "job.hpp"

#include <algorithm>

namespace holdfast::inline v1::process {

Job::Job(const std::wstring& name, const ProcessLimits& limits) {
    handle_ = Handle{::CreateJobObjectW(nullptr, name.empty() ? nullptr : name.c_str())};
    if (!handle_) throw systemError("cannot make a job object", ::GetLastError());
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION wanted{};
    auto& basic = wanted.BasicLimitInformation;
    // No breakaway is allowed. A crash must end the process, not ask a user who is not there (W-804).
    basic.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
    if (limits.processes) {
        basic.LimitFlags |= JOB_OBJECT_LIMIT_ACTIVE_PROCESS;
        basic.ActiveProcessLimit = static_cast<DWORD>(std::min<std::uint64_t>(*limits.processes, MAXDWORD));
    }
    if (limits.addressSpace) {
        basic.LimitFlags |= JOB_OBJECT_LIMIT_PROCESS_MEMORY;
        wanted.ProcessMemoryLimit = static_cast<SIZE_T>(*limits.addressSpace);
    }
    if (::SetInformationJobObject(handle_.get(), JobObjectExtendedLimitInformation, &wanted, sizeof wanted) == 0) {
        throw systemError("cannot set the limits of a job object", ::GetLastError());
    }
}

Job Job::find(const std::wstring& name) {
    Job job;
    job.handle_ = Handle{::OpenJobObjectW(JOB_OBJECT_TERMINATE | JOB_OBJECT_QUERY | SYNCHRONIZE, FALSE, name.c_str())};
    return job;
}

int Job::living() const noexcept {
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION told{};
    if (::QueryInformationJobObject(handle_.get(), JobObjectBasicAccountingInformation, &told, sizeof told, nullptr) ==
        0) {
        return -1;
    }
    return static_cast<int>(told.ActiveProcesses);
}

bool Job::endWithin(std::chrono::milliseconds patience) const noexcept {
    const std::int64_t until = nowMs() + patience.count();
    for (DWORD pause = 1;; pause = std::min<DWORD>(pause * 2, 50)) {
        kill();
        if (living() == 0) return true;
        if (nowMs() >= until) return false;
        ::Sleep(pause);
    }
}

}  // namespace holdfast::inline v1::process
