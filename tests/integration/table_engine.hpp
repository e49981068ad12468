// SPDX-License-Identifier: BSL-1.0
#pragma once

/// An engine that drives any version of the function table, and the types on the stage it drives. Nothing in it is about
/// one system: the agent is linked in and only its start-up routines and tables are used.

#include "guarded_memory.hpp"
#include "scripted_agent.hpp"

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/adapters/wsfc.hpp>
#include <holdfast/os/event.hpp>
#include <holdfast/resource.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdarg>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#if defined(_WIN32)
#include <windows.h>
#else
#include <poll.h>
#endif

namespace stage {

using namespace holdfast::abi;
using namespace std::chrono_literals;

inline constexpr std::array versions{versionV1, versionV2, versionV3, versionV4};

// ---- the agent ---------------------------------------------------------------------------------------------------------

/** What the types do now; a test sets them before it opens a resource. */
struct Stage {
    std::mutex mutex;  // guards both
    std::shared_ptr<scripted::Script> script;
    std::function<void()> validator;
};
inline Stage& current() {
    static Stage one;
    return one;
}
inline std::shared_ptr<scripted::Script> newScript() {
    auto script = std::make_shared<scripted::Script>();
    const std::lock_guard lock{current().mutex};
    current().script = script;
    current().validator = nullptr;
    return script;
}
inline void setValidator(std::function<void()> validator) {
    const std::lock_guard lock{current().mutex};
    current().validator = std::move(validator);
}

struct Settings {
    std::uint32_t size{7};
    std::string label{"a label"};
};

class Actor final : public holdfast::Resource {
public:
    Actor(holdfast::Context& context, const Settings& /*settings*/) : agent_{context, script()} {}
    void online(holdfast::Operation& operation) override { agent_.online(operation); }
    void offline(holdfast::Operation& operation) override { agent_.offline(operation); }
    void terminate() noexcept override { agent_.terminate(); }
    holdfast::Verdict isAlive(holdfast::Check& check) override { return agent_.isAlive(check); }
    holdfast::Verdict looksAlive(holdfast::Check& check) override { return agent_.looksAlive(check); }
    bool repair(holdfast::Check& check) override { return agent_.repair(check); }
    holdfast::Presence probe(holdfast::Check& check) override { return agent_.probe(check); }
    bool adopt(holdfast::Operation& operation) override { return agent_.adopt(operation); }

private:
    static std::shared_ptr<scripted::Script> script() {
        const std::lock_guard lock{current().mutex};
        return current().script;
    }
    scripted::Agent agent_;
};

inline auto describe(const char* name) {
    return std::move(holdfast::ResourceType<Actor, Settings>{name}
                         .property("Size", &Settings::size, holdfast::range(1U, 100U), "a number")
                         .property("Label", &Settings::label, "a text")
                         .validate([](const Settings&) {
                             std::function<void()> validator;
                             {
                                 const std::lock_guard lock{current().mutex};
                                 validator = current().validator;
                             }
                             if (validator) validator();
                         })
                         .checkInterval(20ms));
}

/** Types of each highest version, and one whose operations are short of time. */
inline const holdfast::AgentTypes& types() {
    using holdfast::TableVersion;
    static const holdfast::AgentTypes all = [] {
        holdfast::core::Policy brief;
        brief.heartbeat = 50ms;
        brief.onlineLimit = 700ms;
        return holdfast::agentTypes(describe("Stage V1").tableVersion(TableVersion::v1), describe("Stage V2"),
                                    describe("Stage V3").tableVersion(TableVersion::v3),
                                    describe("Stage V4").tableVersion(TableVersion::v4),
                                    describe("Brief").policy(brief).tableVersion(TableVersion::v4));
    }();
    return all;
}

// ---- the engine --------------------------------------------------------------------------------------------------------

struct Report {
    ResourceState state;
    Dword checkPoint;
    Dword errorCode;  // 0 from Startup's callback
    Handle event;
};

/** What one resource's callbacks heard. */
struct Heard {
    std::mutex mutex;  // guards all below
    std::condition_variable changed;
    std::vector<Report> reports;
    std::vector<std::string> lines;
    std::vector<std::pair<FailureType, Dword>> failures;
    ExitState answer{ExitState::proceed};
    std::function<void()> onFailure;  // runs inside SignalFailure

