// SPDX-License-Identifier: BSL-1.0
#include <holdfast/monitor/in_process_host.hpp>

#include "monitor/agent_callbacks.hpp"
#include "monitor/agent_library.hpp"
#include "monitor/call_board.hpp"
#include "monitor/call_threads.hpp"
#include "monitor/dependency_keys.hpp"
#include "monitor/event_watch.hpp"
#include "monitor/flight_memory.hpp"
#include "monitor/handle_table.hpp"

#include <holdfast/abi/registry_value.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/exec/flight_recorder.hpp>
#include <holdfast/monitor/memory_registry.hpp>

#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

using Clock = std::chrono::steady_clock;

abi::Handle handleValue(std::uint64_t number) {
    // A handle is a number that happens to have a pointer's type (W-106).
    return reinterpret_cast<abi::Handle>(static_cast<std::uintptr_t>(number));  // NOLINT(performance-no-int-to-ptr)
}

exec::FlightSubject subjectOf(EntryPoint entryPoint) noexcept {
    using enum exec::FlightSubject;
    switch (entryPoint) {
        case EntryPoint::startup: return startup;
        case EntryPoint::open: return open;
        case EntryPoint::close: return close;
        case EntryPoint::online: return online;
        case EntryPoint::offline: return offline;
        case EntryPoint::terminate: return terminate;
        case EntryPoint::resourceControl: return resourceControl;
        case EntryPoint::resourceTypeControl: return resourceTypeControl;
        case EntryPoint::looksAlive: return looksAlive;
        case EntryPoint::isAlive: return isAlive;
    }
    return none;
}

exec::FlightSubject subjectOf(abi::ResourceState state) noexcept {
    using enum exec::FlightSubject;
    switch (state) {
        case abi::ResourceState::onlinePending: return onlinePendingState;
        case abi::ResourceState::offlinePending: return offlinePendingState;
        case abi::ResourceState::online: return onlineState;
        case abi::ResourceState::offline: return offlineState;
        case abi::ResourceState::failed: return failedState;
        default: return none;
    }
}

/** As a registry gives it back, which does not know the format. */
PropertyValue asRead(const PropertyValue& value) {
    if (value.absent()) return value;
    const abi::RegistryValue stored = abi::toRegistry(value);
    return abi::fromRegistry(stored.type, stored.data, PropertyFormat::unknown);
}

PropertyBag differences(const PropertyBag& before, const PropertyBag& now) {
    PropertyBag changes;
    for (const auto& [name, value] : now) {
        const auto* known = before.find(name);
        if (known == nullptr || *known != value) changes.set(name, value);
    }
    for (const auto& [name, value] : before) {
        if (!now.contains(name)) changes.set(name, PropertyValue{});
    }
    return changes;
}

/** Small numbers, so that a reader of the trace sees which calls shared a thread. */
std::uint64_t threadNumber() {
    static std::atomic<std::uint64_t> last{0};
    thread_local const std::uint64_t number = ++last;  // trivially destructible: D9
    return number;
}

}  // namespace

class InProcessHost::Core : public CallbackTarget, public std::enable_shared_from_this<Core> {
public:
    /** A key of the system's registry that closes itself. */
    class SystemKey {
    public:
        SystemKey() = default;
        SystemKey(std::shared_ptr<ResourceKeys> keys, abi::KeyHandle handle)
            : keys_{std::move(keys)}, handle_{handle} {}
        SystemKey(SystemKey&& other) noexcept
            : keys_{std::move(other.keys_)}, handle_{std::exchange(other.handle_, nullptr)} {}
        SystemKey& operator=(SystemKey&& other) noexcept {
            std::swap(keys_, other.keys_);
            std::swap(handle_, other.handle_);
            return *this;
        }
        ~SystemKey() {
            if (keys_) keys_->close(handle_);
        }
        [[nodiscard]] abi::KeyHandle get() const noexcept { return handle_; }

    private:
        std::shared_ptr<ResourceKeys> keys_;
        abi::KeyHandle handle_{};
    };

    struct Hosted {
        HostedResource description;
        MemoryRegistry::Key key;
        SystemKey systemKey;       ///< in place of `key`
        PropertyBag known;         ///< its private properties as the monitor knows them
        StoreNumber lastStore{0};  ///< of what the monitor stored
        std::shared_ptr<AgentLibrary> library;
        std::shared_ptr<AgentLibrary::Type> type;
        std::uint64_t handle{0};
        abi::ResourceId id{nullptr};
        abi::Handle event{nullptr};
        bool condemned{false};
        std::uint32_t flight{0};  ///< its number in this program's own flight recorder
        std::map<EntryPoint, std::size_t> running;
    };

