// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a reaper and its clients say to each other: one message per packet of a UNIX SOCK_SEQPACKET socket. Both ends run
/// on one machine, so numbers are in its own byte order.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v1::process {

constexpr std::uint32_t wireMagic = 0x52'50'46'48;  // "HFPR"
/** Changes with every message but hello, end, ended and refused: those are fixed for ever, so that any client can end any tree. */
constexpr std::uint32_t wireVersion = 1;
constexpr std::size_t mostMessage = std::size_t{64} * 1024;  ///< one packet
constexpr std::size_t mostOrder =
    std::size_t{4} * 1024 * 1024;  ///< a whole start order, more than the system takes as arguments

enum class Message : std::uint8_t {
    // client to reaper
    hello = 1,   ///< magic, version, role, resource name
    part = 2,    ///< bytes of an order that does not fit into one packet
    start = 3,   ///< the last bytes of an order
    signal = 4,  ///< number
    end = 5,     ///< patience in ms
    // reaper to client
    welcome = 65,      ///< version, pid of the reaper, status, whether anything lives, whether it has an owner
    refused = 66,      ///< text, Refusal; the connection ends
    started = 67,      ///< pid, start time
    startFailed = 68,  ///< step, errno, text
    exited = 69,       ///< exit
    output = 70,       ///< stream (1, 2), line
    dropped = 71,      ///< number of lines that were left out
    ended = 72,        ///< 1 proved, 0 not; text
    signalled = 73,    ///< errno
    note = 74,         ///< text: what an operator should know
};

enum class Refusal : std::uint8_t { other = 0, version = 1, later = 2, replaced = 3 };

enum class Role : std::uint8_t {
    owner = 1,       ///< the tree is kept for it; the newest owner replaces the one before
    controller = 2,  ///< may signal and end, sees no events
};

enum class Phase : std::uint8_t {
    empty = 0,     ///< nothing was started, or all of it is proved dead and nobody need know
    starting = 1,  ///< forked, the program does not run yet
    running = 2,   ///< the main process lives
    exited = 3,    ///< it does not; what it started may
};

enum class ExitKind : std::uint8_t { status = 0, signal = 1, unknown = 2 };

struct ExitReport {
    ExitKind kind{ExitKind::unknown};
    std::int32_t value{0};
    bool coreDumped{false};
    std::string note;  ///< why it is unknown
};

/** Where starting a program failed. */
enum class Step : std::uint8_t { none, fork, output, session, limits, groups, user, directory, program, busy, order };

struct Limit {
    std::int32_t resource{0};  ///< RLIMIT_…
    std::uint64_t soft{0};
    std::uint64_t hard{0};
};

/** A program to start. Names of users are resolved by the client: the reaper knows numbers only. */
struct Order {
    std::string program;
    std::vector<std::string> arguments;  ///< without the program
    std::vector<std::string> environment;
    std::string directory;
    bool changeUser{false};
    std::uint32_t uid{0};
    std::uint32_t gid{0};
    std::vector<std::uint32_t> groups;
    std::vector<Limit> limits;
    std::int32_t umask{-1};  ///< -1: 0022
    std::uint32_t outputBurst{200};
    std::uint32_t outputRate{20};  ///< lines per second after the burst
    bool adoptable{false};
    std::string fingerprint;
};

/** What a reaper knows of its tree. */
struct Status {
    Phase phase{Phase::empty};
    std::int32_t pid{0};
    std::uint64_t startTime{0};
    bool adoptable{false};
    bool takenOver{false};  ///< an earlier reaper started it
    std::string fingerprint;
    std::string program;
    ExitReport exit;  ///< when exited
};

/** Builds one message. */
class Writer {
public:
    explicit Writer(Message message) { bytes_.push_back(static_cast<char>(message)); }
    Writer() = default;

    Writer& u8(std::uint8_t value) { return raw(&value, sizeof value); }
    Writer& u32(std::uint32_t value) { return raw(&value, sizeof value); }
    Writer& u64(std::uint64_t value) { return raw(&value, sizeof value); }
    Writer& i32(std::int32_t value) { return raw(&value, sizeof value); }
    Writer& flag(bool value) { return u8(value ? 1 : 0); }
    Writer& text(std::string_view value) {
        u32(static_cast<std::uint32_t>(value.size()));
        return raw(value.data(), value.size());
    }
    Writer& texts(const std::vector<std::string>& values) {
        u32(static_cast<std::uint32_t>(values.size()));
        for (const auto& value : values) text(value);
        return *this;
    }
    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

private:
    Writer& raw(const void* data, std::size_t size) {
        bytes_.append(static_cast<const char*>(data), size);
        return *this;
    }
    std::string bytes_;
};

/** Takes a message apart. Past its end everything is zero and empty, and `good()` is false for ever. */
class Reader {
public:
    explicit Reader(std::string_view bytes) noexcept : rest_{bytes} {}

    std::uint8_t u8() { return number<std::uint8_t>(); }
    std::uint32_t u32() { return number<std::uint32_t>(); }
    std::uint64_t u64() { return number<std::uint64_t>(); }
    std::int32_t i32() { return number<std::int32_t>(); }
    /** Anything but 0 and 1 is an error. */
    bool flag();
    std::string text();
    std::vector<std::string> texts();
    [[nodiscard]] std::string_view rest() noexcept { return std::exchange(rest_, {}); }

    void fail() noexcept {
        good_ = false;
        rest_ = {};
    }
    [[nodiscard]] bool good() const noexcept { return good_; }
    /** Everything was as it should, and nothing is left. */
    [[nodiscard]] bool finished() const noexcept { return good_ && rest_.empty(); }

private:
    template <typename Number>
    Number number() {
        Number value{};
        take(&value, sizeof value);
        return value;
    }
    void take(void* to, std::size_t size) noexcept;

    std::string_view rest_;
    bool good_{true};
};

[[nodiscard]] std::string encode(const Order& order);
/** Empty if the bytes are no order. */
[[nodiscard]] std::optional<Order> decodeOrder(std::string_view bytes);
void put(Writer& writer, const ExitReport& exit);
[[nodiscard]] ExitReport getExit(Reader& reader);
void put(Writer& writer, const Status& status);
[[nodiscard]] Status getStatus(Reader& reader);
/** "changing to the working directory", … */
[[nodiscard]] const char* stepText(Step step) noexcept;

}  // namespace holdfast::inline v1::process
