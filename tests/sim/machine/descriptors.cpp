// SPDX-License-Identifier: BSL-1.0
#include "machine/descriptors.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sim {

Descriptors* descriptors = nullptr;

int Descriptors::add(std::shared_ptr<Object> object) {
    const int number = nextNumber_++;
    object->owner = machine_.process();
    table_[number] = std::move(object);
    return number;
}

std::shared_ptr<Descriptors::Object> Descriptors::find(int descriptor) const {
    const auto found = table_.find(descriptor);
    if (found == table_.end()) {
        errno = EBADF;
        return nullptr;
    }
    return found->second;
}

int Descriptors::makeEvent(std::uint64_t count) {
    auto object = std::make_shared<Object>();
    object->count = count;
    return add(std::move(object));
}

int Descriptors::makeTimer() {
    auto object = std::make_shared<Object>();
    object->kind = Object::Kind::timer;
    return add(std::move(object));
}

int Descriptors::makeSet() {
    auto object = std::make_shared<Object>();
    object->kind = Object::Kind::set;
    return add(std::move(object));
}

int Descriptors::duplicate(int descriptor) {
    auto object = find(descriptor);
    return object ? add(std::move(object)) : -1;
}

int Descriptors::close(int descriptor) {
    const auto object = find(descriptor);
    if (!object) return -1;
    table_.erase(descriptor);
    if (const auto peer = object->peer.lock(); peer && object.use_count() == 1) {
        peer->ended = true;
        changed(*peer);
    }
    for (const auto& [number, set] : table_)
        std::erase_if(set->watched, [&](const Object::Watched& watched) { return watched.descriptor == descriptor; });
    return 0;
}

std::pair<int, int> Descriptors::makeStreams() {
    auto one = std::make_shared<Object>();
    auto other = std::make_shared<Object>();
    one->kind = other->kind = Object::Kind::stream;
    one->peer = other;
    other->peer = one;
    const int oneEnd = add(std::move(one));
    return {oneEnd, add(std::move(other))};
}

bool Descriptors::isStream(int descriptor) const {
    const auto object = find(descriptor);
    return object && object->kind == Object::Kind::stream;
}

void Descriptors::closeOf(ProcessNumber process) {
    std::vector<int> theirs;
    for (const auto& [number, object] : table_) {
        if (object->owner == process) theirs.push_back(number);
    }
    for (const int number : theirs) close(number);
}

std::int64_t Descriptors::read(int descriptor, void* into, std::size_t size) {
    const auto object = find(descriptor);
    if (!object) return -1;
    if (object->kind != Object::Kind::stream) {
        if (object->count == 0) {
            errno = EAGAIN;
            return -1;
        }
        const std::uint64_t value = std::exchange(object->count, 0);
        std::memcpy(into, &value, sizeof value);
        return sizeof value;
    }
    if (object->bytes.empty()) {
        if (object->ended) return 0;
        errno = EAGAIN;
        return -1;
    }
    // A connection may give as little as it likes.
    std::size_t count = std::min(size, object->bytes.size());
    if (machine_.chance().hits(100)) count = 1 + machine_.chance().below(static_cast<std::uint32_t>(count));
    std::copy_n(object->bytes.begin(), count, static_cast<char*>(into));
    object->bytes.erase(object->bytes.begin(), object->bytes.begin() + static_cast<std::ptrdiff_t>(count));
    return static_cast<std::int64_t>(count);
}

std::int64_t Descriptors::write(int descriptor, const void* from, std::size_t size) {
    const auto object = find(descriptor);
    if (!object) return -1;
    if (object->kind != Object::Kind::stream) {
        std::uint64_t value = 0;
        std::memcpy(&value, from, sizeof value);
        object->count += value;
        changed(*object);
        return sizeof value;
    }
    const auto peer = object->peer.lock();
    if (!peer || object->ended) {
        errno = EPIPE;
        return -1;
    }
    const auto* const bytes = static_cast<const char*>(from);
    peer->bytes.insert(peer->bytes.end(), bytes, bytes + size);
    changed(*peer);
    return static_cast<std::int64_t>(size);
}

std::size_t Descriptors::receive(int descriptor, char* into, std::size_t size) {
    for (;;) {
        const std::int64_t count = read(descriptor, into, size);
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno != EAGAIN) return 0;
        machine_.wait(this, never, "waits for the monitor");
    }
}

void Descriptors::hangUp(int descriptor) {
    const auto object = find(descriptor);
    const auto peer = object ? object->peer.lock() : nullptr;
    if (!peer) return;
    peer->ended = true;
    changed(*peer);
}

int Descriptors::setTimer(int descriptor, Instant at) {
    const auto object = find(descriptor);
    if (!object) return -1;
    object->at = at;
    object->count = 0;
    if (at <= machine_.now()) {
        object->at = never;
        object->count = 1;
        changed(*object);
    }
    return 0;
}

void Descriptors::changed(const Object& object) {
    for (const auto& [number, set] : table_) {
        bool any = false;
        for (Object::Watched& watched : set->watched) {
            if (watched.object.get() != &object) continue;
            watched.edge = true;
            any = true;
        }
        if (any) machine_.wake(set.get(), true);
    }
    machine_.wake(this, true);
}

int Descriptors::control(int number, int operation, int descriptor, const epoll_event* event) {
    const auto set = find(number);
    const auto object = find(descriptor);
    if (!set || !object) return -1;
    const auto found = std::find_if(set->watched.begin(), set->watched.end(),
                                    [&](const Object::Watched& watched) { return watched.descriptor == descriptor; });
    if (operation == EPOLL_CTL_DEL) {
        if (found != set->watched.end()) set->watched.erase(found);
        return 0;
    }
    const bool readable = object->readable();
    if (operation == EPOLL_CTL_ADD) {
        if (found != set->watched.end()) {
            errno = EEXIST;
            return -1;
        }
        set->watched.push_back({descriptor, object, *event, readable});
    } else {
        if (found == set->watched.end()) {
            errno = ENOENT;
            return -1;
        }
        found->event = *event;
        found->edge = readable;
    }
    if (readable) machine_.wake(set.get(), true);
    return 0;
}

int Descriptors::waitSet(int number, epoll_event* events, int most, Instant deadline) {
    const auto set = find(number);
    if (!set) return -1;
    for (;;) {
        int found = 0;
        for (Object::Watched& watched : set->watched) {
            const bool edgeOnly = (watched.event.events & EPOLLET) != 0;
            if ((watched.event.events & EPOLLIN) == 0 || !watched.object->readable()) continue;
            if (edgeOnly && !watched.edge) continue;
            watched.edge = false;
            events[found] = watched.event;
            events[found].events = EPOLLIN;
            if (++found == most) break;
        }
        if (found != 0 || deadline <= machine_.now()) return found;
        machine_.wait(set.get(), deadline, "waits for descriptors");
    }
}

bool Descriptors::isReadable(int descriptor) const {
    const auto object = find(descriptor);
    return object && object->readable();
}

Instant Descriptors::next() const {
    Instant soonest = never;
    for (const auto& [number, object] : table_) soonest = std::min(soonest, object->at);
    return soonest;
}

void Descriptors::due(Instant now) {
    for (const auto& [number, object] : table_) {
        if (object->at > now) continue;
        object->at = never;
        object->count = 1;
        changed(*object);
    }
}

}  // namespace sim