    Core(MemoryRegistry& registry, std::weak_ptr<HostListener> listener, std::shared_ptr<ResourceKeys> keys)
        : registry_{registry}, listener_{std::move(listener)}, keys_{std::move(keys)} {}

    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;
    ~Core() override {
        for (auto& [number, hosted] : resources_) {
            handles().erase(hosted.handle);
            if (hosted.library) hosted.library->pin();  // never closed: threads of the agent may still live in it
        }
    }

    void add(ResourceNumber resource, const HostedResource& description) {
        const std::lock_guard lock{mutex_};
        Hosted& hosted = resources_[resource];
        hosted.description = description;
        hosted.flight = exec::flightRecorder().addResource(description.name);
        if (!keys_) {
            hosted.key = registry_.open(description.registryPath);
            hosted.known = valuesOf(description);
            return;
        }
        hosted.systemKey = SystemKey{keys_, keys_->open(description.registryPath)};
        keys_->store(description.registryPath, registry_.values(description.registryPath + "\\Parameters"));
        keys_->store(typeKeyPath(description.type), registry_.values(typeParametersPath(description.type)));
        hosted.known = valuesOf(description);
    }

    void store(ResourceNumber resource, const PropertyBag& changes, StoreNumber number) {
        const std::lock_guard lock{mutex_};
        const auto found = resources_.find(resource);
        if (found == resources_.end()) return;
        Hosted& hosted = found->second;
        if (keys_) keys_->store(hosted.description.registryPath, changes);
        for (const auto& [name, value] : changes) {
            if (value.absent())
                hosted.known.erase(name);
            else
                hosted.known.set(name, asRead(value));
        }
        hosted.lastStore = number;
    }
    [[nodiscard]] bool hasOwnKeys() const noexcept { return keys_ != nullptr; }

    void storeType(ResourceNumber resource, const PropertyBag& changes) {
        const std::lock_guard lock{mutex_};
        const auto found = resources_.find(resource);
        if (keys_ && found != resources_.end()) keys_->store(typeKeyPath(found->second.description.type), changes);
    }

    void leaveKeys() {
        if (keys_) keys_->erase({});
    }

    void storeDependencies(ResourceNumber resource, const std::vector<holdfast::Dependency>& dependencies) {
        std::string path;
        {
            const std::lock_guard lock{mutex_};
            const auto found = resources_.find(resource);
            if (found == resources_.end()) return;
            path = found->second.description.registryPath;
        }
        if (keys_) return keys_->storeDependencies(path, dependencies);
        writeDependencyKeys(registry_, path, dependencies);
    }

    /** On a thread of its own. */
    void perform(const CallOrder& order) {
        CallResult result;
        result.resource = order.resource;
        result.entryPoint = order.entryPoint;
        result.generation = order.generation;
        result.controlCode = order.controlCode;
        result.thread = threadNumber();
        result.start = Clock::now();
        enter(order.resource, order.entryPoint, 1);
        const Ending ending{*this, result, order.resource};
        switch (order.entryPoint) {
            case EntryPoint::startup: startup(order, result); break;
            case EntryPoint::open: open(order, result); break;
            case EntryPoint::close: close(order, result); break;
            case EntryPoint::resourceTypeControl: typeControl(order, result); break;
            default: resourceCall(order, result); break;
        }
    }

    void condemn(ResourceNumber resource) {
        const std::lock_guard lock{mutex_};
        const auto found = resources_.find(resource);
        if (found == resources_.end()) return;
        found->second.condemned = true;
        if (found->second.library) found->second.library->pin();
        handles().erase(found->second.handle);  // W-117: whatever it still says concerns nobody
    }

    void remove(ResourceNumber resource) {
        Hosted last;  // its library may go with it, outside the lock
        const std::lock_guard lock{mutex_};
        const auto found = resources_.find(resource);
        if (found == resources_.end()) return;
        for (const auto& [entryPoint, count] : found->second.running) {
            if (count > 0) return;  // a call that never returns keeps what it uses
        }
        handles().erase(found->second.handle);
        last = std::move(found->second);
        resources_.erase(found);
        if (keys_) keys_->erase(last.description.registryPath);
    }

