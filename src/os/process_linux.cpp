// SPDX-License-Identifier: BSL-1.0

#include <holdfast/os/process.hpp>

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/syscall.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <unistd.h>

#include <cstring>

namespace holdfast::inline v1::os {

std::int64_t coarseNow() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

void pinThisModule() noexcept {
    Dl_info self{};
    if (::dladdr(reinterpret_cast<void*>(&pinThisModule), &self) != 0 && self.dli_fname != nullptr) {
        // The handle is leaked on purpose. For the program itself this fails, and it stays mapped anyway.
        static_cast<void>(::dlopen(self.dli_fname, RTLD_NOLOAD | RTLD_NODELETE | RTLD_LAZY));
    }
}

std::string hostName() {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
    return name;
}

std::int64_t processId() noexcept { return ::getpid(); }

std::uint32_t threadId() noexcept {
    // Asked once per thread: plain data, no destructor may stay on a thread (D9).
    thread_local std::uint32_t known = 0;
    if (known == 0) known = static_cast<std::uint32_t>(::syscall(SYS_gettid));
    return known;
}

BlockSignals::BlockSignals() noexcept {
    static_assert(sizeof(sigset_t) <= sizeof saved_);
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::memcpy(saved_, &before, sizeof before);
}

BlockSignals::~BlockSignals() {
    sigset_t before;
    std::memcpy(&before, saved_, sizeof before);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace holdfast::inline v1::os
