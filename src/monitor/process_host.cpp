// SPDX-License-Identifier: BSL-1.0
#include "monitor/process_host_core.hpp"

#include "monitor/host_protocol.hpp"
#include "monitor/run_directory.hpp"

#include <holdfast/abi/wide.hpp>
#include <holdfast/os/process.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>
#include <memory>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::chrono::seconds lastPatience{3};
constexpr std::chrono::seconds killedPatience{5};
/** For what is being written about a host when the monitor leaves at once. */
constexpr std::chrono::seconds flightPatience{2};
constexpr std::chrono::milliseconds clearingInterval{50};
/** Longer than an earlier host's farewell may take. */
constexpr std::chrono::seconds clearingPatience{60};
constexpr unsigned printedPerSecond = 50;
constexpr unsigned loggedPerSecond = 2'000;
constexpr abi::Dword information = 0;
constexpr abi::Dword warning = 1;

}  // namespace

ProcessHost::Core::Core(ProcessHostSettings settings, MemoryRegistry& registry, std::weak_ptr<HostListener> listener)
    : settings_{std::move(settings)},
      registry_{registry},
      listener_{std::move(listener)},
      work_{io_.get_executor()},
      directory_{settings_.runDirectory},
      yard_{directory_.path(), settings_.reaperProgram},
      clearing_{io_},
      looking_{io_},
      flights_{settings_.flightDirectory.empty() ? directory_.path() : settings_.flightDirectory,
               settings_.stacksProgram} {}

void ProcessHost::Core::begin() {
    const os::BlockSignals blocked;
    thread_ = std::thread{[this] { io_.run(); }};
    boost::asio::post(io_, [this] {
        clear(std::chrono::steady_clock::now() + clearingPatience, false);
        lookAtCalls();
    });
}

void ProcessHost::Core::end() {
    boost::asio::post(io_, [this] {
        leaving_ = true;
        for (auto& [key, group] : groups_) {
            if (group.process) group.process->leave();
        }
        noticeGone();
    });
    std::unique_lock lock{mutex_};
    if (!gone_.wait_for(lock, lastPatience, [&] { return allGone_; })) {
        lock.unlock();
        boost::asio::post(io_, [this] {
            for (auto& [key, group] : groups_) {
                if (group.process) group.process->kill("the monitor ends");
            }
        });
        lock.lock();
        gone_.wait_for(lock, killedPatience, [&] { return allGone_; });
    }
    lock.unlock();
    io_.stop();
    thread_.join();
}

void ProcessHost::Core::abandon() {
    const auto done = std::make_shared<std::promise<void>>();
    auto future = done->get_future();
    boost::asio::post(io_, [this, done] {
        leaving_ = true;
        for (auto& [key, group] : groups_) {
            if (group.process) group.process->kill("the monitor leaves at once");
        }
        // An exit amid a program's start leaves that half made, and a record of what hangs half written.
        flights_.leave(flightPatience);
        done->set_value();
    });
    future.wait_for(flightPatience + std::chrono::seconds{1});
}

/** Nothing is started before the hosts of an earlier monitor, and what they run, are gone (D17). */
void ProcessHost::Core::clear(std::chrono::steady_clock::time_point deadline, bool said) {
    const auto left = yard_.left();
    const auto listener = listener_.lock();
    if (left && left->empty()) {
        clear_ = true;
        if (said && listener) listener->hostSays(information, "nothing of an earlier monitor's hosts is left");
        for (auto& [key, group] : groups_) startGroup(key);
        return;
    }
    if (!said && listener) {
        listener->hostSays(left ? information : warning,
                           left ? fmt::format("waiting for {} processes of an earlier monitor to end: they take their "
                                              "resources offline",
                                              left->size())
                                : "cannot see which processes there are; until then nothing is started");
    }
    if (left && std::chrono::steady_clock::now() > deadline) {
        if (listener) listener->hostSays(warning, "they did not end in time; killed");
        yard_.kill(*left);
        deadline = std::chrono::steady_clock::now() + killedPatience;
    }
    clearing_.expires_after(clearingInterval);
    clearing_.async_wait([this, deadline](const boost::system::error_code& error) {
        if (!error && !leaving_) clear(deadline, true);
    });
}