    [[nodiscard]] std::vector<std::string> running() const {
        std::vector<std::string> calls;
        const std::lock_guard lock{mutex_};
        for (const auto& [number, hosted] : resources_) {
            for (const auto& [entryPoint, count] : hosted.running) {
                if (count > 0) calls.push_back(fmt::format("{}: {}", hosted.description.name, nameOf(entryPoint)));
            }
        }
        return calls;
    }

    [[nodiscard]] abi::Handle event(ResourceNumber resource) const {
        const std::lock_guard lock{mutex_};
        const auto found = resources_.find(resource);
        return found == resources_.end() ? nullptr : found->second.event;
    }

    void failToStart(const CallOrder& order) {
        CallResult result;
        result.resource = order.resource;
        result.entryPoint = order.entryPoint;
        result.generation = order.generation;
        result.start = Clock::now();
        result.code = abi::code::noSystemResources;
        result.problem = "the system has no more threads";
        // A Terminate that never ran must not count as one that returned: the resource is given up instead.
        result.threw = order.entryPoint == EntryPoint::terminate;
        if (const auto listener = listener_.lock()) listener->callReturned(std::move(result));
    }

    abi::ExitState statusReported(ResourceNumber resource, const abi::ResourceStatus& status) noexcept override {
        mirror(resource);
        exec::FlightNote note{exec::FlightKind::report, exec::FlightPhase::begin, subjectOf(status.state),
                              flightOf(resource)};
        note.value = status.checkPoint;
        exec::flightRecorder().record(note);
        ReportedStatus reported;
        reported.report.state = status.state;
        reported.report.checkPoint = status.checkPoint;
        reported.report.hasEvent = status.eventHandle != nullptr;
        reported.waitHint = status.waitHint;
        if (status.eventHandle != nullptr) {
            const std::lock_guard lock{mutex_};
            if (const auto found = resources_.find(resource); found != resources_.end())
                found->second.event = status.eventHandle;
        }
        const abi::ExitState answer = ask(resource, reported);
        note.phase = exec::FlightPhase::end;
        note.code = static_cast<std::uint32_t>(answer);
        exec::flightRecorder().record(note);
        return answer;
    }

    void failureSignalled(ResourceNumber resource, abi::FailureType type, abi::Dword code) noexcept override {
        exec::flightRecorder().record({exec::FlightKind::report, exec::FlightPhase::end,
                                       exec::FlightSubject::failureSignal, flightOf(resource), code});
        if (const auto listener = listener_.lock()) listener->failureSignalled(resource, type, code);
    }

    void logged(ResourceNumber resource, abi::Dword level, std::string text) noexcept override {
        exec::flightRecorder().record({exec::FlightKind::log, exec::FlightPhase::instant, exec::FlightSubject::none,
                                       flightOf(resource), level, 0, 0, text});
        if (const auto listener = listener_.lock()) listener->logged(resource, level, std::move(text));
    }

    void stray(std::string_view callback, std::uint64_t handle) noexcept override {
        if (const auto listener = listener_.lock()) listener->strayCallback(callback, handle);
    }

    void flightAlarm(ResourceNumber resource, std::string reason) noexcept override {
        if (const auto listener = listener_.lock()) listener->flightAlarm(resource, std::move(reason));
    }

    [[nodiscard]] std::shared_ptr<HostListener> listener() const { return listener_.lock(); }

private:
    /** W-206: the agent's thread waits for the answer it is owed. */
    [[nodiscard]] abi::ExitState ask(ResourceNumber resource, const ReportedStatus& status) noexcept {
        const auto answer = std::make_shared<std::promise<abi::ExitState>>();
        auto future = answer->get_future();
        if (const auto listener = listener_.lock()) {
            listener->statusReported(resource, status, [answer](abi::ExitState exit) { answer->set_value(exit); });
        } else {
            return abi::ExitState::terminate;
        }
        while (future.wait_for(std::chrono::milliseconds{50}) != std::future_status::ready) {
            const auto listener = listener_.lock();
            if (!listener || listener->ended()) return abi::ExitState::terminate;
        }
        try {
            return future.get();
        } catch (const std::future_error&) {  // nobody is left to answer
            return abi::ExitState::terminate;
        }
    }

    [[nodiscard]] std::uint32_t flightOf(ResourceNumber resource) const {
        const std::lock_guard lock{mutex_};
        const auto found = resources_.find(resource);
        return found == resources_.end() ? 0 : found->second.flight;
    }

    [[nodiscard]] PropertyBag valuesOf(const HostedResource& description) const {
        return keys_ ? keys_->values(description.registryPath)
                     : registry_.values(description.registryPath + "\\Parameters");
    }

