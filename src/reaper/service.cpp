// SPDX-License-Identifier: BSL-1.0

#include "service.hpp"

#include "process/proc.hpp"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace holdfast::inline v1::reaper {

using process::Message;
using process::nowMs;
using process::Phase;
using process::Refusal;
using process::Role;
using process::Writer;

namespace {

constexpr std::size_t mostPeers = 64;
constexpr std::int64_t helloPatience = 2'000;
constexpr std::int64_t idleTime = 1'000;      // without a client and without a tree
constexpr std::int64_t strangerTime = 3'000;  // for the host that started this reaper to come for what it took over
constexpr std::int64_t mostEndPatience = 60'000;
constexpr int messagesAtATime = 16;  // so that one peer does not keep the others waiting

}  // namespace

Service::Service(const TreeOptions& options, const process::Names* names, process::Fd listener)
    : options_{options},
      names_{names},
      listener_{std::move(listener)},
      tree_{names, Cgroup{options.cgroup, names != nullptr ? names->cgroup : "holdfast-" + std::to_string(::getpid())},
            *this},
      leaveAt_{nowMs() + idleTime} {
    tree_.takeOver();
    if (tree_.empty()) return;
    adoptUntil_ = endTreeAt_ = nowMs() + (tree_.status().adoptable ? options_.adoptTimeout : strangerTime);
}

Peer* Service::owner() const {
    for (const auto& peer : peers_) {
        if (peer->greeted && peer->role == Role::owner && !peer->dropped) return peer.get();
    }
    return nullptr;
}

// ---- what the tree says --------------------------------------------------------------------------------------------

void Service::started(std::int32_t pid, std::uint64_t startTime) {
    if (Peer* peer = owner()) peer->send(Writer{Message::started}.i32(pid).u64(startTime).bytes());
}

void Service::startFailed(process::Step step, int error, const std::string& text) {
    Writer out{Message::startFailed};
    out.u8(static_cast<std::uint8_t>(step)).i32(error).text(text);
    if (Peer* peer = owner()) peer->send(out.bytes());
}

void Service::exited(const process::ExitReport& exit) {
    Writer out{Message::exited};
    put(out, exit);
    if (Peer* peer = owner()) peer->send(out.bytes());
}

bool Service::output(int stream, std::string_view line) {
    Peer* const peer = owner();
    return peer != nullptr &&
           peer->offer(Writer{Message::output}.u8(static_cast<std::uint8_t>(stream)).text(line).bytes());
}

void Service::dropped(std::uint32_t lines) {
    lost_ += std::min(lines, UINT32_MAX - lost_);
    if (Peer* peer = owner(); peer != nullptr && peer->offer(Writer{Message::dropped}.u32(lost_).bytes())) lost_ = 0;
}

void Service::note(const std::string& text) {
    const std::string message = Writer{Message::note}.text(text).bytes();
    if (Peer* peer = owner(); peer != nullptr && peer->offer(message)) return;
    notes_.push_back(message);
    if (notes_.size() > 20) notes_.pop_front();
}

void Service::ended() {
    for (const auto& peer : peers_) {
        if (std::exchange(peer->endUntil, 0) == 0) continue;
        peer->send(Writer{Message::ended}.flag(true).text({}).bytes());
    }
    if (std::exchange(ending_, false)) tree_.forget();
    if (owner() == nullptr) {
        // How it ended by itself is worth telling the next host, for as long as one may come.
        const bool worth = tree_.status().phase == Phase::exited && tree_.status().adoptable;
        leaveAt_ = std::max(nowMs() + idleTime, worth ? adoptUntil_ : 0);
    }
    endTreeAt_ = INT64_MAX;
}

void Service::endTree() {
    ending_ = true;
    tree_.end();
}

// ---- what peers say ------------------------------------------------------------------------------------------------

void Service::accept(process::Fd connection) {
    peers_.push_back(std::make_unique<Peer>(std::move(connection), nowMs() + helloPatience));
}