// --- the monitor's orders -------------------------------------------------------------------------------------------

void ProcessHost::Core::add(ResourceNumber resource, const HostedResource& description) {
    Hosted& hosted = resources_[resource];
    hosted.description = description;
    hosted.separate = description.separate;
}

std::string ProcessHost::Core::keyOf(ResourceNumber resource, const Hosted& hosted) const {
    if (hosted.separate) return fmt::format("resource {}", static_cast<std::uint32_t>(resource));
    if (!hosted.description.group.empty()) return "group " + hosted.description.group;
    return "library " + hosted.description.library.string();
}

void ProcessHost::Core::order(CallOrder order) {
    const auto found = resources_.find(order.resource);
    if (found == resources_.end() || leaving_) return forget(order);
    Hosted& hosted = found->second;
    if (order.entryPoint == EntryPoint::startup) {
        // W-401: where it lives is decided when it is loaded, and holds until it is loaded again.
        const std::string key = keyOf(order.resource, hosted);
        if (hosted.group != key && !hosted.group.empty()) leaveGroup(order.resource, hosted);
        hosted.group = key;
        groups_[key].waiting.push_back(std::move(order));
        return startGroup(key);
    }
    const auto group = groups_.find(hosted.group);
    // A call into a host that is dead, or dying: `hostDied` answers for it.
    if (group == groups_.end() || !group->second.process || !group->second.process->isReady() || !hosted.added)
        return forget(order);
    group->second.process->send(protocol::write(order));
}

void ProcessHost::Core::forget(const CallOrder& order) {
    const std::lock_guard lock{mutex_};
    running_.erase({order.resource, order.entryPoint});
}

void ProcessHost::Core::leaveGroup(ResourceNumber resource, Hosted& hosted) {
    const auto found = groups_.find(hosted.group);
    if (found == groups_.end()) return;
    Group& group = found->second;
    if (hosted.added && group.process && group.process->isReady())
        group.process->send(protocol::writeEvent(FrameKind::remove, resource));
    hosted.added = false;
    group.members.erase(resource);
    std::erase_if(group.waiting, [&](const CallOrder& order) { return order.resource == resource; });
    if (!group.members.empty() || !group.waiting.empty() || !group.process) return;
    group.left = true;
    group.process->leave();
}

void ProcessHost::Core::store(ResourceNumber resource, const PropertyBag& changes, StoreNumber number) {
    if (const auto found = resources_.find(resource); found != resources_.end()) found->second.lastStore = number;
    if (HostProcess* const process = processOf(resource))
        process->send(protocol::writeStore(FrameKind::store, resource, changes, number));
}

void ProcessHost::Core::storeType(ResourceNumber resource, const PropertyBag& changes) {
    if (HostProcess* const process = processOf(resource))
        process->send(protocol::writeStore(FrameKind::storeType, resource, changes));
}

void ProcessHost::Core::storeDependencies(ResourceNumber resource,
                                          const std::vector<holdfast::Dependency>& dependencies) {
    if (HostProcess* const process = processOf(resource))
        process->send(protocol::writeDependencies(resource, dependencies));
}

void ProcessHost::Core::event(FrameKind kind, ResourceNumber resource, core::Generation generation) {
    if (HostProcess* const process = processOf(resource))
        process->send(protocol::writeEvent(kind, resource, generation));
}

HostProcess* ProcessHost::Core::processOf(ResourceNumber resource) {
    const auto found = resources_.find(resource);
    if (found == resources_.end() || !found->second.added) return nullptr;
    const auto group = groups_.find(found->second.group);
    if (group == groups_.end() || !group->second.process || !group->second.process->isReady()) return nullptr;
    return group->second.process.get();
}

