// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "tree.hpp"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::inline v1::process {

/**
 * The one thread of this library that listens to programs: their output and their ends arrive at one completion port. It starts
 * with the first process and is joined with the last one, so that nothing of the library runs when it is unloaded.
 *
 * @par Thread safety Every member from any thread.
 */
class Watch {
public:
    static Watch& instance();

    /** Throws if the thread or the wait cannot be made; the tree is not attached then. */
    void attach(const std::shared_ptr<Tree>& tree);
    /** From its return on nothing of the tree is called. On the watch thread itself it does not wait. */
    void detach(const std::shared_ptr<Tree>& tree) noexcept;
    /** There is something to deliver. */
    void wake(const Tree& tree) const noexcept;
    /** The newest tree of this resource, or null. */
    [[nodiscard]] std::shared_ptr<Tree> find(const std::string& resource);

private:
    void run();
    void handle(Tree* key, bool readCompleted, DWORD bytes, DWORD error);
    [[nodiscard]] bool attached(const Tree* tree) const;
    [[nodiscard]] DWORD untilDue() const;

    std::mutex lifecycle_;      // held while the thread is started or joined; never on the watch thread
    mutable std::mutex mutex_;  // guards all below
    std::condition_variable idle_;
    std::vector<std::shared_ptr<Tree>> trees_;
    std::map<Tree*, std::shared_ptr<Tree>> reading_;  // the kernel may still write into their buffers
    Tree* current_{nullptr};
    bool stopping_{false};
    Handle port_;         // written under both mutexes; it stays while a tree is attached
    std::thread thread_;  // under lifecycle_
};

}  // namespace holdfast::inline v1::process
