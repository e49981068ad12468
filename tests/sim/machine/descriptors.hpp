// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The kernel objects that the monitor and agents wait for: event and timer descriptors, and epoll sets of those.

#include "machine/machine.hpp"

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace sim {

class Descriptors final : public Machine::TimerSource {
public:
    explicit Descriptors(Machine& machine) : machine_{machine} { machine.source(this); }
    ~Descriptors() override { machine_.source(nullptr); }
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;

    /** Higher than any of the real ones. */
    static constexpr int first = 100'000;
    [[nodiscard]] static bool isOurs(int descriptor) noexcept { return descriptor >= first; }

    int makeEvent(std::uint64_t count);
    int makeTimer();
    int makeSet();
    /** Two ends of a connection. */
    std::pair<int, int> makeStreams();
    int duplicate(int descriptor);
    int close(int descriptor);
    /** What a process had open is closed with it. */
    void closeOf(ProcessNumber process);
    /** -1 with errno; of a stream 0 at its end. Never waits. */
    std::int64_t read(int descriptor, void* into, std::size_t size);
    std::int64_t write(int descriptor, const void* from, std::size_t size);
    /** Waits for a stream's bytes; 0 at its end. */
    std::size_t receive(int descriptor, char* into, std::size_t size);
    /** No more will come from this end. */
    void hangUp(int descriptor);
    [[nodiscard]] bool isStream(int descriptor) const;
    int setTimer(int descriptor, Instant at);  ///< `never`: disarmed
    int control(int set, int operation, int descriptor, const epoll_event* event);
    int waitSet(int set, epoll_event* events, int most, Instant deadline);
    [[nodiscard]] bool isReadable(int descriptor) const;
    /** What `wait` is told when anything has changed. */
    [[nodiscard]] const void* anything() const noexcept { return this; }
    [[nodiscard]] std::size_t open() const noexcept { return table_.size(); }

    [[nodiscard]] Instant next() const override;
    void due(Instant now) override;

private:
    struct Object {
        enum class Kind { event, timer, set, stream } kind{Kind::event};
        std::uint64_t count{0};
        Instant at{never};
        struct Watched {
            int descriptor;
            std::shared_ptr<Object> object;
            epoll_event event;
            bool edge;
        };
        std::vector<Watched> watched;  // of a set
        std::deque<char> bytes;        // of a stream: what has arrived
        bool ended{false};             // and no more will
        ProcessNumber owner{0};
        std::weak_ptr<Object> peer;
        [[nodiscard]] bool readable() const { return kind == Kind::stream ? ended || !bytes.empty() : count != 0; }
    };
    int add(std::shared_ptr<Object> object);
    [[nodiscard]] std::shared_ptr<Object> find(int descriptor) const;
    void changed(const Object& object);

    Machine& machine_;
    std::map<int, std::shared_ptr<Object>> table_;
    int nextNumber_{first};
};

/** Of the running machine; set by the world. */
extern Descriptors* descriptors;

}  // namespace sim