    template <typename Condition>
    bool wait(const Condition& condition, std::chrono::milliseconds patience = 10s) {
        std::unique_lock lock{mutex};
        return changed.wait_for(lock, patience, condition);
    }
    bool waitFor(ResourceState state) {
        return wait([&] {
            return std::any_of(reports.begin(), reports.end(), [&](const Report& r) { return r.state == state; });
        });
    }
    bool waitForLine(const std::string& text) {
        return wait([&] {
            return std::any_of(lines.begin(), lines.end(),
                               [&](const std::string& line) { return line.find(text) != std::string::npos; });
        });
    }
    std::vector<Report> all() {
        const std::lock_guard lock{mutex};
        return reports;
    }
    std::size_t failuresSignalled() {
        const std::lock_guard lock{mutex};
        return failures.size();
    }
    void forget() {
        const std::lock_guard lock{mutex};
        reports.clear();
        lines.clear();
        failures.clear();
    }
};

/** Handles that are numbers and nothing else (W-106), and control calls that wait for their end. */
struct Desk {
    std::mutex mutex;  // guards all below
    std::condition_variable changed;
    std::map<std::uintptr_t, std::shared_ptr<Heard>> open;
    std::map<std::int64_t, std::vector<Dword>> ends;
    std::uintptr_t nextHandle{3};
    std::int64_t nextContext{0x7000'0000'0001};
    int strays{0};

    std::shared_ptr<Heard> find(ResourceHandle handle) {
        const std::lock_guard lock{mutex};
        const auto found = open.find(reinterpret_cast<std::uintptr_t>(handle));
        if (found != open.end()) return found->second;
        if (handle != nullptr) ++strays;
        return nullptr;
    }
    std::int64_t newContext() {
        const std::lock_guard lock{mutex};
        return nextContext += 2;
    }
    std::vector<Dword> endsOf(std::int64_t context) {
        const std::lock_guard lock{mutex};
        return ends[context];
    }
    bool waitForEnd(std::int64_t context, std::chrono::milliseconds patience = 10s) {
        std::unique_lock lock{mutex};
        return changed.wait_for(lock, patience, [&] { return !ends[context].empty(); });
    }
};
inline Desk& desk() {
    static Desk one;
    return one;
}

inline Dword take(ResourceHandle handle, const Report& report) {
    const auto heard = desk().find(handle);
    if (!heard) return static_cast<Dword>(ExitState::terminate);
    const std::lock_guard lock{heard->mutex};
    heard->reports.push_back(report);
    heard->changed.notify_all();
    return static_cast<Dword>(heard->answer);
}
inline Dword HOLDFAST_STDCALL setStatus(ResourceHandle handle, ResourceStatus* status) {
    return take(handle, {status->state, status->checkPoint, 0, status->eventHandle});
}
inline Dword HOLDFAST_STDCALL setStatusEx(ResourceHandle handle, ResourceStatusEx* status) {
    return take(handle, {status->state, status->checkPoint, status->applicationSpecificErrorCode, status->eventHandle});
}
inline void HOLDFAST_STDCALL logEvent(ResourceHandle handle, Dword /*level*/, const WideChar* format, ...) {
    va_list inserts;
    va_start(inserts, format);
    std::string text = toUtf8(va_arg(inserts, const WideChar*));
    va_end(inserts);
    const auto heard = desk().find(handle);
    if (!heard) return;
    const std::lock_guard lock{heard->mutex};
    heard->lines.push_back(std::move(text));
    heard->changed.notify_all();
}
inline Dword HOLDFAST_STDCALL signalFailure(ResourceHandle handle, FailureType type, Dword code) {
    const auto heard = desk().find(handle);
    if (!heard) return 5007;
    std::function<void()> hook;
    {
        const std::lock_guard lock{heard->mutex};
        hook = heard->onFailure;
    }
    if (hook) hook();
    const std::lock_guard lock{heard->mutex};
    heard->failures.emplace_back(type, code);
    heard->changed.notify_all();
    return 0;
}
inline Dword HOLDFAST_STDCALL endCall(std::int64_t context, Dword status) {
    const std::lock_guard lock{desk().mutex};
    desk().ends[context].push_back(status);
    desk().changed.notify_all();
    return 0;
}

inline CallbackTable wholeCallbacks() {
    CallbackTable whole{};
    whole.logEvent = &logEvent;
    whole.setResourceStatusEx = &setStatusEx;
    whole.signalFailure = &signalFailure;
    whole.endControlCall = &endCall;
    whole.endTypeControlCall = &endCall;
    return whole;
}

/** As many entries as a monitor that supports `max` certainly has, and not a byte more (W-031). */
class Callbacks {
public:
    explicit Callbacks(Dword max) : memory_{callbackEntries(max) * sizeof(void*)} {
        const CallbackTable whole = wholeCallbacks();
        std::memcpy(memory_.data(), &whole, memory_.size());
    }
    [[nodiscard]] const CallbackTable* get() const noexcept { return static_cast<CallbackTable*>(memory_.data()); }

private:
    guarded::Memory memory_;
};

inline Dword startEx(const char* type, Dword min, Dword max, FunctionTable** table) {
    const Callbacks callbacks{max};
    return holdfast::adapters::startupEx(&types, toWide(type).c_str(), min, max, callbacks.get(), table);
}

/** One answer to a control call, whichever way it came. */
struct Answer {
    Dword code{0};
    Dword returned{0};
    bool late{false};
    std::int64_t context{0};
};

/** A function table of one version behind one set of calls. */
class Table {
public:
    /** The table of `version`, of a type that offers it. */
    explicit Table(Dword version, const char* type = nullptr) : version_{version} {
        static constexpr const char* names[] = {"Stage V1", "Stage V2", "Stage V3", "Stage V4"};
        name_ = type != nullptr ? type : names[version / 0x100 - 1];
        REQUIRE(startEx(name_.c_str(), versionV1, version, &table_) == 0);
        REQUIRE(table_ != nullptr);
        REQUIRE(table_->version == version);
    }

