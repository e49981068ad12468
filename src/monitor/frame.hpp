// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::monitor {

/** What travels between a monitor and its hosts (D18). Numbers are the protocol: add, never change. */
enum class FrameKind : std::uint16_t {
    hello = 1,       ///< both ways, first: lowest and highest protocol version, program version
    refuse = 2,      ///< host: the versions do not meet; a text
    add = 10,        ///< monitor: a resource
    store = 11,      ///< monitor: private properties
    call = 12,       ///< monitor: an order
    watch = 13,      ///< monitor: wait for the event handle
    unwatch = 14,    ///< monitor
    answer = 15,     ///< monitor: what SetResourceStatus returns; the request id of `status`
    leave = 16,      ///< monitor: everything is closed, exit
    remove = 17,     ///< monitor: a closed resource will not come back
    storeType = 18,  ///< monitor: private properties of a resource's type
    depends = 19,    ///< monitor: what a resource depends on
    returned = 30,   ///< host: the result of a call
    status = 31,     ///< host: SetResourceStatus; wants an `answer`
    logged = 32,     ///< host
    signalled = 33,  ///< host: an event handle
    stray = 34,      ///< host: a callback that named no open resource
    failed = 35,     ///< host: SignalFailure; resource, type, error code
    alarm = 37,      ///< host: resource, reason; what is recorded should be written out
    changed = 36,    ///< host: private properties that the agent wrote; said before the `returned` that it shows in
};

/**
 * One frame: length of the body, kind, request id; then the body's fields. Little-endian, strings and bytes with their length.
 * A newer version appends fields; who does not know them skips them, and what is missing reads as zero.
 */
inline constexpr std::size_t frameHeaderSize = 12;
inline constexpr std::size_t largestFrameBody = 8U << 20U;

/** Builds one frame. */
class FrameWriter {
public:
    explicit FrameWriter(FrameKind kind, std::uint32_t request = 0);
    FrameWriter& u8(std::uint8_t value);
    FrameWriter& u32(std::uint32_t value);
    FrameWriter& u64(std::uint64_t value);
    FrameWriter& text(std::string_view value);
    FrameWriter& bytes(std::span<const std::uint8_t> value);
    /** The frame; this object is left empty. */
    [[nodiscard]] std::string take();

private:
    std::string frame_;
};

/** Reads a body, field by field. Past its end everything is zero; what lies is seen by `good()`. */
class FrameReader {
public:
    explicit FrameReader(std::string_view body) noexcept : rest_{body} {}
    [[nodiscard]] std::uint8_t u8() noexcept;
    [[nodiscard]] std::uint32_t u32() noexcept;
    [[nodiscard]] std::uint64_t u64() noexcept;
    [[nodiscard]] std::string text();
    [[nodiscard]] std::vector<std::uint8_t> bytes();
    /** False if a field was cut in two or longer than what is there. */
    [[nodiscard]] bool good() const noexcept { return good_; }

private:
    [[nodiscard]] std::uint64_t number(std::size_t size) noexcept;
    [[nodiscard]] std::string_view take() noexcept;
    std::string_view rest_;
    bool good_{true};
};

struct Frame {
    FrameKind kind{};
    std::uint32_t request{0};
    std::string body;
};

/** Cuts a stream of bytes into frames. */
class FrameCutter {
public:
    void add(std::string_view bytes) { pending_.append(bytes); }
    /** The next whole frame. */
    [[nodiscard]] std::optional<Frame> next();
    /** The stream is no stream of frames: a body longer than any frame may have. */
    [[nodiscard]] bool broken() const noexcept { return broken_; }

private:
    std::string pending_;
    std::size_t begin_{0};
    bool broken_{false};
};

}  // namespace holdfast::inline v1::monitor
