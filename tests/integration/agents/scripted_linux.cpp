// SPDX-License-Identifier: BSL-1.0
#include "scripted_system.hpp"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace scripted {

namespace {

int number(holdfast::abi::Handle handle) { return static_cast<int>(reinterpret_cast<std::intptr_t>(handle)); }

}  // namespace

const holdfast::abi::HostFunctions& host() {
    static const auto* functions = [] {
        void* address = dlsym(RTLD_DEFAULT, "HoldfastHost");
        HoldfastHostFunction function = nullptr;
        std::memcpy(&function, &address, sizeof function);
        return function(1);
    }();
    return *functions;
}

Event::Event()
    : handle_{reinterpret_cast<holdfast::abi::Handle>(
          static_cast<std::intptr_t>(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)))} {}
Event::~Event() { ::close(number(handle_)); }

void Event::signal() const {
    const std::uint64_t one = 1;
    if (::write(number(handle_), &one, sizeof one) < 0) return;
}

void Event::reset() const {
    std::uint64_t drained = 0;
    while (::read(number(handle_), &drained, sizeof drained) > 0) {
    }
}

bool Event::isSignalled() const {
    pollfd poll{number(handle_), POLLIN, 0};
    return ::poll(&poll, 1, 0) > 0;
}

void pin() {
    Dl_info self{};
    if (::dladdr(reinterpret_cast<void*>(&pin), &self) != 0) {
        static_cast<void>(::dlopen(self.dli_fname, RTLD_NOLOAD | RTLD_NODELETE | RTLD_LAZY));
    }
}

void endThread() { pthread_exit(nullptr); }

void print(const char* text) { static_cast<void>(::write(1, text, std::strlen(text)) > 0); }

bool crash(const std::string& how) {
    if (how == "closes") {  // as a daemon does that does not know what it inherited
        ::close(3);
    } else if (how == "child") {  // one that ends at once
        const pid_t child = ::fork();
        if (child == 0) _exit(0);
        ::waitpid(child, nullptr, 0);
    } else if (how == "forks") {  // a child that no one owns: the host's guard must find it
        if (::fork() == 0) {
            ::setsid();
            if (::fork() != 0) _exit(0);
            for (;;) ::pause();
        }
        std::abort();
    } else {
        return false;
    }
    return true;
}

}  // namespace scripted
