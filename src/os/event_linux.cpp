// SPDX-License-Identifier: BSL-1.0

#include <holdfast/os/event.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace holdfast::inline v1::os {
namespace {

int number(void* handle) noexcept { return static_cast<int>(reinterpret_cast<std::intptr_t>(handle)); }

}  // namespace

Event::Event() {
    int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd >= 0 && fd < 3) {  // a daemon may have closed its standard streams; 0 would read as "no handle"
        const int low = fd;
        fd = ::fcntl(low, F_DUPFD_CLOEXEC, 3);
        ::close(low);
    }
    if (fd < 0) throw std::system_error{errno, std::generic_category(), "cannot create the failure event"};
    handle_ = reinterpret_cast<void*>(static_cast<std::intptr_t>(fd));
}

Event::~Event() { ::close(number(handle_)); }

void Event::signal() noexcept {
    const std::uint64_t one = 1;
    while (::write(number(handle_), &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void Event::reset() noexcept {
    std::uint64_t count = 0;
    while (::read(number(handle_), &count, sizeof count) < 0 && errno == EINTR) {
    }
}

bool Event::wait(std::chrono::milliseconds patience) const noexcept {
    pollfd watched{number(handle_), POLLIN, 0};
    return ::poll(&watched, 1, static_cast<int>(patience.count())) == 1;
}

}  // namespace holdfast::inline v1::os