    /** Tells the monitor what the agent wrote since it was looked at last. */
    void mirror(ResourceNumber resource) noexcept {
        const auto listener = listener_.lock();
        if (!listener) return;
        try {
            const std::lock_guard order{mirroring_};  // who looked first speaks first
            PropertyBag changes;
            StoreNumber after = 0;
            {
                const std::lock_guard lock{mutex_};
                const auto found = resources_.find(resource);
                if (found == resources_.end()) return;
                Hosted& hosted = found->second;
                PropertyBag now = valuesOf(hosted.description);
                changes = differences(hosted.known, now);
                if (changes.empty()) return;
                hosted.known = std::move(now);
                after = hosted.lastStore;
            }
            listener->propertiesChanged(resource, std::move(changes), after);
        } catch (const std::exception&) {  // out of memory: the next call's end shows what is still different
        }
    }

    /** Reports the call however it ends, also if the agent ends the thread. */
    struct Ending {
        Core& core;
        CallResult& result;
        ResourceNumber resource;
        ~Ending() {
            result.span = Clock::now() - result.start;
            core.enter(resource, result.entryPoint, -1);
            if (result.called) core.mirror(resource);
            if (const auto listener = core.listener_.lock()) listener->callReturned(std::move(result));
        }
    };

    void enter(ResourceNumber resource, EntryPoint entryPoint, int change) {
        const std::lock_guard lock{mutex_};
        const auto found = resources_.find(resource);
        if (found == resources_.end()) return;
        std::size_t& count = found->second.running[entryPoint];
        count = change > 0 ? count + 1 : count - 1;
    }

    /** Runs agent code: what must not leave it (W-105) is caught as far as the system lets us. */
    template <typename Function>
    static void guarded(CallResult& result, std::uint32_t flight, Function&& function) {
        const CallNote note{result.resource, nameOf(result.entryPoint)};
        // For libraries that record nothing themselves, too: what they were called with, and when they came back.
        exec::FlightCall recorded{flight, subjectOf(result.entryPoint), result.controlCode};
        result.start = Clock::now();
        result.called = result.threw = true;
        try {
            function();
            result.threw = false;
            recorded.answers(result.code);
        } catch (...) {
            // Not a C++ exception: the agent ends this thread, and swallowing that would end the process.
            if (!std::current_exception()) throw;
            result.code = abi::code::exceptionInResourceCall;
            recorded.answers(result.code);
        }
    }

    struct Instance {
        TableCalls functions;
        abi::ResourceId id{nullptr};
        std::shared_ptr<AgentLibrary> library;
        std::shared_ptr<AgentLibrary::Type> type;
        HostedResource description;
        abi::KeyHandle key{};
        bool condemned{false};
        std::uint32_t flight{0};
    };

    [[nodiscard]] Instance instance(ResourceNumber resource) const {
        const std::lock_guard lock{mutex_};
        Instance copy;
        const auto found = resources_.find(resource);
        if (found == resources_.end()) return copy;
        const Hosted& hosted = found->second;
        copy.id = hosted.id;
        copy.library = hosted.library;
        copy.type = hosted.type;
        copy.description = hosted.description;
        copy.key = keys_ ? hosted.systemKey.get() : hosted.key.get();
        copy.condemned = hosted.condemned;
        copy.flight = hosted.flight;
        if (hosted.type) copy.functions = hosted.type->functions;
        return copy;
    }

    void startup(const CallOrder& order, CallResult& result) {
        const Instance target = instance(order.resource);
        const HostedResource& description = target.description;
        StartupOutcome outcome;
        const auto library = libraryAt(description.library, outcome);
        if (!library) return refuse(result, outcome);
        const auto type = library->type(description.type);
        const std::lock_guard lock{type->lock};
        if (!type->started) {  // W-013: once per type
            abi::FunctionTable* table = nullptr;
            const auto name = abi::toWide(description.type);
            abi::Dword code = 0;
            const FlightRegions::Starting starting{description.library.string()};
            guarded(result, target.flight, [&] { code = library->start(name.c_str(), &table); });
            if (result.threw) return;
            if (code == abi::code::resourceTypeNameNotFound) {
                outcome.problem = fmt::format("the agent knows no resource type '{}'", description.type);
            } else if (code == abi::code::revisionMismatch) {
                outcome.problem = "the agent offers no version of the resource API from 1.0 to 4.0";
            } else if (code != 0) {
                outcome.problem = fmt::format("Startup failed with error {}", code);
            } else {
                outcome = checkTable(table, abi::versionV1, library->highestVersion());
                code = outcome.code;
            }
            if (code != 0) {
                outcome.code = code;
                return refuse(result, outcome);
            }
            type->functions = outcome.functions;
            type->started = true;
            result.notes = std::move(outcome.notes);
        }
        const std::lock_guard guard{mutex_};
        Hosted& hosted = resources_[order.resource];
        if (hosted.type == type) return;  // a second attempt after what followed Startup had failed
        ++type->users;
        hosted.library = library;
        hosted.type = type;
    }

