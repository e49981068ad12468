// SPDX-License-Identifier: BSL-1.0
#include "engine.hpp"

#include "conduct.hpp"

#include <holdfast/abi/wide.hpp>

#include <dlfcn.h>
#include <poll.h>

#include <stdexcept>
#include <thread>
#include <utility>

namespace bench {
namespace {

std::atomic<std::size_t> checks{0};
std::atomic<int> started{0};

const Stage ours{[] { checks.fetch_add(1, std::memory_order_relaxed); }, [] { Door::one().waitInside(); },
                 [](int pid) { started.store(pid, std::memory_order_release); }};

abi::Dword setStatus(abi::ResourceHandle handle, abi::ResourceStatus* status) {
    reinterpret_cast<Resource*>(handle)->take(status->state);
    return 0;
}
void logEvent(abi::ResourceHandle /*handle*/, abi::Dword /*level*/, const abi::WideChar* /*format*/, ...) {}

constexpr bool final(abi::ResourceState state) {
    return state != abi::ResourceState::onlinePending && state != abi::ResourceState::offlinePending &&
           state != abi::ResourceState::pending;
}

}  // namespace

// ---- Library -----------------------------------------------------------------------------------------------------

Library::Library(const std::string& file) {
    void* const handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) throw std::runtime_error{::dlerror()};
    const auto start = reinterpret_cast<abi::StartupRoutine>(::dlsym(handle, "Startup"));
    if (start == nullptr) throw std::runtime_error{file + " has no Startup"};
    const auto code = start(holdfast::abi::toWide("Measured").c_str(), abi::versionV1, abi::versionV1, &setStatus,
                            &logEvent, &table_);
    if (code != 0) throw std::runtime_error{file + ": Startup answers " + std::to_string(code)};
}

// ---- Resource ----------------------------------------------------------------------------------------------------

Resource::Resource(const Library& library, const std::string& name)
    : library_{library}, name_{holdfast::abi::toWide(name)} {
    open();
}

Resource::~Resource() { close(); }

void Resource::open() {
    if (id_ != nullptr) return;
    id_ = library_.table().open(name_.c_str(), nullptr, reinterpret_cast<abi::ResourceHandle>(this));
    if (id_ == nullptr) throw std::runtime_error{"Open fails"};
}

void Resource::close() {
    if (id_ != nullptr) library_.table().close(std::exchange(id_, nullptr));
}

bool Resource::online() {
    state_.store(abi::ResourceState::onlinePending, std::memory_order_release);
    failure_ = library_.table().online(id_, &event_);
    return failure_ == abi::code::ioPending;
}

bool Resource::offline() {
    state_.store(abi::ResourceState::offlinePending, std::memory_order_release);
    failure_ = library_.table().offline(id_);
    return failure_ == abi::code::ioPending;
}

void Resource::take(abi::ResourceState state) noexcept {
    if (!final(state)) return;
    reportedAt_.store(Clock::now().time_since_epoch().count(), std::memory_order_release);
    state_.store(state, std::memory_order_release);
}

bool Resource::finished(abi::ResourceState wanted) const {
    return eventually([&] { return final(state_.load(std::memory_order_acquire)); }) &&
           state_.load(std::memory_order_acquire) == wanted;
}

bool Resource::failureSignalled() const {
    pollfd watched{static_cast<int>(reinterpret_cast<std::intptr_t>(event_)), POLLIN, 0};
    return ::poll(&watched, 1, 30'000) == 1;
}

// ---- the user's code ---------------------------------------------------------------------------------------------

std::size_t checksSoFar() noexcept { return checks.load(std::memory_order_relaxed); }
int takeStarted() noexcept { return started.exchange(0, std::memory_order_acq_rel); }

Door& Door::one() {
    static Door* const door = new Door;  // never destroyed: somebody may wait in it when the process ends
    return *door;
}

void Door::waitInside() {
    std::unique_lock lock{mutex_};
    ++inside_;
    opened_.wait(lock, [this] { return open_; });
    --inside_;
}

void Door::open() {
    {
        const std::lock_guard lock{mutex_};
        open_ = true;
    }
    opened_.notify_all();
}

void Door::shut() {
    const std::lock_guard lock{mutex_};
    open_ = false;
}

bool Door::waitFor(std::size_t visitors) const {
    return eventually([&] { return inside() >= visitors; });
}

bool Door::empty() const {
    return eventually([&] { return inside() == 0; });
}

}  // namespace bench

extern "C" __attribute__((visibility("default"))) const bench::Stage* benchmarkStage() { return &bench::ours; }
