// SPDX-License-Identifier: BSL-1.0
#include "engine.hpp"

#include "../integration/guarded_memory.hpp"

#include <holdfast/abi/control_codes.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/adapters/wsfc.hpp>

#include <array>
#include <cstdarg>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

namespace stress {

namespace {

using abi::Dword;
using abi::ResourceState;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool instrumented = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
constexpr bool instrumented = true;
#else
constexpr bool instrumented = false;
#endif
#else
constexpr bool instrumented = false;
#endif

// W-100, and what a busy machine adds to it; Close does more beside its answer.
constexpr milliseconds slack{instrumented ? 1'000 : 150};
constexpr milliseconds entryPoint{300};
constexpr milliseconds lastClose{400};

/** Which handle is which resource (W-106: numbers and nothing else). */
struct Desk {
    std::mutex mutex;  // guards all below
    std::map<std::uintptr_t, std::shared_ptr<Heard>> open;
    std::uintptr_t nextHandle{3};

    std::shared_ptr<Heard> find(abi::ResourceHandle handle) {
        const std::lock_guard lock{mutex};
        const auto found = open.find(reinterpret_cast<std::uintptr_t>(handle));
        return found == open.end() ? nullptr : found->second;
    }
};
Desk& desk() {
    static Desk one;
    return one;
}

/** A control call whose answer may come later: what it reads and writes lives until then. */
struct LateCall {
    explicit LateCall(Dword outSize) : out{outSize} {}
    guarded::Memory out;  // behind it nothing may be written
    std::array<abi::Byte, 12> in{12};
    Dword returned{0};
};
struct LateCalls {
    std::mutex mutex;  // guards both below
    std::map<std::int64_t, std::shared_ptr<LateCall>> waiting;
    std::int64_t last{0};
};
LateCalls& lateCalls() {
    static LateCalls one;
    return one;
}

std::atomic<std::uint64_t> strayCalls{0};
std::atomic<std::uint64_t> allSignals{0};
std::atomic<std::uint64_t> allLines{0};
std::atomic<std::uint64_t> allCalls{0};
std::atomic<std::int64_t> worst{0};  // ms
std::mutex typeCalls;                // W-101: Open and Close of one type, one at a time

bool isPending(ResourceState state) {
    return state == ResourceState::onlinePending || state == ResourceState::offlinePending;
}

/** A status report: in order, of the operation that runs, and its end only once. */
Dword take(abi::ResourceHandle handle, ResourceState state, Dword checkPoint) {
    const auto now = Steady::now();
    const auto heard = desk().find(handle);
    if (!heard) {
        if (handle != nullptr) strayCalls.fetch_add(1);
        return static_cast<Dword>(abi::ExitState::terminate);
    }
    Judge& judge = *room().judge;
    const std::lock_guard lock{heard->mutex};
    if (heard->quiet && now > heard->quietSince) judge.broken("W-132 a status after Terminate returned");
    Operation& operation = heard->current;
    const bool onlineState = state == ResourceState::onlinePending || state == ResourceState::online;
    const bool offlineState = state == ResourceState::offlinePending || state == ResourceState::offline;
    judge.expect(operation.online ? !offlineState : !onlineState, "W-204 a report of another operation", heard->number);
    judge.expect(operation.finals == 0, "W-209 a report after the final one", heard->number);
    judge.expect(checkPoint > operation.lastCheckPoint, "W-203 a checkpoint that does not grow", heard->number);
    operation.lastCheckPoint = checkPoint;
    if (!isPending(state)) ++operation.finals;
    heard->changed.notify_all();
    return static_cast<Dword>(abi::ExitState::proceed);
}

Dword HOLDFAST_STDCALL setStatus(abi::ResourceHandle handle, abi::ResourceStatus* status) {
    return take(handle, status->state, status->checkPoint);
}
Dword HOLDFAST_STDCALL setStatusEx(abi::ResourceHandle handle, abi::ResourceStatusEx* status) {
    return take(handle, status->state, status->checkPoint);
}
void HOLDFAST_STDCALL logEvent(abi::ResourceHandle handle, Dword /*level*/, const abi::WideChar* /*format*/, ...) {
    if (handle != nullptr && !desk().find(handle)) strayCalls.fetch_add(1);
    // An engine that is slow to listen: what is to be said queues up behind it, and must not be said once it is too late.
    if (allLines.fetch_add(1, std::memory_order_relaxed) % 8 == 0) std::this_thread::sleep_for(milliseconds{60});
}
Dword HOLDFAST_STDCALL signalFailure(abi::ResourceHandle handle, abi::FailureType /*type*/, Dword /*code*/) {
    const auto now = Steady::now();
    allSignals.fetch_add(1, std::memory_order_relaxed);
    const auto heard = desk().find(handle);
    if (!heard) {
        strayCalls.fetch_add(1);
        return 0;
    }
    const std::lock_guard lock{heard->mutex};
    room().judge->expect(!heard->quiet || now <= heard->quietSince,
                         "W-132 a failure signalled after Terminate returned", heard->number);
    return 0;
}
Dword HOLDFAST_STDCALL endCall(std::int64_t context, Dword /*status*/) {
    const std::lock_guard lock{lateCalls().mutex};
    if (lateCalls().waiting.erase(context) != 1) room().judge->broken("W-151 a control call was ended twice");
    return 0;
}

}  // namespace

std::uint64_t strays() noexcept { return strayCalls.load(); }
std::uint64_t signals() noexcept { return allSignals.load(); }
std::uint64_t callCount() noexcept { return allCalls.load(); }
std::size_t unansweredCalls() {
    const std::lock_guard lock{lateCalls().mutex};
    return lateCalls().waiting.size();
}
milliseconds worstCall() noexcept { return milliseconds{worst.load()}; }

Table::Table(Dword version) : version_{version} {
    abi::CallbackTable whole{};
    whole.logEvent = &logEvent;
    whole.setResourceStatusEx = &setStatusEx;
    whole.signalFailure = &signalFailure;
    whole.endControlCall = &endCall;
    whole.endTypeControlCall = &endCall;
    const auto name = abi::toWide("Unruly");
    const Dword code =
        version == abi::versionV1
            ? holdfast::adapters::startup(&types, name.c_str(), version, version, setStatus, logEvent, &table_)
            : holdfast::adapters::startupEx(&types, name.c_str(), abi::versionV1, version, &whole, &table_);
    if (code != 0 || table_ == nullptr || table_->version != version) std::abort();
}

/** W-100: within its budget, less what the machine kept from us meanwhile. */
template <typename Call>
auto Place::timed(const char* what, milliseconds budget, const Call& call) {
    const auto start = Steady::now();
    const auto stalled = stalls_.soFar();
    struct Done {
        Place& place;
        const char* what;
        milliseconds budget;
        Steady::time_point start;
        std::chrono::nanoseconds stalled;
        ~Done() {
            const auto took = Steady::now() - start;
            const auto kept = place.stalls_.soFar() - stalled;
            const auto ours = std::chrono::duration_cast<milliseconds>(took - kept);
            allCalls.fetch_add(1, std::memory_order_relaxed);
            for (auto before = worst.load();
                 ours.count() > before && !worst.compare_exchange_weak(before, ours.count());) {
            }
            if (ours <= budget + slack) {
                if (took > budget + slack) place.judge_.excused();
                place.judge_.kept();
                return;
            }
            place.judge_.broken(std::string{"W-100 "} + what + " took " + std::to_string(ours.count()) +
                                " ms, resource " + std::to_string(place.number_));
        }
    } const done{*this, what, budget, start, stalled};
    return call();
}

void Place::open(const Table& table) {
    const std::lock_guard type{typeCalls};
    const std::unique_lock life{life_};
    table_ = &table;
    heard_ = std::make_shared<Heard>(number_);
    {
        const std::lock_guard lock{desk().mutex};
        handle_ = desk().nextHandle;
        desk().nextHandle += 2;
        desk().open[handle_] = heard_;
    }
    const auto [index, subject] = room().add(number_, lives_++);
    subject_ = subject;
    const auto name = abi::toWide(std::to_string(index));
    auto* const handle = reinterpret_cast<abi::ResourceHandle>(handle_);
    const auto& raw = table.raw();
    id_ = timed("Open", entryPoint, [&] {
        return table.version() == abi::versionV1 ? raw.v1.open(name.c_str(), nullptr, handle)
                                                 : raw.v2.open(name.c_str(), nullptr, handle, 0);
    });
    judge_.expect(id_ != nullptr, "W-110 Open failed", number_);
}

void Place::close() {
    const std::lock_guard type{typeCalls};
    const std::unique_lock life{life_};
    if (id_ == nullptr) return;
    const auto& raw = table_->raw();
    timed("Close", lastClose, [&] { table_->version() == abi::versionV1 ? raw.v1.close(id_) : raw.v2.close(id_); });
    id_ = nullptr;
    const std::lock_guard lock{desk().mutex};
    desk().open.erase(handle_);
}

void Place::begin(bool online) {
    std::unique_lock lock{heard_->mutex};
    // Until Terminate has returned, what it ended may still be reported; a monitor orders nothing new before.
    heard_->changed.wait_for(lock, std::chrono::seconds{20}, [&] { return heard_->terminating == 0; });
    ++heard_->begun;
    ++heard_->inCall;
    heard_->quiet = false;
    heard_->current = {online, 0, 0, heard_->terminates};
}

/** Of an operation: whether it is pending. Otherwise it is over, and nothing is reported of it (W-121, W-125). */
bool Place::answered(Dword code) {
    const std::lock_guard lock{heard_->mutex};
    --heard_->inCall;
    if (code == abi::code::ioPending) return true;
    judge_.expect(heard_->current.finals == 0, "W-204 a final report of what did not pend", number_);
    return false;
}

bool Place::online() {
    begin(true);
    abi::Handle event = nullptr;
    const auto& raw = table_->raw();
    const Dword code = timed("Online", entryPoint, [&] {
        return table_->version() == abi::versionV1 ? raw.v1.online(id_, &event)
                                                   : raw.v2.online(id_, &event, 0, nullptr, 0, 0);
    });
    return answered(code);
}

bool Place::offline() {
    begin(false);
    const auto& raw = table_->raw();
    const Dword code = timed("Offline", entryPoint, [&] {
        return table_->version() == abi::versionV1 ? raw.v1.offline(id_)
                                                   : raw.v2.offline(id_, nullptr, 0, nullptr, 0, 0);
    });
    return answered(code);
}

bool Place::quiet() {
    const std::lock_guard lock{heard_->mutex};
    return heard_->quiet;
}

void Place::looksAlive() {
    const auto& raw = table_->raw();
    const bool ended = quiet();
    const abi::Bool alive = timed("LooksAlive", entryPoint, [&] {
        return table_->version() == abi::versionV1 ? raw.v1.looksAlive(id_) : raw.v2.looksAlive(id_);
    });
    judge_.expect(!ended || alive == 0, "W-132 LooksAlive after Terminate returned", number_);
}

void Place::isAlive() {
    const auto& raw = table_->raw();
    const bool ended = quiet();
    const abi::Bool alive = timed("IsAlive", entryPoint, [&] {
        return table_->version() == abi::versionV1 ? raw.v1.isAlive(id_) : raw.v2.isAlive(id_);
    });
    judge_.expect(!ended || alive == 0, "W-132 IsAlive after Terminate returned", number_);
}

void Place::cancel() {
    if (table_->version() == abi::versionV1) return;
    static_cast<void>(timed("Cancel", entryPoint, [&] { return table_->raw().v2.cancel(id_, 0); }));
}

void Place::control(std::uint64_t random) {
    using namespace abi::control;
    constexpr std::array<Dword, 8> codes{resourceGetCharacteristics,    resourceGetClassInfo,
                                         resourceGetPrivateProperties,  resourceSetPrivateProperties,
                                         resourceEnumPrivateProperties, resourceAddDependency,
                                         resourceStateChangeReason,     0x0180'BEEF};
    const Dword code = codes[random % codes.size()];
    const auto outSize = static_cast<Dword>(random >> 8U & 0x1FU);
    const auto& raw = table_->raw();
    auto call = std::make_shared<LateCall>(outSize);
    const auto inSize = static_cast<Dword>(call->in.size());
    if (table_->version() < abi::versionV3) {
        const Dword answer = timed("ResourceControl", entryPoint, [&] {
            return table_->version() == abi::versionV1
                       ? raw.v1.resourceControl(id_, code, call->in.data(), inSize, call->out.data(), outSize,
                                                &call->returned)
                       : raw.v2.resourceControl(id_, code, call->in.data(), inSize, call->out.data(), outSize,
                                                &call->returned);
        });
        judge_.expect(answer != 0 || call->returned <= outSize, "W-141 an answer larger than its buffer", number_);
        return;
    }
    // W-151: the buffers are the library's until End, which may come before Begin returns.
    abi::Bool late = 2;
    std::int64_t context = 0;
    {
        const std::lock_guard lock{lateCalls().mutex};
        context = ++lateCalls().last;
        lateCalls().waiting[context] = call;
    }
    static_cast<void>(timed("BeginResourceControl", entryPoint, [&] {
        return raw.v3.beginResourceControl(id_, code, call->in.data(), inSize, call->out.data(), outSize,
                                           &call->returned, context, &late);
    }));
    judge_.expect(late == 0 || late == 1, "W-151 whether the answer comes later is not said", number_);
    if (late == 1) return;
    const std::lock_guard lock{lateCalls().mutex};
    judge_.expect(lateCalls().waiting.erase(context) == 1, "W-151 a call that was answered at once was ended, too",
                  number_);
}

Place::End Place::waitForEnd(milliseconds patience) {
    std::unique_lock lock{heard_->mutex};
    const auto began = [&] { return heard_->terminates != heard_->current.terminates; };
    heard_->changed.wait_for(lock, patience, [&] { return heard_->current.finals != 0 || began(); });
    if (heard_->current.finals != 0) return End::final;
    return began() ? End::terminated : End::none;
}

bool Place::terminate() {
    const std::shared_lock life{life_, std::try_to_lock};
    if (!life.owns_lock() || id_ == nullptr) return false;
    std::uint64_t before = 0;
    bool apart = false;
    {
        const std::lock_guard lock{heard_->mutex};
        ++heard_->terminates;
        ++heard_->terminating;
        before = heard_->begun;
        apart = heard_->inCall == 0;
        heard_->changed.notify_all();
    }
    const auto& raw = table_->raw();
    timed("Terminate", entryPoint,
          [&] { table_->version() == abi::versionV1 ? raw.v1.terminate(id_) : raw.v2.terminate(id_); });
    const std::lock_guard lock{heard_->mutex};
    --heard_->terminating;
    heard_->changed.notify_all();
    // An Online or Offline beside it may as well have come after it: then its reports are right.
    if (apart && heard_->begun == before && heard_->inCall == 0) {
        heard_->quiet = true;
        heard_->quietSince = Steady::now();
        // Nothing new begins under the lock. What a member starts that did not listen to its end is undone when it is back (D8).
        judge_.expect(!subject_->running.load() || subject_->late.load(), "W-132 it runs after Terminate returned",
                      number_);
    }
    return true;
}

}  // namespace stress