void Service::acceptAll() {
    for (int i = 0; i < messagesAtATime; ++i) {
        process::Fd connection{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        if (!connection) {
            // Out of descriptors or memory: the connection waits at the door, and so do we.
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) acceptAgainAt_ = nowMs() + 100;
            return;
        }
        const std::int64_t user = peerUser(connection.get());
        accept(std::move(connection));
        Peer& peer = *peers_.back();
        if (user != 0 && user != static_cast<std::int64_t>(::geteuid())) {
            refuse(peer, "user " + std::to_string(user) + " may not talk to this reaper");
        }
        if (peers_.size() > mostPeers) {
            // The oldest that has nothing to say makes room.
            const auto silent = std::find_if(peers_.begin(), peers_.end(), [](const auto& other) {
                return !other->dropped &&
                       (!other->greeted || (other->role == Role::controller && other->endUntil == 0));
            });
            refuse(silent != peers_.end() ? **silent : peer, "too many connections", Refusal::later);
        }
    }
}

void Service::refuse(Peer& peer, const std::string& why, Refusal kind) {
    peer.send(Writer{Message::refused}.text(why).u8(static_cast<std::uint8_t>(kind)).bytes());
    peer.dropped = true;
}

void Service::serve(Peer& peer) {
    for (int i = 0; i < messagesAtATime && !peer.dropped; ++i) {
        std::string_view message;
        switch (peer.receive(message)) {
            case Peer::Received::nothing: return;
            case Peer::Received::gone: peer.dropped = true; return;
            case Peer::Received::message: handle(peer, message);
        }
    }
}

void Service::handle(Peer& peer, std::string_view message) {
    process::Reader in{message};
    const auto kind = static_cast<Message>(in.u8());
    if (kind == Message::hello && !peer.greeted) return hello(peer, in);
    if (!peer.greeted) return refuse(peer, "the first message must be a hello");
    const bool owns = peer.role == Role::owner;
    if (kind == Message::part && owns) return order(peer, in, false);
    if (kind == Message::start && owns) return order(peer, in, true);
    if (kind == Message::signal) {
        const std::int32_t number = in.i32();
        if (!in.finished()) return refuse(peer, "a signal message is malformed");
        return peer.send(Writer{Message::signalled}.i32(tree_.signal(number)).bytes());
    }
    if (kind == Message::end) {
        const std::uint32_t patience = in.u32();
        if (!in.finished()) return refuse(peer, "an end message is malformed");
        peer.endUntil = nowMs() + std::min<std::int64_t>(patience, mostEndPatience);
        return endTree();  // answers at once if nothing lives
    }
    refuse(peer, "message " + std::to_string(static_cast<unsigned char>(message.front())) + " is not expected here");
}

void Service::hello(Peer& peer, process::Reader& in) {
    const std::uint32_t magic = in.u32();
    const std::uint32_t version = in.u32();
    const std::uint8_t role = in.u8();
    const std::string name = in.text();
    if (!in.finished() || magic != process::wireMagic) return refuse(peer, "this is no hello of holdfast");
    if (role != static_cast<std::uint8_t>(Role::owner) && role != static_cast<std::uint8_t>(Role::controller)) {
        return refuse(peer, "role " + std::to_string(role) + " is unknown");
    }
    if (names_ != nullptr && name != names_->resource) {
        return refuse(peer, "this is the reaper of \"" + names_->resource + "\", not of \"" + name + "\"");
    }
    // Whoever comes may end a tree, be it older or newer than this program.
    if (version != process::wireVersion && role == static_cast<std::uint8_t>(Role::owner)) {
        return refuse(
            peer,
            "this reaper speaks version " + std::to_string(process::wireVersion) + ", not " + std::to_string(version),
            Refusal::version);
    }
    Peer* const old = owner();
    if (role == static_cast<std::uint8_t>(Role::owner)) {
        if (leaving_) return refuse(peer, "this reaper is leaving", Refusal::later);
        // The newest wins: a host that was given up may still hold its connection.
        if (old != nullptr) refuse(*old, "another owner came", Refusal::replaced);
        endTreeAt_ = INT64_MAX;
    }
    peer.greeted = true;
    peer.role = static_cast<Role>(role);
    Writer out{Message::welcome};
    out.u32(process::wireVersion).i32(::getpid());
    put(out, tree_.status());
    out.flag(!tree_.empty()).flag(old != nullptr);
    peer.send(out.bytes());
    if (peer.role != Role::owner) return;
    for (const auto& text : std::exchange(notes_, {})) peer.offer(text);
    if (lost_ > 0) dropped(0);
}