void ProcessHost::Core::condemn(ResourceNumber resource) {
    const auto found = resources_.find(resource);
    if (found == resources_.end()) return;
    const auto group = groups_.find(found->second.group);
    HostProcess* const process = group == groups_.end() ? nullptr : group->second.process.get();
    if (process != nullptr && found->second.added && !process->isDead()) {
        group->second.condemned.insert(resource);
        const std::string why = fmt::format("because of '{}'", found->second.description.name);
        if (std::exchange(group->second.flightWritten, true)) return;  // it is looked at, and killed then
        const std::weak_ptr<HostProcess> doomed = group->second.process;
        const auto kill = [doomed, why] {
            if (const auto living = doomed.lock()) living->kill(why);
        };
        // Where a call hangs is seen only while it does.
        const auto taken = [this, kill] { boost::asio::post(io_, kill); };
        const bool looks = flights_.hasStacks() && process->isReady();
        if (!writeFlight(group->first, "killed " + why, true, looks ? taken : std::function<void()>{}) || !looks)
            return kill();
        // Whatever becomes of the look, and of the program that looks: a second kill does nothing.
        const auto latest = std::make_shared<boost::asio::steady_timer>(io_, FlightLog::stacksPatience);
        latest->async_wait([latest, kill](const boost::system::error_code&) { kill(); });
        return;
    }
    // Its host is dead already. A new one of its neighbours has done nothing.
    if (process != nullptr && group->second.members.contains(resource)) return;  // `hostReady` follows
    if (const auto listener = listener_.lock()) listener->hostReady(resource);
}

void ProcessHost::Core::remove(ResourceNumber resource) {
    const auto found = resources_.find(resource);
    if (found == resources_.end()) return;
    if (!found->second.group.empty()) leaveGroup(resource, found->second);
    resources_.erase(found);
    // A call that it was given up for ends with its host.
    const std::lock_guard lock{mutex_};
    std::erase_if(running_, [&](const auto& call) { return call.first.first == resource; });
}

void ProcessHost::Core::isolate(ResourceNumber resource) {
    const auto found = resources_.find(resource);
    if (found != resources_.end()) found->second.separate = true;
}

// --- the life of a group's process --------------------------------------------------------------------------------------