    static void refuse(CallResult& result, StartupOutcome& outcome) {
        result.code = outcome.code;
        result.problem = std::move(outcome.problem);
    }

    std::shared_ptr<AgentLibrary> libraryAt(const std::filesystem::path& path, StartupOutcome& outcome) {
        const std::lock_guard lock{loading_};  // one at a time: the loader has its own lock anyway
        if (auto loaded = libraries_[path].lock()) return loaded;
        auto library = AgentLibrary::load(path, outcome);
        libraries_[path] = library;
        return library;
    }

    void open(const CallOrder& order, CallResult& result) {
        const Instance target = instance(order.resource);
        const auto name = abi::toWide(target.description.name);
        const auto handle = handles().insert(weak_from_this(), order.resource);
        {
            const std::lock_guard lock{mutex_};
            resources_[order.resource].handle = handle;
        }
        abi::ResourceId id = nullptr;
        abi::Dword error = 0;
        {
            const std::lock_guard lock{target.type->lock};
            guarded(result, target.flight, [&] {
                hostFunctions().setLastError(0);
                id = target.functions.open(name.c_str(), target.key,
                                           static_cast<abi::ResourceHandle>(handleValue(handle)));
                error = hostFunctions().getLastError();
                result.code = id == nullptr ? error : 0;
            });
        }
        if (result.threw) return;
        if (id == nullptr) {  // W-111
            handles().erase(handle);
            result.code = error != 0 ? error : abi::code::resourceFailed;
            return;
        }
        const std::lock_guard lock{mutex_};
        resources_[order.resource].id = id;
    }

    void close(const CallOrder& order, CallResult& result) {
        Instance target = instance(order.resource);
        {
            const std::lock_guard lock{target.type->lock};
            guarded(result, target.flight, [&] { target.functions.close(target.id); });
            if (result.threw) return;
            if (--target.type->users == 0)
                target.type->started = false;  // W-013: a later first instance starts it again
        }
        const std::lock_guard lock{mutex_};
        Hosted& hosted = resources_[order.resource];
        handles().erase(hosted.handle);  // W-117
        hosted.id = nullptr;
        hosted.event = nullptr;
        hosted.type.reset();
        hosted.library.reset();  // the last one unloads, when `target` goes
    }

    void typeControl(const CallOrder& order, CallResult& result) {
        const Instance target = instance(order.resource);
        if (!target.functions.hasTypeControl()) {  // W-025
            result.code = abi::code::invalidFunction;
            return;
        }
        const auto name = abi::toWide(target.description.type);
        const auto buffers = buffersOf(order);
        const std::lock_guard lock{target.type->lock};
        guarded(result, target.flight, [&] {
            result.code =
                target.functions.typeControl(name.c_str(), order.controlCode, buffers, [this] { return listened(); });
        });
        takeOutput(result, *buffers);
    }

    [[nodiscard]] bool listened() const noexcept {
        const auto listener = listener_.lock();
        return listener && !listener->ended();
    }

    [[nodiscard]] static std::shared_ptr<ControlBuffers> buffersOf(const CallOrder& order) {
        auto buffers = std::make_shared<ControlBuffers>();
        buffers->in = order.input;
        buffers->out.resize(order.outputCapacity);
        return buffers;
    }

    static void takeOutput(CallResult& result, const ControlBuffers& buffers) {
        if (result.threw || result.code == abi::code::resourceCallTimedOut)
            return;  // the agent may still write to them
        result.outputNeeded = buffers.returned;
        if (result.code == abi::code::success && buffers.returned <= buffers.out.size())
            result.output.assign(buffers.out.begin(), buffers.out.begin() + buffers.returned);
    }