    [[nodiscard]] ResourceId open(const char* name, ResourceHandle handle, Dword flags = 0) const {
        return isV1() ? table_->v1.open(toWide(name).c_str(), nullptr, handle)
                      : table_->v2.open(toWide(name).c_str(), nullptr, handle, flags);
    }
    void close(ResourceId id) const { isV1() ? table_->v1.close(id) : table_->v2.close(id); }
    Dword online(ResourceId id, Handle* event, Dword flags = 0) const {
        return isV1() ? table_->v1.online(id, event) : table_->v2.online(id, event, flags, nullptr, 0, 0);
    }
    Dword offline(ResourceId id, const WideChar* destination = nullptr, Dword flags = 0) const {
        return isV1() ? table_->v1.offline(id) : table_->v2.offline(id, destination, flags, nullptr, 0, 0);
    }
    void terminate(ResourceId id) const { isV1() ? table_->v1.terminate(id) : table_->v2.terminate(id); }
    Bool looksAlive(ResourceId id) const { return isV1() ? table_->v1.looksAlive(id) : table_->v2.looksAlive(id); }
    Bool isAlive(ResourceId id) const { return isV1() ? table_->v1.isAlive(id) : table_->v2.isAlive(id); }
    [[nodiscard]] bool canCancel() const { return !isV1(); }
    Dword cancel(ResourceId id) const { return table_->v2.cancel(id, 0); }

