// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The engine of the stress test: one resource behind the C table as a monitor calls it, and what the callbacks heard of it.

#include "conduct.hpp"
#include "judge.hpp"

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/abi/resapi.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <vector>

namespace stress {

namespace abi = holdfast::abi;

/** One pending operation of a resource, as its reports tell of it. */
struct Operation {
    bool online{false};
    int finals{0};
    abi::Dword lastCheckPoint{0};
    std::uint64_t terminates{0};  ///< Terminate calls that had begun before it
};

/** What one open resource's callbacks heard, from its Open to its Close. */
struct Heard {
    explicit Heard(std::size_t itsNumber) : number{itsNumber} {}
    const std::size_t number;
    std::mutex mutex;  // guards all below
    std::condition_variable changed;
    std::uint64_t begun{0};        ///< Online and Offline calls that began
    std::uint64_t inCall{0};       ///< of them, those that have not returned
    std::uint64_t terminating{0};  ///< Terminate calls that have not returned
    bool quiet{false};             ///< Terminate returned, and no operation has begun since
    Steady::time_point quietSince;
    std::uint64_t terminates{0};  ///< Terminate calls that began
    Operation current;
};

/** The table of one version. */
class Table {
public:
    explicit Table(abi::Dword version);
    [[nodiscard]] abi::Dword version() const noexcept { return version_; }
    [[nodiscard]] const abi::FunctionTable& raw() const noexcept { return *table_; }

private:
    abi::Dword version_;
    abi::FunctionTable* table_{nullptr};
};

/**
 * One place for a resource. As a monitor does, one call at a time but Terminate (W-101), which overlaps every call but Open and
 * Close (W-102); Open and Close one at a time for the whole type.
 *
 * @par Thread safety open, close and the calls by whoever holds `calls`; terminate from any thread.
 */
class Place {
public:
    Place(std::size_t number, Judge& judge, Stalls& stalls) : number_{number}, judge_{judge}, stalls_{stalls} {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    std::mutex calls;

    void open(const Table& table);
    void close();
    [[nodiscard]] bool isOpen() const noexcept { return id_ != nullptr; }
    /** Whether it is pending now. */
    bool online();
    bool offline();
    void looksAlive();
    void isAlive();
    void cancel();
    void control(std::uint64_t random);
    enum class End { final, terminated, none };
    /** Waits for the final report of what is pending, or for a Terminate to begin. */
    End waitForEnd(milliseconds patience);
    /** False if it is closed, or being opened or closed. */
    bool terminate();

private:
    template <typename Call>
    auto timed(const char* what, milliseconds budget, const Call& call);
    void begin(bool online);
    bool answered(abi::Dword code);
    /** Terminate has returned, and nothing was ordered since; while `calls` is held nothing is. */
    [[nodiscard]] bool quiet();

    const std::size_t number_;
    Judge& judge_;
    Stalls& stalls_;
    std::shared_mutex life_;       // Open and Close whole, Terminate shared
    const Table* table_{nullptr};  // with what follows: written under life_ and calls
    abi::ResourceId id_{nullptr};
    std::uintptr_t handle_{0};
    Subject* subject_{nullptr};
    std::uint64_t lives_{0};
    std::shared_ptr<Heard> heard_;
};

/** How often a callback came for a resource that is closed (W-117). */
[[nodiscard]] std::uint64_t strays() noexcept;
/** How many failures were signalled (W-324). */
[[nodiscard]] std::uint64_t signals() noexcept;
/** How many calls were made of all entry points. */
[[nodiscard]] std::uint64_t callCount() noexcept;
[[nodiscard]] milliseconds worstCall() noexcept;
/** Control calls that were to be answered later and were not (W-151). */
[[nodiscard]] std::size_t unansweredCalls();

}  // namespace stress