std::chrono::milliseconds ProcessHost::Core::backoff(const Group& group) const {
    if (group.deaths < 3) return std::chrono::milliseconds{0};
    const auto doubled = std::chrono::milliseconds{100} * (1U << std::min(group.deaths - 3, 6U));
    // Never none: where trees are not kept at all, a host that cannot run would be started without end.
    const auto most = std::max(std::chrono::milliseconds{100}, settings_.adoptTimeout / 3);
    return std::min({doubled, std::chrono::milliseconds{5'000}, most});
}

void ProcessHost::Core::startGroup(const std::string& key) {
    Group& group = groups_[key];
    if (group.process) {
        if (group.process->isReady() && !group.left) flush(key);
        return;  // it starts, or it dies and is proved dead first
    }
    if (!clear_ || leaving_ || group.waiting.empty()) return;
    const auto pause = group.lastDeath + backoff(group) - std::chrono::steady_clock::now();
    if (pause > std::chrono::milliseconds{0}) {
        if (!group.timer) group.timer = std::make_unique<boost::asio::steady_timer>(io_);
        group.timer->expires_after(pause);
        group.timer->async_wait([this, key](const boost::system::error_code& error) {
            if (!error) startGroup(key);
        });
        return;
    }
    HostProcessOrder order;
    order.hostProgram = settings_.hostProgram;
    order.reaperProgram = settings_.reaperProgram;
    order.runDirectory = directory_.path().string();
    order.marker = yard_.nextMark();
    order.yard = &yard_;
    order.adoptTimeout = settings_.adoptTimeout;
    order.killPatience = settings_.killPatience;
    HostProcess::Events events;
    events.ready = [this, key] { flush(key); };
    events.frame = [this, key](const Frame& frame) { take(key, frame); };
    events.said = [this, key](const std::string& line) { relay(key, line); };
    events.died = [this, key](const HostEnd& end) { processDied(key, end); };
    events.proved = [this, key] { processProved(key); };
    events.unkillable = [this](const std::string& text) {
        if (const auto listener = listener_.lock()) listener->hostUnkillable(text);
    };
    group.process = std::make_shared<HostProcess>(io_, std::move(order), std::move(events));
    group.started = std::chrono::steady_clock::now();
    group.condemned.clear();
    group.flightWritten = false;
    group.process->start();
}

/** Agents may say more than anybody can read, or than we can keep until somebody has. */
bool ProcessHost::Core::admits(const std::string& key, Quota& quota, unsigned most) {
    const auto now = std::chrono::steady_clock::now();
    if (now - quota.since >= std::chrono::seconds{1}) {
        if (const auto listener = listener_.lock(); listener && quota.dropped > 0)
            listener->hostSays(warning, fmt::format("{}: {} lines were dropped", key, quota.dropped));
        quota = {now, 0, 0};
    }
    if (++quota.lines <= most) return true;
    ++quota.dropped;
    return false;
}

/** What agents print. */
void ProcessHost::Core::relay(const std::string& key, const std::string& line) {
    const auto listener = listener_.lock();
    if (listener && admits(key, groups_[key].printed, printedPerSecond))
        listener->hostSays(information, key + ": " + line);
}

/** Sends what waited for the process: each resource is made known before its first call. */
void ProcessHost::Core::flush(const std::string& key) {
    Group& group = groups_[key];
    if (group.left) return;  // who came since waits for the next one
    const auto listener = listener_.lock();
    for (auto& order : std::exchange(group.waiting, {})) {
        Hosted& hosted = resources_[order.resource];
        if (hosted.group != key) continue;
        if (!std::exchange(hosted.added, true)) {
            group.members.insert(order.resource);
            group.process->send(protocol::writeAdd(order.resource, hosted.description));
            // With the number of what is in it at least: what is newer follows as a frame of its own.
            group.process->send(protocol::writeStore(FrameKind::store, order.resource,
                                                     registry_.values(hosted.description.registryPath + "\\Parameters"),
                                                     hosted.lastStore));
            const PropertyBag ofType = registry_.values(typeParametersPath(hosted.description.type));
            if (!ofType.empty())
                group.process->send(protocol::writeStore(FrameKind::storeType, order.resource, ofType));
            if (listener) listener->hostStarted(order.resource, group.process->process());
        }
        group.process->send(protocol::write(order));
    }
}

void ProcessHost::Core::take(const std::string& key, const Frame& frame) {
    Group& group = groups_[key];
    const auto listener = listener_.lock();
    if (!listener) return;
    FrameReader reader{frame.body};
    // A host speaks for its own resources only.
    const auto knows = [&](ResourceNumber resource) { return reader.good() && group.members.contains(resource); };
    switch (frame.kind) {
        case FrameKind::returned: {
            CallResult result = protocol::readResult(reader);
            if (!knows(result.resource)) break;
            {
                const std::lock_guard lock{mutex_};
                running_.erase({result.resource, result.entryPoint});
            }
            return listener->callReturned(std::move(result));
        }
        case FrameKind::status: {
            const auto [resource, status] = protocol::readStatus(reader);
            if (!knows(resource)) {
                if (!reader.good()) break;
                FrameWriter refusal{FrameKind::answer, frame.request};  // a thread of the agent waits for it
                return group.process->send(refusal.u32(static_cast<std::uint32_t>(abi::ExitState::terminate)).take());
            }
            const std::weak_ptr<HostProcess> process = group.process;
            return listener->statusReported(resource, status,
                                            [this, process, request = frame.request](abi::ExitState exit) {
                                                boost::asio::post(io_, [process, request, exit] {
                                                    const auto to = process.lock();
                                                    FrameWriter answer{FrameKind::answer, request};
                                                    if (to)
                                                        to->send(answer.u32(static_cast<std::uint32_t>(exit)).take());
                                                });
                                            });
        }
        case FrameKind::logged: {
            const auto resource = static_cast<ResourceNumber>(reader.u32());
            const abi::Dword level = reader.u32();
            if (!knows(resource)) break;
            if (!admits(key, group.logged, loggedPerSecond)) return;
            return listener->logged(resource, level, reader.text());
        }
        case FrameKind::signalled: {
            const auto [resource, generation] = protocol::readEvent(reader);
            if (!knows(resource)) break;
            return listener->eventSignalled(resource, generation);
        }
        case FrameKind::failed: {
            const auto resource = static_cast<ResourceNumber>(reader.u32());
            const auto type = static_cast<abi::FailureType>(reader.u32());
            if (!knows(resource)) break;
            return listener->failureSignalled(resource, type, reader.u32());
        }
        case FrameKind::changed: {
            auto stored = protocol::readStore(reader);
            if (!knows(stored.resource)) break;
            PropertyBag changes;
            for (const auto& [name, value] : stored.changes)
                changes.set(abi::toUtf8(abi::toWide(name)), value);  // a host may say anything; records are UTF-8
            return listener->propertiesChanged(stored.resource, std::move(changes), stored.number);
        }
        case FrameKind::alarm: {
            const auto resource = static_cast<ResourceNumber>(reader.u32());
            const std::string reason = reader.text();
            if (!knows(resource)) break;
            return alarm(key, fmt::format("'{}': {}", resources_[resource].description.name, reason));
        }
        case FrameKind::stray: {
            const std::string callback = reader.text();
            return listener->strayCallback(callback, reader.u64());
        }
        default: return;  // of a newer host
    }
    if (!reader.good()) group.process->killSpoiled("it sent a malformed frame");
}

std::string ProcessHost::Core::describe(const HostEnd& end) const {
    if (!end.signalled && !end.problem.empty() && end.number == 0 && end.noted == CallBoard::Ending::none)
        return "its host could not run: " + end.problem;
    const std::string text = textOf(end);
    return end.problem.empty() ? text : text + ", " + end.problem;
}

/** W-402: who ended it, or may have. Nobody of ours did if it was killed from outside. */
std::vector<CallBoard::Worker> ProcessHost::Core::culprits(const Group& group, const HostEnd& end) const {
    if (!group.condemned.empty()) {
        std::vector<CallBoard::Worker> found;
        for (const auto resource : group.condemned) found.push_back({resource, {}});
        return found;
    }
    const bool fromInside = end.noted == CallBoard::Ending::signal || end.noted == CallBoard::Ending::exit;
    if (fromInside && !end.blamed.empty()) return end.blamed;
    const bool faults = isFault(end);
    const bool exited = !end.signalled && end.noted != CallBoard::Ending::farewell && end.problem.empty();
    if (!fromInside && !faults && !exited && !end.unasked) return {};
    if (!end.atWork.empty() && !end.unasked) return end.atWork;
    // A thread of the agents' own, or one that spoiled the connection some time ago: it is one of them, and apart from each
    // other the next time tells which.
    std::vector<CallBoard::Worker> all;
    for (const auto resource : group.members) all.push_back({resource, {}});
    return all;
}

void ProcessHost::Core::processDied(const std::string& key, const HostEnd& end) {
    Group& group = groups_[key];
    const auto now = std::chrono::steady_clock::now();
    if (end.noted != CallBoard::Ending::farewell || end.unasked) {
        group.deaths = now - group.started > std::chrono::minutes{5} ? 1 : group.deaths + 1;
        group.lastDeath = now;
    }
    if (!group.left) {
        for (const auto& order : group.waiting) group.members.insert(order.resource);  // they asked and get no answer
        group.waiting.clear();
    }
    {
        const std::lock_guard lock{mutex_};
        std::erase_if(running_, [&](const auto& call) { return group.members.contains(call.first.first); });
    }
    const auto listener = listener_.lock();
    if (leaving_ && group.condemned.empty() && end.noted == CallBoard::Ending::farewell) return;
    const bool expected = (leaving_ || group.left) && !isFault(end);
    if (!expected && !group.flightWritten) static_cast<void>(writeFlight(key, describe(end), false));
    const auto blamed = culprits(group, end);
    std::string text = describe(end);
    if (group.condemned.empty() && !blamed.empty()) {
        text += blamed.size() > 1 ? "; one of these was at work: " : "; at work was ";
        std::size_t shown = 0;
        for (const auto& worker : blamed) {
            const auto found = resources_.find(worker.resource);
            if (found == resources_.end()) continue;
            if (++shown > 5) {
                text += ", …";
                break;
            }
            text += fmt::format("{}'{}'{}{}", shown > 1 ? ", " : "", found->second.description.name,
                                worker.call.empty() ? "" : " in ", worker.call);
        }
    }
    for (const auto resource : group.members) {
        resources_[resource].added = false;
        const bool culprit =
            std::any_of(blamed.begin(), blamed.end(), [&](const auto& worker) { return worker.resource == resource; });
        if (listener) listener->hostDied(resource, {culprit, text});
    }
}

void ProcessHost::Core::processProved(const std::string& key) {
    Group& group = groups_[key];
    group.process.reset();
    group.left = false;
    const auto listener = listener_.lock();
    for (const auto resource : std::exchange(group.members, {})) {
        if (listener) listener->hostReady(resource);
    }
    noticeGone();
    startGroup(key);  // for those who came while it died
}

void ProcessHost::Core::noticeGone() {
    if (!leaving_) return;
    const bool gone = std::none_of(groups_.begin(), groups_.end(), [](const auto& entry) {
        return entry.second.process && !entry.second.process->isProved();
    });
    const std::lock_guard lock{mutex_};
    allGone_ = gone;
    gone_.notify_all();
}

// --- the public face, on any thread --------------------------------------------------------------------------------------

ProcessHost::ProcessHost(ProcessHostSettings settings, MemoryRegistry& registry, std::weak_ptr<HostListener> listener)
    : core_{std::make_shared<Core>(std::move(settings), registry, std::move(listener))} {
    core_->begin();
}

ProcessHost::~ProcessHost() { core_->end(); }

void ProcessHost::abandon() { core_->abandon(); }

void ProcessHost::add(ResourceNumber resource, const HostedResource& description) {
    core_->post([core = core_.get(), resource, description] { core->add(resource, description); });
}

void ProcessHost::call(CallOrder order) {
    core_->note(order);
    core_->post([core = core_.get(), taken = std::move(order)]() mutable { core->order(std::move(taken)); });
}

void ProcessHost::storeProperties(ResourceNumber resource, const PropertyBag& changes, StoreNumber number) {
    core_->post([core = core_.get(), resource, changes, number] { core->store(resource, changes, number); });
}

void ProcessHost::storeTypeProperties(ResourceNumber resource, const PropertyBag& changes) {
    core_->post([core = core_.get(), resource, changes] { core->storeType(resource, changes); });
}

void ProcessHost::storeDependencies(ResourceNumber resource, const std::vector<holdfast::Dependency>& dependencies) {
    core_->post([core = core_.get(), resource, dependencies] { core->storeDependencies(resource, dependencies); });
}

void ProcessHost::watch(ResourceNumber resource, core::Generation generation) {
    core_->post([core = core_.get(), resource, generation] { core->event(FrameKind::watch, resource, generation); });
}

void ProcessHost::unwatch(ResourceNumber resource) {
    core_->post([core = core_.get(), resource] { core->event(FrameKind::unwatch, resource, 0); });
}

void ProcessHost::condemn(ResourceNumber resource) {
    core_->post([core = core_.get(), resource] { core->condemn(resource); });
}

void ProcessHost::remove(ResourceNumber resource) {
    core_->post([core = core_.get(), resource] { core->remove(resource); });
}

void ProcessHost::isolate(ResourceNumber resource) {
    core_->post([core = core_.get(), resource] { core->isolate(resource); });
}

std::vector<std::string> ProcessHost::running() const { return core_->running(); }

std::vector<std::string> ProcessHost::Core::running() const {
    std::vector<std::string> calls;
    const std::lock_guard lock{mutex_};
    for (const auto& [call, running] : running_) {
        calls.push_back(fmt::format("resource {}: {}", static_cast<std::uint32_t>(call.first), nameOf(call.second)));
    }
    return calls;
}

}  // namespace holdfast::inline v1::monitor
