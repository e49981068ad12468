// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/host.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace holdfast::inline v1::monitor {

/**
 * Who is at work in a host, and how it ended: a page of memory that the host writes and its monitor reads once it is dead.
 *
 * @par Thread safety A slot has one writer, the thread that claimed it; the ending is claimed once. The monitor reads only
 *      after the host has ended.
 */
struct CallBoard {
    static constexpr std::uint32_t expectedLayout = 0x4846'0001;
    static constexpr std::size_t slotCount = 512;
    static constexpr std::uint32_t noSlot = 0xFFFF'FFFF;
    static constexpr ResourceNumber nobody{0xFFFF'FFFF};

    struct Slot {
        std::atomic<std::uint32_t> state{0};  ///< 0 free, 1 claimed, 2 at work
        std::uint32_t resource{0};
        std::uint32_t thread{0};
        std::array<char, 20> call{};
    };

    enum class Ending : std::uint32_t { none, claimed, signal, exit, farewell };

    std::uint32_t layout{expectedLayout};
    std::atomic<Ending> ending{Ending::none};
    std::int32_t number{0};      ///< the signal, or the exit status
    std::uint32_t slot{noSlot};  ///< of the thread that ended it
    std::uint64_t address{0};    ///< the fault's
    std::array<Slot, slotCount> slots{};

    /** Someone who was at work. */
    struct Worker {
        ResourceNumber resource{};
        std::string call;
    };
    [[nodiscard]] std::vector<Worker> atWork() const;
    /** Who was at work on the thread that ended the process; empty if that is not known. */
    [[nodiscard]] std::vector<Worker> lastAtWork() const;

private:
    [[nodiscard]] static Worker workerOf(const Slot& slot);
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::is_standard_layout_v<CallBoard::Slot>);

/**
 * Notes on this process's board that the author's code of a resource runs on this thread, while it lives. Nested ones keep
 * the outermost. Costs two system calls, for a stack on which an overflow of the thread's own can be reported.
 */
class CallNote {
public:
    CallNote(ResourceNumber resource, std::string_view call) noexcept { enter(resource, call); }
    CallNote(const CallNote&) = delete;
    CallNote& operator=(const CallNote&) = delete;
    ~CallNote() { leave(); }

    static void enter(ResourceNumber resource, std::string_view call) noexcept;
    static void leave() noexcept;

    /** The board of this process from now on; it stays mapped. Without one nothing is noted. */
    static void use(CallBoard* board) noexcept;
    [[nodiscard]] static CallBoard* board() noexcept;
    /** This thread's slot, or `noSlot`; may be called in a signal handler. */
    [[nodiscard]] static std::uint32_t currentSlot() noexcept;
};

}  // namespace holdfast::inline v1::monitor
