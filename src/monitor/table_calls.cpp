// SPDX-License-Identifier: BSL-1.0
#include "monitor/table_calls.hpp"

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace holdfast::inline v1::monitor {
namespace {

/** One call that may be answered by EndControlCall. */
struct Awaited {
    std::shared_ptr<ControlBuffers> buffers;  // the agent may write to them until it has answered
    std::mutex mutex;                         // guards status
    std::condition_variable ended;
    std::optional<abi::Dword> status;
};

/** The contexts of this process: numbers that are never used twice, as handles are (W-106). */
class Contexts {
public:
    std::int64_t add(std::shared_ptr<Awaited> call) {
        const std::lock_guard lock{mutex_};
        const std::int64_t context = next_;
        next_ += 2;
        calls_.emplace(context, std::move(call));
        return context;
    }
    std::shared_ptr<Awaited> take(std::int64_t context) {
        const std::lock_guard lock{mutex_};
        const auto found = calls_.find(context);
        if (found == calls_.end()) return nullptr;
        auto call = std::move(found->second);
        calls_.erase(found);
        return call;
    }

private:
    std::mutex mutex_;  // guards all below
    std::map<std::int64_t, std::shared_ptr<Awaited>> calls_;
    std::int64_t next_{0x20001};
};

Contexts& contexts() noexcept {
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): without it there is no monitor
    static auto* const all = new Contexts;  // an abandoned agent thread may call back during exit
    return *all;
}

template <typename Begin>
abi::Dword beginAndWait(const std::shared_ptr<ControlBuffers>& buffers, const std::function<bool()>& goOn,
                        Begin&& begin) {
    const auto call = std::make_shared<Awaited>();
    call->buffers = buffers;
    const std::int64_t context = contexts().add(call);
    // Forgotten however the call ends; only what is answered late stays known, with its buffers.
    struct Forget {
        std::int64_t context;
        bool keep{false};
        ~Forget() {
            if (!keep) static_cast<void>(contexts().take(context));
        }
    } forget{context};
    abi::Bool asynchronously = 0;
    const abi::Dword direct = begin(context, &asynchronously);
    if (asynchronously == 0) return direct;
    std::unique_lock lock{call->mutex};
    while (!call->ended.wait_for(lock, std::chrono::milliseconds{50}, [&] { return call->status.has_value(); })) {
        if (goOn()) continue;
        forget.keep = true;
        return abi::code::resourceCallTimedOut;
    }
    return *call->status;
}

void* pointerTo(std::vector<abi::Byte>& bytes) noexcept { return bytes.empty() ? nullptr : bytes.data(); }
abi::Dword sizeOf(const std::vector<abi::Byte>& bytes) noexcept { return static_cast<abi::Dword>(bytes.size()); }

}  // namespace

TableCalls::TableCalls(const abi::FunctionTable& table) noexcept {
    // Whoever made it may know no later version: its memory ends with its block.
    std::memcpy(&table_, &table, offsetof(abi::FunctionTable, v1) + abi::functionBlockSize(table.version));
}

abi::ResourceId TableCalls::open(const abi::WideChar* name, abi::KeyHandle key, abi::ResourceHandle handle) const {
    return version() >= abi::versionV2 ? table_.v2.open(name, key, handle, 0) : table_.v1.open(name, key, handle);
}

abi::Dword TableCalls::online(abi::ResourceId id, abi::Handle* event) const {
    return version() >= abi::versionV2 ? table_.v2.online(id, event, 0, nullptr, 0, 0) : table_.v1.online(id, event);
}

abi::Dword TableCalls::offline(abi::ResourceId id) const {
    return version() >= abi::versionV2 ? table_.v2.offline(id, nullptr, 0, nullptr, 0, 0) : table_.v1.offline(id);
}

abi::Dword TableCalls::resourceControl(abi::ResourceId id, abi::Dword code,
                                       const std::shared_ptr<ControlBuffers>& buffers,
                                       const std::function<bool()>& goOn) const {
    ControlBuffers& b = *buffers;
    if (version() < abi::versionV3) {
        return table_.v1.resourceControl(id, code, pointerTo(b.in), sizeOf(b.in), pointerTo(b.out), sizeOf(b.out),
                                         &b.returned);
    }
    return beginAndWait(buffers, goOn, [&](std::int64_t context, abi::Bool* asynchronously) {
        return table_.v3.beginResourceControl(id, code, pointerTo(b.in), sizeOf(b.in), pointerTo(b.out), sizeOf(b.out),
                                              &b.returned, context, asynchronously);
    });
}

abi::Dword TableCalls::typeControl(const abi::WideChar* type, abi::Dword code,
                                   const std::shared_ptr<ControlBuffers>& buffers,
                                   const std::function<bool()>& goOn) const {
    ControlBuffers& b = *buffers;
    if (version() < abi::versionV3) {
        return table_.v1.resourceTypeControl(type, code, pointerTo(b.in), sizeOf(b.in), pointerTo(b.out), sizeOf(b.out),
                                             &b.returned);
    }
    return beginAndWait(buffers, goOn, [&](std::int64_t context, abi::Bool* asynchronously) {
        return table_.v3.beginResourceTypeControl(type, code, pointerTo(b.in), sizeOf(b.in), pointerTo(b.out),
                                                  sizeOf(b.out), &b.returned, context, asynchronously);
    });
}

bool endControlCall(std::int64_t context, abi::Dword status) noexcept {
    const auto call = contexts().take(context);
    if (!call) return false;
    {
        const std::lock_guard lock{call->mutex};
        call->status = status;
    }
    call->ended.notify_all();
    return true;
}

}  // namespace holdfast::inline v1::monitor