void Service::order(Peer& peer, process::Reader& in, bool last) {
    peer.order += in.rest();
    if (peer.order.size() > process::mostOrder) return refuse(peer, "the order is larger than 4 MiB");
    if (!last) return;
    const auto order = process::decodeOrder(std::exchange(peer.order, {}));
    if (!order) return refuse(peer, "the order to start is malformed");
    if (leaving_) return startFailed(process::Step::order, ECANCELED, "the reaper is ending");
    tree_.start(*order);
}

// ---- coming and going ----------------------------------------------------------------------------------------------

void Service::ownerLeft() {
    adoptUntil_ = nowMs() + options_.adoptTimeout;
    leaveAt_ = nowMs() + idleTime;
    if (tree_.empty()) {
        if (tree_.status().phase == Phase::exited && tree_.status().adoptable) leaveAt_ = adoptUntil_;
        return;
    }
    if (tree_.status().adoptable && !leaving_) {
        endTreeAt_ = adoptUntil_;
    } else {
        endTree();  // nobody may take it over, so nothing of it may be there when somebody starts it anew
    }
}

void Service::sweep() {
    const std::int64_t now = nowMs();
    bool left = false;
    for (const auto& peer : peers_) {
        if (!peer->greeted && now >= peer->deadline && !peer->dropped) refuse(*peer, "no hello in time");
        if (peer->endUntil != 0 && now >= peer->endUntil) {
            peer->endUntil = 0;
            peer->send(Writer{Message::ended}.flag(false).text("not ended: " + tree_.survivor()).bytes());
        }
        peer->dropped = peer->dropped || peer->broken();
        left = left || (peer->dropped && peer->greeted && peer->role == Role::owner);
    }
    std::erase_if(peers_, [](const auto& peer) { return peer->dropped; });
    if (left && owner() == nullptr) ownerLeft();
    if (now >= endTreeAt_) {
        endTreeAt_ = INT64_MAX;
        endTree();
    }
}

void Service::takeSignals(const process::Fd& signals) {
    signalfd_siginfo info{};
    while (::read(signals.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGCHLD || info.ssi_signo == SIGHUP) continue;
        leaving_ = true;
        endTree();
    }
}

bool Service::finished() const {
    if (!tree_.empty() || tree_.ending()) return false;
    if (leaving_) return true;
    const bool unnamed = names_ == nullptr;
    const bool wanted = std::any_of(peers_.begin(), peers_.end(), [](const auto& peer) { return peer->greeted; });
    if (unnamed && peers_.empty()) return true;
    return !wanted && nowMs() >= leaveAt_;
}

void Service::run(const process::Fd& signals) {
    while (!finished()) {
        const std::int64_t now = nowMs();
        Poller poller{now};
        poller.watch(signals.get(), POLLIN, [&](short) { takeSignals(signals); });
        if (listener_ && now >= acceptAgainAt_) poller.watch(listener_.get(), POLLIN, [this](short) { acceptAll(); });
        if (now < acceptAgainAt_) poller.wakeAt(acceptAgainAt_);
        for (const auto& entry : peers_) {
            Peer* const peer = entry.get();
            const auto events = static_cast<short>(peer->waiting() ? POLLIN | POLLOUT : POLLIN);
            poller.watch(peer->fd(), events, [this, peer](short ready) {
                if ((ready & POLLOUT) != 0) peer->flush();
                if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0) serve(*peer);
            });
            if (!peer->greeted) poller.wakeAt(peer->deadline);
            if (peer->endUntil != 0) poller.wakeAt(peer->endUntil);
        }
        if (endTreeAt_ != INT64_MAX) poller.wakeAt(endTreeAt_);
        if (peers_.empty() && tree_.empty()) poller.wakeAt(leaveAt_);
        tree_.watch(poller);
        poller.wait();
        tree_.look();
        sweep();
    }
}

}  // namespace holdfast::inline v1::reaper
