// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/reporter.hpp"

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/abi/resapi.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::inline v1::verify {

/**
 * What the callbacks of one resource heard, and what is allowed to be said (section 3): each report is judged when it comes.
 *
 * @par Thread safety Every member from any thread.
 */
class Line {
public:
    enum class Operation : std::uint8_t { none, online, offline };
    /** How an operation ended. */
    struct Final {
        abi::ResourceState state{};
        abi::Handle event{};
    };

    Line(Reporter& reporter, std::string resource) : reporter_{reporter}, resource_{std::move(resource)} {}
    [[nodiscard]] const std::string& resource() const noexcept { return resource_; }

    // --- what the engine does -------------------------------------------------------------------------------------------
    /** Online or Offline is called; `over`: a pending operation it cuts short, whose reports may still be on their way. */
    void begin(Operation operation);
    /** It returned. Anything but 997 ends the operation here. */
    void returned(abi::Dword code);
    /** Terminate is called: from now on reports are answered with Terminate (W-222). */
    void terminating();
    /** Terminate returned: from now on a report is one too many. */
    void terminated();
    /** Answer the pending reports of the next operation with Terminate (W-206). */
    void refuseNext();
    /** A pending report was answered so. */
    [[nodiscard]] bool wasRefused() const;
    void close();

    /** Waits for the final report; nothing if there is none in time. Gaps longer than `pendingTimeout` are judged. */
    [[nodiscard]] std::optional<Final> waitForFinal(std::chrono::milliseconds limit,
                                                    std::chrono::milliseconds pendingTimeout);
    /** Waits until a pending report has come; false if none did. */
    [[nodiscard]] bool waitForReport(std::chrono::milliseconds limit);
    [[nodiscard]] std::size_t reports() const;

    // --- what the library says ------------------------------------------------------------------------------------------
    abi::Dword report(const abi::ResourceStatus& status);
    void log(abi::Dword level, std::string_view format, std::string_view text);
    void failure();
    [[nodiscard]] bool failureSignalled() const;
    /** What it logged last, for evidence; empty if nothing. */
    [[nodiscard]] std::string lastWords() const;

private:
    enum class Phase : std::uint8_t { idle, calling, pending, ended, terminating, terminated, closed };

    void judgeReport(const abi::ResourceStatus& status);
    /** A final report of the operation before, told again: it came when the next one had begun. */
    [[nodiscard]] bool isEcho(const abi::ResourceStatus& status) const;

    Reporter& reporter_;
    const std::string resource_;

    mutable std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    Phase phase_{Phase::idle};
    Operation operation_{Operation::none};
    bool overlapping_{false};  ///< Offline was called over a pending Online: reports of either may come
    int onStack_{0};           ///< calls that have begun and not returned
    bool refuseNext_{false};
    bool refusing_{false};
    bool refused_{false};  ///< a report of this operation was answered with Terminate
    abi::Dword lastCheckPoint_{0};
    std::size_t reports_{0};
    std::size_t held_{0};               ///< of them while the call was on the stack (W-202)
    std::uint64_t finalThread_{0};      ///< who made the final report of this operation; 0: nobody
    std::uint64_t lastFinalThread_{0};  ///< and who that of the one before, and how
    abi::ResourceState lastFinal_{};
    std::chrono::steady_clock::time_point lastReport_;
    std::optional<Final> final_;
    bool failed_{false};
    std::string lastWords_;
};

/** Every open resource of this process by its handle; handles are numbers that are never used twice (W-106). */
class Desk {
public:
    explicit Desk(Reporter& reporter) : reporter_{reporter} {}
    [[nodiscard]] std::uint64_t add(const std::shared_ptr<Line>& line);
    void close(std::uint64_t handle);
    [[nodiscard]] std::shared_ptr<Line> find(std::uint64_t handle);
    /** The line, or null and a finding: the handle is none, or was closed. */
    [[nodiscard]] std::shared_ptr<Line> take(const char* callback, std::uint64_t handle);

    /** A control call that may end by EndControlCall (W-151). */
    [[nodiscard]] std::int64_t addContext();
    /** Its answer; nothing if none came in time. The context stays known, so that a second answer is noticed. */
    [[nodiscard]] std::optional<abi::Dword> waitForEnd(std::int64_t context, std::chrono::milliseconds limit);
    /** It returned synchronously: an end of it is one too many. */
    void settle(std::int64_t context);
    abi::Dword end(std::int64_t context, abi::Dword status);

    /** The desk of this process's callbacks; null before and after. */
    static void use(Desk* desk) noexcept;

private:
    struct Waiting {
        std::optional<abi::Dword> status;
        bool settled{false};
    };
    Reporter& reporter_;
    std::mutex mutex_;  // guards all below
    std::condition_variable ended_;
    std::map<std::uint64_t, std::shared_ptr<Line>> open_;
    std::map<std::int64_t, Waiting> contexts_;
    static constexpr std::uint64_t firstHandle = 0x10001;  ///< then every second number: the others are forged
    std::uint64_t next_{firstHandle};
    std::int64_t nextContext_{0x7000'0000'0001};
};

/** The callbacks; those of a version the engine does not have yet are wild (W-031). */
[[nodiscard]] const abi::CallbackTable& callbacks() noexcept;
[[nodiscard]] abi::SetResourceStatusRoutine setResourceStatus() noexcept;

}  // namespace holdfast::inline v1::verify
