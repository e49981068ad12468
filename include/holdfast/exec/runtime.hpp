// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/exec/clock.hpp>
#include <holdfast/exec/lane.hpp>
#include <holdfast/exec/stall_watch.hpp>

#include <cstddef>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::inline v1::exec {

/**
 * The threads all resources of this library share: a small strand pool for decisions, workers for user code, and lanes of
 * their own for what must never wait for it (terminate; stops and reports).
 *
 * It starts with the first Open and stops with the last Close (D8). If something is wedged by then, the module is pinned
 * and the runtime lives on, to be used again by the next Open. If nothing is, but a thread does not end in time, the next Open
 * makes another runtime, and puts away one whose threads have ended since.
 *
 * @par Thread safety All members from any thread.
 */
class Runtime {
public:
    struct Options {
        std::size_t poolThreads{2};
        std::size_t mostWorkers{4'096};  ///< user calls at a time, terminate() apart (D6)
        std::shared_ptr<Clock> clock;    ///< null: the system's
    };

    /** One open resource's share of the runtime. */
    class Lease {
    public:
        explicit Lease(std::shared_ptr<Runtime> runtime) : runtime_{std::move(runtime)} {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        /** The last one stops the runtime; bounded by 200 ms, then the module is pinned. */
        ~Lease();
        [[nodiscard]] Runtime& runtime() const noexcept { return *runtime_; }

    private:
        std::shared_ptr<Runtime> runtime_;
    };

    /** Starts the process's runtime if it does not run; throws std::system_error if threads cannot be made. */
    [[nodiscard]] static std::unique_ptr<Lease> acquire();
    /** What the next start uses; for tests. */
    static void setOptions(Options options);
    /** Whether a resource is open, or one that is wedged keeps it. */
    static bool isRunning() noexcept;

    explicit Runtime(const Options& options);
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;
    ~Runtime();

    [[nodiscard]] boost::asio::io_context& pool() noexcept;
    [[nodiscard]] Clock& clock() noexcept;
    [[nodiscard]] Lane& workers() noexcept;
    /** Stops and reports: what must not wait for user code. */
    [[nodiscard]] Lane& control() noexcept;
    /** terminate() and nothing else (D6): no cap, threads ready for it, and others made whenever the system has any. */
    [[nodiscard]] Lane& terminators() noexcept;

    /** Of one that was not stopped in time, while no other runs: stops it now if its workers have ended; does not wait for them. */
    [[nodiscard]] bool stopIfDone() noexcept;

    /** One stall watch and one coarse time for the process, readable without a runtime (IsAlive). */
    static StallWatch& stallWatch() noexcept;
    static core::Time coarseNow() noexcept;

private:
    bool stop() noexcept;
    void stopRest() noexcept;
    struct Threads;
    std::unique_ptr<Threads> threads_;
};

}  // namespace holdfast::inline v1::exec