    /** Begins a control call; V1 and V2 end it, too. */
    Answer begin(ResourceId id, Dword code, void* in, Dword inSize, void* out, Dword outSize, Dword* returned,
                 bool asUser = false) const {
        Answer answer;
        Bool late = 2;
        if (version_ < versionV3) {
            answer.code = isV1() ? table_->v1.resourceControl(id, code, in, inSize, out, outSize, returned)
                                 : table_->v2.resourceControl(id, code, in, inSize, out, outSize, returned);
            return answer;
        }
        answer.context = desk().newContext();
        if (asUser && version_ >= versionV4) {
            // A token that is none: it is nobody's business but the monitor's.
            answer.code =
                table_->v4.beginResourceControlAsUser(id, reinterpret_cast<Handle>(std::uintptr_t{0xDEAD}), code, in,
                                                      inSize, out, outSize, returned, answer.context, &late);
        } else {
            answer.code =
                table_->v3.beginResourceControl(id, code, in, inSize, out, outSize, returned, answer.context, &late);
        }
        REQUIRE((late == 0 || late == 1));  // W-151: said in any case
        answer.late = late == 1;
        return answer;
    }
    /** A whole control call. */
    Answer control(ResourceId id, Dword code, void* in, Dword inSize, void* out, Dword outSize,
                   bool asUser = false) const {
        Dword returned = 0xCCCC;
        Answer answer = begin(id, code, in, inSize, out, outSize, &returned, asUser);
        if (answer.late) {
            CHECK(answer.code == 0);
            REQUIRE(desk().waitForEnd(answer.context));
            answer.code = desk().endsOf(answer.context).front();
        }
        answer.returned = returned;
        return answer;
    }
    Answer typeControl(const char* type, Dword code, void* in, Dword inSize, void* out, Dword outSize,
                       bool asUser = false) const {
        Answer answer;
        answer.returned = 0xCCCC;
        const auto name = toWide(type);
        if (version_ < versionV3) {
            answer.code =
                isV1() ? table_->v1.resourceTypeControl(name.c_str(), code, in, inSize, out, outSize, &answer.returned)
                       : table_->v2.resourceTypeControl(name.c_str(), code, in, inSize, out, outSize, &answer.returned);
            return answer;
        }
        Bool late = 2;
        answer.context = desk().newContext();
        if (asUser && version_ >= versionV4) {
            answer.code = table_->v4.beginResourceTypeControlAsUser(
                name.c_str(), reinterpret_cast<Handle>(std::uintptr_t{0xDEAD}), code, in, inSize, out, outSize,
                &answer.returned, answer.context, &late);
        } else {
            answer.code = table_->v3.beginResourceTypeControl(name.c_str(), code, in, inSize, out, outSize,
                                                              &answer.returned, answer.context, &late);
        }
        if (late == 1) {
            REQUIRE(desk().waitForEnd(answer.context));
            answer.code = desk().endsOf(answer.context).front();
        }
        return answer;
    }

    [[nodiscard]] Dword version() const { return version_; }
    [[nodiscard]] const std::string& typeName() const { return name_; }
    [[nodiscard]] const FunctionTable& raw() const { return *table_; }

private:
    [[nodiscard]] bool isV1() const { return version_ == versionV1; }
    Dword version_;
    std::string name_;
    FunctionTable* table_{nullptr};
};

/** One open resource. */
class Hosted {
public:
    explicit Hosted(const Table& table, Dword openFlags = 0, const std::string& name = "one") : t{table} {
        {
            const std::lock_guard lock{desk().mutex};
            number_ = desk().nextHandle;
            desk().nextHandle += 2;
            desk().open[number_] = heard;
        }
        id = t.open(name.c_str(), reinterpret_cast<ResourceHandle>(number_), openFlags);
        REQUIRE(id != nullptr);
    }
    Hosted(const Hosted&) = delete;
    Hosted& operator=(const Hosted&) = delete;
    ~Hosted() { close(); }
    void close() {
        if (id != nullptr) t.close(std::exchange(id, nullptr));
        const std::lock_guard lock{desk().mutex};
        desk().open.erase(number_);
    }
    Dword online(Dword flags = 0) {
        event = nullptr;
        return t.online(id, &event, flags);
    }
    bool bringOnline(Dword flags = 0) {
        heard->forget();
        return online(flags) == code::ioPending && heard->waitFor(ResourceState::online);
    }
    bool takeOffline(const WideChar* destination = nullptr) {
        heard->forget();
        const Dword code = t.offline(id, destination);
        return code == code::success || (code == code::ioPending && heard->waitFor(ResourceState::offline));
    }
    [[nodiscard]] bool signalled(std::chrono::milliseconds patience = 0ms) const {
        if (event == nullptr) return false;
#if defined(_WIN32)
        return ::WaitForSingleObject(event, static_cast<DWORD>(patience.count())) == WAIT_OBJECT_0;
#else
        pollfd watched{static_cast<int>(reinterpret_cast<std::intptr_t>(event)), POLLIN, 0};
        return ::poll(&watched, 1, static_cast<int>(patience.count())) == 1;
#endif
    }

    const Table& t;
    std::shared_ptr<Heard> heard{std::make_shared<Heard>()};
    ResourceId id{nullptr};
    Handle event{nullptr};

private:
    std::uintptr_t number_{0};
};

}  // namespace stage
