// SPDX-License-Identifier: BSL-1.0
#include "host/host_service.hpp"

#include "host/farewell.hpp"
#include "monitor/host_protocol.hpp"

#include <holdfast/adapters/property_controls.hpp>
#include <holdfast/os/process.hpp>
#include <holdfast/version.hpp>

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace holdfast::inline v1::host {

namespace protocol = monitor::protocol;
using monitor::CallOrder;
using monitor::CallResult;
using monitor::Frame;
using monitor::FrameKind;
using monitor::FrameReader;

namespace {

/** How long a host that lost its monitor may live: longer than its farewell can take. */
constexpr unsigned longestFarewell = 60;  // s

/** Of calls that no monitor ordered. */
constexpr core::Generation ownGeneration = 0xFFFF'FFFF;

bool isFinal(abi::ResourceState state) {
    return state != abi::ResourceState::onlinePending && state != abi::ResourceState::offlinePending &&
           state != abi::ResourceState::pending;
}

}  // namespace

int HostService::run() {
    if (!greet()) return 70;
    host_ = std::make_unique<monitor::InProcessHost>(registry_, weak_from_this(), monitor::systemKeys());
    const End end = serve();
    {
        const std::lock_guard lock{mutex_};
        lost_ = true;
        for (auto& [request, answer] : unanswered_) answer(abi::ExitState::proceed);
        unanswered_.clear();
    }
    if (end == End::lost) {
        link_.limitLife(longestFarewell);
        sayFarewell(*this);
    }
    host_->leaveKeys();
    // Threads of agents may live on, so nothing is destroyed; the caller ends the process.
    static_cast<void>(host_.release());
    return 0;
}

bool HostService::fill() {
    char buffer[65'536];
    const std::size_t count = link_.receive(buffer, sizeof buffer);
    if (count > 0) frames_.add({buffer, count});
    return count > 0;
}

bool HostService::greet() {
    protocol::Hello own{protocol::lowest, protocol::highest, std::string{version()}, os::processId()};
    std::optional<Frame> frame;
    while (!(frame = frames_.next())) {
        if (frames_.broken() || !fill()) return false;
    }
    FrameReader reader{frame->body};
    const auto theirs = protocol::readHello(reader);
    if (frame->kind != FrameKind::hello || !reader.good()) return false;
    if (theirs.lowest > own.highest || theirs.highest < own.lowest) {
        monitor::FrameWriter refusal{FrameKind::refuse};
        refusal.text(
            fmt::format("this host (holdfast {}) speaks versions {} to {} of the host protocol, the monitor "
                        "(holdfast {}) {} to {}",
                        own.program, own.lowest, own.highest, theirs.program, theirs.lowest, theirs.highest));
        send(refusal.take());
        return false;
    }
    permitLooks(theirs.process);
    send(protocol::write(own));
    return true;
}

HostService::End HostService::serve() {
    for (;;) {
        while (const auto frame = frames_.next()) {
            if (frame->kind == FrameKind::leave) return End::left;
            take(*frame);
        }
        if (frames_.broken() || !fill()) return End::lost;
    }
}

void HostService::take(const Frame& frame) {
    FrameReader reader{frame.body};
    switch (frame.kind) {
        case FrameKind::add: {
            const auto [resource, description] = protocol::readAdd(reader);
            {
                const std::lock_guard lock{mutex_};
                Known& known = known_[resource];
                known.name = description.name;
                known.type = description.type;
                known.registryPath = description.registryPath;
                known.rank = description.rank;
            }
            host_->add(resource, description);
            break;
        }
        case FrameKind::store: {
            const auto [resource, changes, number] = protocol::readStore(reader);
            std::string path;
            {
                const std::lock_guard lock{mutex_};
                path = known_[resource].registryPath;
            }
            registry_.set(path + "\\Parameters", changes);
            host_->storeProperties(resource, changes, number);
            break;
        }
        case FrameKind::storeType: {
            const auto [resource, changes, number] = protocol::readStore(reader);
            static_cast<void>(number);
            std::string type;
            {
                const std::lock_guard lock{mutex_};
                type = known_[resource].type;
            }
            registry_.set(monitor::typeParametersPath(type), changes);
            host_->storeTypeProperties(resource, changes);
            break;
        }
        case FrameKind::depends: {
            const auto [resource, dependencies] = protocol::readDependencies(reader);
            host_->storeDependencies(resource, dependencies);
            break;
        }
        case FrameKind::call: {
            CallOrder order = protocol::readOrder(reader);
            begin(order);
            host_->call(std::move(order));
            break;
        }
        case FrameKind::watch: {
            const auto [resource, generation] = protocol::readEvent(reader);
            host_->watch(resource, generation);
            break;
        }
        case FrameKind::remove: {
            const ResourceNumber resource = protocol::readEvent(reader).first;
            std::string path;
            {
                const std::lock_guard lock{mutex_};
                path = known_[resource].registryPath;
                known_.erase(resource);
            }
            host_->remove(resource);
            registry_.erase(path);
            break;
        }
        case FrameKind::unwatch: host_->unwatch(protocol::readEvent(reader).first); break;
        case FrameKind::answer: {
            const auto exit = static_cast<abi::ExitState>(reader.u32());
            std::function<void(abi::ExitState)> answer;
            {
                const std::lock_guard lock{mutex_};
                if (const auto found = unanswered_.find(frame.request); found != unanswered_.end()) {
                    answer = std::move(found->second);
                    unanswered_.erase(found);
                }
            }
            if (answer) answer(exit);
            break;
        }
        default: break;  // of a newer monitor
    }
}

void HostService::send(const std::string& frame) noexcept {
    const std::lock_guard lock{writing_};
    link_.send(frame);  // if the monitor is gone, the reader sees that
}

// --- what agents do ---------------------------------------------------------------------------------------------------

void HostService::begin(const CallOrder& order) {
    const std::lock_guard lock{mutex_};
    Known& known = known_[order.resource];
    ++known.calls;
    if (order.entryPoint == EntryPoint::online) known.touched = true;
}

void HostService::note(const CallResult& result) {
    const std::lock_guard lock{mutex_};
    Known& known = known_[result.resource];
    --known.calls;
    switch (result.entryPoint) {
        case EntryPoint::open: known.open = result.code == 0 && !result.threw; break;
        case EntryPoint::close: known.open = false; break;
        case EntryPoint::online: known.pending = result.code == abi::code::ioPending; break;
        case EntryPoint::offline:
            known.pending = result.code == abi::code::ioPending;
            if (result.code == abi::code::success) known.touched = false;
            break;
        case EntryPoint::terminate:
            known.pending = false;
            if (!result.threw) known.touched = false;
            break;
        default: break;
    }
    changed_.notify_all();
}

void HostService::callReturned(CallResult result) noexcept {
    if (result.entryPoint == EntryPoint::resourceTypeControl &&
        result.controlCode == adapters::control::typeGetTraits) {
        abi::Dword traits = 0;
        if (result.code == abi::code::success && result.output.size() >= sizeof traits)
            std::memcpy(&traits, result.output.data(), sizeof traits);
        const std::lock_guard lock{mutex_};
        Known& known = known_[result.resource];
        --known.calls;
        known.adoptable = (traits & static_cast<abi::Dword>(adapters::TypeTrait::adopts)) != 0;
        changed_.notify_all();
        return;
    }
    note(result);
    const bool started = result.entryPoint == EntryPoint::startup && result.code == 0 && !result.threw;
    const ResourceNumber resource = result.resource;
    if (result.generation != ownGeneration) send(protocol::write(result));
    if (started) {  // D17: whether its tree may be left to the next host is asked while there is time
        CallOrder traits;
        traits.resource = resource;
        traits.entryPoint = EntryPoint::resourceTypeControl;
        traits.controlCode = adapters::control::typeGetTraits;
        traits.generation = ownGeneration;
        traits.outputCapacity = sizeof(abi::Dword);
        begin(traits);
        host_->call(std::move(traits));
    }
}

void HostService::statusReported(ResourceNumber resource, const monitor::ReportedStatus& status,
                                 std::function<void(abi::ExitState)> answer) noexcept {
    std::uint32_t request = 0;
    {
        std::unique_lock lock{mutex_};
        Known& known = known_[resource];
        if (isFinal(status.report.state)) {
            known.pending = false;
            if (status.report.state == abi::ResourceState::offline) known.touched = false;
            changed_.notify_all();
        }
        if (lost_) {
            lock.unlock();
            return answer(abi::ExitState::proceed);
        }
        request = ++lastRequest_;
        unanswered_.emplace(request, std::move(answer));
    }
    send(protocol::writeStatus(request, resource, status));
}

void HostService::logged(ResourceNumber resource, abi::Dword level, std::string text) noexcept {
    monitor::FrameWriter frame{FrameKind::logged};
    frame.u32(static_cast<std::uint32_t>(resource)).u32(level).text(text);
    send(frame.take());
}

void HostService::eventSignalled(ResourceNumber resource, core::Generation watch) noexcept {
    send(protocol::writeEvent(FrameKind::signalled, resource, watch));
}

void HostService::failureSignalled(ResourceNumber resource, abi::FailureType type, abi::Dword code) noexcept {
    monitor::FrameWriter frame{FrameKind::failed};
    frame.u32(static_cast<std::uint32_t>(resource)).u32(static_cast<std::uint32_t>(type)).u32(code);
    send(frame.take());
}

void HostService::flightAlarm(ResourceNumber resource, std::string reason) noexcept {
    monitor::FrameWriter frame{FrameKind::alarm};
    frame.u32(static_cast<std::uint32_t>(resource)).text(reason);
    send(frame.take());
}

void HostService::propertiesChanged(ResourceNumber resource, PropertyBag changes, monitor::StoreNumber after) noexcept {
    send(protocol::writeStore(FrameKind::changed, resource, changes, after));
}

void HostService::strayCallback(std::string_view callback, std::uint64_t handle) noexcept {
    monitor::FrameWriter frame{FrameKind::stray};
    frame.text(callback).u64(handle);
    send(frame.take());
}

// --- without a monitor --------------------------------------------------------------------------------------------------

void HostService::order(ResourceNumber resource, EntryPoint entryPoint) {
    CallOrder order;
    order.resource = resource;
    order.entryPoint = entryPoint;
    order.generation = ownGeneration;
    begin(order);
    host_->call(std::move(order));
}

bool HostService::wait(std::chrono::milliseconds patience,
                       const std::function<bool(const std::map<ResourceNumber, Known>&)>& holds) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return holds(known_); });
}

std::map<ResourceNumber, HostService::Known> HostService::known() const {
    const std::lock_guard lock{mutex_};
    return known_;
}

}  // namespace holdfast::inline v1::host
