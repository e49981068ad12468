// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "link.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::inline v1::process {

/**
 * The one thread of this library that listens to reapers. It starts with the first process and is joined with the last one,
 * so that nothing of the library runs when it is unloaded.
 *
 * @par Thread safety Every member from any thread.
 */
class Watch {
public:
    static Watch& instance();

    /** Throws std::system_error if the thread cannot be made. */
    void attach(std::shared_ptr<Link> link);
    /** From its return on nothing of the link is called. On the watch thread itself it does not wait. */
    void detach(const std::shared_ptr<Link>& link) noexcept;
    /** Something is to be delivered that did not come from a reaper. While a link of the caller's is attached. */
    void wake() const noexcept;
    /** Every link to this reaper: its program's end is what was asked for. */
    void expectEnd(const std::string& socket);

private:
    void run();

    std::mutex lifecycle_;  // held while the thread is started or joined; never on the watch thread
    std::mutex mutex_;      // guards all below
    std::condition_variable idle_;
    std::vector<std::shared_ptr<Link>> links_;
    Link* current_{nullptr};
    bool stopping_{false};  // written under both mutexes, so that either is enough to read it
    Fd wake_;               // the same; and it stays while a link is attached
    std::thread thread_;    // under lifecycle_
};

}  // namespace holdfast::inline v1::process