    void resourceCall(const CallOrder& order, CallResult& result) {
        const Instance target = instance(order.resource);
        if (target.id == nullptr || target.condemned) {
            result.code = abi::code::resourceNotFound;
            return;
        }
        const TableCalls& f = target.functions;
        switch (order.entryPoint) {
            case EntryPoint::online: {
                abi::Handle event = nullptr;  // W-120
                {
                    const std::lock_guard lock{mutex_};
                    resources_[order.resource].event = nullptr;
                }
                guarded(result, target.flight, [&] { result.code = f.online(target.id, &event); });
                result.hasEvent = event != nullptr;
                if (event != nullptr) {
                    const std::lock_guard lock{mutex_};
                    resources_[order.resource].event = event;
                }
                break;
            }
            case EntryPoint::offline:
                guarded(result, target.flight, [&] { result.code = f.offline(target.id); });
                break;
            case EntryPoint::terminate: guarded(result, target.flight, [&] { f.terminate(target.id); }); break;
            case EntryPoint::looksAlive:
                guarded(result, target.flight, [&] { result.code = static_cast<abi::Dword>(f.looksAlive(target.id)); });
                break;
            case EntryPoint::isAlive:
                guarded(result, target.flight, [&] { result.code = static_cast<abi::Dword>(f.isAlive(target.id)); });
                break;
            case EntryPoint::resourceControl: {
                if (!f.hasResourceControl()) {  // W-025
                    result.code = abi::code::invalidFunction;
                    break;
                }
                const auto buffers = buffersOf(order);
                guarded(result, target.flight, [&] {
                    result.code =
                        f.resourceControl(target.id, order.controlCode, buffers, [this] { return listened(); });
                });
                takeOutput(result, *buffers);
                break;
            }
            default: result.code = abi::code::invalidFunction; break;
        }
    }

    MemoryRegistry& registry_;
    const std::weak_ptr<HostListener> listener_;
    const std::shared_ptr<ResourceKeys> keys_;  ///< null: keys of `registry_`
    std::mutex mirroring_;                      ///< before mutex_
    mutable std::mutex mutex_;
    std::map<ResourceNumber, Hosted> resources_;
    std::mutex loading_;
    std::map<std::filesystem::path, std::weak_ptr<AgentLibrary>> libraries_;
};

InProcessHost::InProcessHost(MemoryRegistry& registry, std::weak_ptr<HostListener> listener,
                             std::unique_ptr<ResourceKeys> keys)
    : core_{std::make_shared<Core>(registry, std::move(listener), std::move(keys))},
      events_{std::make_unique<EventWatch>()},
      threads_{std::make_unique<CallThreads>()} {}

InProcessHost::~InProcessHost() = default;

void InProcessHost::add(ResourceNumber resource, const HostedResource& description) {
    core_->add(resource, description);
}

void InProcessHost::call(CallOrder order) {
    if (order.entryPoint == EntryPoint::online) events_->forget(static_cast<std::uint64_t>(order.resource));
    const auto shared = std::make_shared<const CallOrder>(std::move(order));
    if (!threads_->run([core = core_, shared] { core->perform(*shared); })) core_->failToStart(*shared);
}

/** In the registry of the monitor they are already; the system's follows it. */
void InProcessHost::storeProperties(ResourceNumber resource, const PropertyBag& changes, StoreNumber number) {
    core_->store(resource, changes, number);
}

bool InProcessHost::hasOwnKeys() const noexcept { return core_->hasOwnKeys(); }

void InProcessHost::storeTypeProperties(ResourceNumber resource, const PropertyBag& changes) {
    core_->storeType(resource, changes);
}

void InProcessHost::leaveKeys() { core_->leaveKeys(); }

void InProcessHost::storeDependencies(ResourceNumber resource, const std::vector<holdfast::Dependency>& dependencies) {
    core_->storeDependencies(resource, dependencies);
}

void InProcessHost::watch(ResourceNumber resource, core::Generation generation) {
    const abi::Handle handle = core_->event(resource);
    if (handle == nullptr) return;
    events_->watch(static_cast<std::uint64_t>(resource), handle, [weak = std::weak_ptr{core_}, resource, generation] {
        const auto core = weak.lock();
        const auto listener = core ? core->listener() : nullptr;
        if (listener) listener->eventSignalled(resource, generation);
    });
}

void InProcessHost::unwatch(ResourceNumber resource) { events_->unwatch(static_cast<std::uint64_t>(resource)); }
void InProcessHost::condemn(ResourceNumber resource) { core_->condemn(resource); }
void InProcessHost::remove(ResourceNumber resource) { core_->remove(resource); }
std::vector<std::string> InProcessHost::running() const { return core_->running(); }

}  // namespace holdfast::inline v1::monitor
