// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <system_error>
#include <utility>

#if defined(_WIN32)
#include <boost/thread/thread.hpp>
#else
#include <thread>
#endif

namespace holdfast::inline v1::os {

/**
 * Runs `job` on a thread that nobody waits for; false if the system has no more.
 *
 * On Windows Boost's: a std::thread of MinGW that is detached before it has begun may never begin. Elsewhere the standard's:
 * Boost's ends the program if an agent ends the thread under it (pthread_exit).
 */
[[nodiscard]] inline bool runDetached(std::function<void()> job) {
    try {
#if defined(_WIN32)
        boost::thread{std::move(job)}.detach();
#else
        std::thread{std::move(job)}.detach();
#endif
        return true;
#if defined(_WIN32)
    } catch (const boost::thread_resource_error&) {
#else
    } catch (const std::system_error&) {
#endif
        return false;
    }
}

}  // namespace holdfast::inline v1::os
