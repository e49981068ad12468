// SPDX-License-Identifier: BSL-1.0

/// The start-up routines and the function tables V1 to V4, driven from outside; on every system alike.

#include "bounded.hpp"
#include "table_engine.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

using namespace stage;
using holdfast::Check;
using holdfast::Context;
using holdfast::Error;
using holdfast::ErrorCode;
using holdfast::Operation;
using holdfast::StopReason;
using holdfast::Verdict;
using scripted::eventually;

CATCH_REGISTER_LISTENER(bounded::Watchdog)

namespace {

Dword anyVersion() {
    const Dword version = GENERATE(from_range(versions.begin(), versions.end()));
    return version;
}

/** What a host that knows nothing but Startup gets. */
Dword startPlain(const char* type, Dword min, Dword max, FunctionTable** table) {
    return holdfast::adapters::startup(&types, toWide(type).c_str(), min, max, &setStatus, &logEvent, table);
}

}  // namespace

TEST_CASE("W-015 W-016 D20 the highest version inside the engine's range that the author allows", "[W-019]") {
    struct Row {
        const char* type;
        Dword min;
        Dword max;
        Dword agreed;  // 0: refused
    };
    const Row rows[] = {
        {"Stage V4", 0x100, 0x100, 0x100}, {"Stage V4", 0x100, 0x200, 0x200}, {"Stage V4", 0x100, 0x300, 0x300},
        {"Stage V4", 0x100, 0x400, 0x400}, {"Stage V4", 0x100, 0x350, 0x300}, {"Stage V4", 0x100, 0x1FF, 0x100},
        {"Stage V4", 0x100, ~0U, 0x400},   {"Stage V4", 0x300, 0x300, 0x300}, {"Stage V4", 0x210, 0x2FF, 0},
        {"Stage V4", 0x401, ~0U, 0},       {"Stage V4", 0, 0xFF, 0},          {"Stage V4", 0x400, 0x100, 0},
        {"Stage V2", 0x100, 0x400, 0x200},  // the author said nothing
        {"Stage V2", 0x300, 0x400, 0},     {"Stage V3", 0x100, 0x400, 0x300}, {"Stage V1", 0x100, 0x400, 0x100},
        {"Stage V1", 0x200, 0x400, 0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.type, row.min, row.max);
        auto* table = reinterpret_cast<FunctionTable*>(std::uintptr_t{1});
        const Dword code = startEx(row.type, row.min, row.max, &table);
        CHECK(code == (row.agreed == 0 ? code::revisionMismatch : code::success));
        REQUIRE((table == nullptr) == (row.agreed == 0));
        if (table != nullptr) CHECK(table->version == row.agreed);
    }
}

TEST_CASE("W-012 W-015 Startup alone works too, and offers V1, whose callbacks it was given") {
    FunctionTable* table = nullptr;
    for (const char* type : {"Stage V1", "Stage V4"}) {
        CHECK(startPlain(type, 0x100, 0x400, &table) == 0);
        REQUIRE(table != nullptr);
        CHECK(table->version == versionV1);
        CHECK(startPlain(type, 0x200, 0x400, &table) == code::revisionMismatch);
        CHECK(table == nullptr);
    }
    newScript();
    CHECK(startPlain("Stage V4", 0x100, 0x100, &table) == 0);
    const Callbacks callbacks{versionV1};
    const auto heard = std::make_shared<Heard>();
    {
        const std::lock_guard lock{desk().mutex};
        desk().open[1] = heard;
    }
    const ResourceId id = table->v1.open(toWide("plain").c_str(), nullptr, reinterpret_cast<ResourceHandle>(1));
    REQUIRE(id != nullptr);
    Handle event = nullptr;
    CHECK(table->v1.online(id, &event) == code::ioPending);
    CHECK(heard->waitFor(ResourceState::online));
    CHECK(heard->all().back().errorCode == 0);  // by SetResourceStatus
    table->v1.terminate(id);
    table->v1.close(id);
    const std::lock_guard lock{desk().mutex};
    desk().open.erase(1);
}

TEST_CASE("W-014 W-018 StartupEx finds the type by its name in any case, and refuses what is missing", "[W-1111]") {
    FunctionTable* table = nullptr;
    CHECK(startEx("sTAGE v4", 0x100, 0x400, &table) == 0);
    CHECK(table != nullptr);
    for (const char* unknown : {"X", "", "Stage", "Stage V44", "Stage V4 "}) {
        table = reinterpret_cast<FunctionTable*>(std::uintptr_t{1});
        CHECK(startEx(unknown, 0x100, 0x400, &table) == code::resourceTypeNameNotFound);
        CHECK(table == nullptr);
    }
    const Callbacks callbacks{versionV4};
    const auto name = toWide("Stage V4");
    const auto start = [&](const WideChar* type, const CallbackTable* given, FunctionTable** out) {
        return holdfast::adapters::startupEx(&types, type, 0x100, 0x400, given, out);
    };
    CHECK(start(name.c_str(), callbacks.get(), nullptr) == code::invalidParameter);
    table = reinterpret_cast<FunctionTable*>(std::uintptr_t{1});
    CHECK(start(nullptr, callbacks.get(), &table) == code::invalidParameter);
    CHECK(table == nullptr);
    CHECK(start(name.c_str(), nullptr, &table) == code::invalidParameter);
    CallbackTable none = wholeCallbacks();
    none.logEvent = nullptr;
    CHECK(start(name.c_str(), &none, &table) == code::invalidParameter);
    none = wholeCallbacks();
    none.setResourceStatusEx = nullptr;
    CHECK(start(name.c_str(), &none, &table) == code::invalidParameter);
    CHECK(table == nullptr);
}

TEST_CASE("W-020 W-021 W-023 W-025 W-027 each table has its size, its slots in their order, and never changes",
          "[W-138]") {
    std::array<std::array<void*, 14>, 4> slots{};
    const std::array<std::size_t, 4> members{11, 12, 12, 14};
    for (std::size_t v = 0; v < versions.size(); ++v) {
        CAPTURE(v);
        FunctionTable* table = nullptr;
        REQUIRE(startEx("Stage V4", 0x100, versions[v], &table) == 0);
        CHECK(table->tableSize == members[v] * 8);
        std::memcpy(slots[v].data(), reinterpret_cast<const char*>(table) + 8, table->tableSize);
        for (std::size_t slot = 0; slot < members[v]; ++slot) {
            CAPTURE(slot);
            CHECK((slots[v][slot] == nullptr) == (slot == 7 || slot == 8));  // W-138: Arbitrate and Release
        }
        const FunctionTable before = *table;
        FunctionTable* again = nullptr;
        CHECK(startEx("Stage V4", 0x100, versions[v], &again) == 0);
        CHECK(again == table);
        CHECK(std::memcmp(&before, again, sizeof before) == 0);
    }
    // What has one signature is one function; what has another stands in the same slot.
    for (const std::size_t same : {1U, 4U, 5U, 6U}) CHECK(slots[0][same] == slots[3][same]);
    for (const std::size_t later : {0U, 2U, 3U}) {
        CHECK(slots[0][later] != slots[1][later]);
        CHECK(slots[1][later] == slots[3][later]);
    }
    for (const std::size_t control : {9U, 10U}) {
        CHECK(slots[0][control] == slots[1][control]);
        CHECK(slots[1][control] != slots[2][control]);
        CHECK(slots[2][control] == slots[3][control]);
    }
    CHECK(slots[1][11] == slots[3][11]);
}

TEST_CASE("W-240 an engine that calls Terminate from within SignalFailure does not wait for itself") {
    const auto script = newScript();
    script->isAlive = [&](Check&) { return Verdict::failed("as told"); };
    const Table table{versionV2};
    auto quickest = std::chrono::steady_clock::duration::max();
    // Of three, so that a busy machine is not taken for it.
    for (int attempt = 0; attempt < 3 && quickest > 200ms; ++attempt) {
        Hosted one{table};
        std::atomic<bool> back{false};
        std::chrono::steady_clock::duration took{};
        {
            const std::lock_guard lock{one.heard->mutex};
            one.heard->onFailure = [&] {
                const auto begin = std::chrono::steady_clock::now();
                table.terminate(one.id);
                took = std::chrono::steady_clock::now() - begin;
                back = true;
            };
        }
        REQUIRE(one.bringOnline());
        REQUIRE(eventually([&] { return back.load(); }));
        quickest = std::min(quickest, took);
    }
    CHECK(quickest <= 200ms);  // it would wait until 250 ms have gone
}

TEST_CASE("A whole life over each version: Online, polls, failure, Terminate, Online, Offline",
          "[W-024][W-120][W-127][W-132][W-246][W-1123]") {
    const Dword version = anyVersion();
    CAPTURE(version);
    const auto script = newScript();
    std::atomic<bool> fails{false};
    script->isAlive = [&](Check&) { return fails ? Verdict::failed("as told") : Verdict::alive(); };
    const Table table{version};
    Hosted one{table};
    std::atomic<int> aliveInside{-1};
    {
        const std::lock_guard lock{one.heard->mutex};
        one.heard->onFailure = [&] { aliveInside = table.isAlive(one.id); };
    }
    CHECK(table.isAlive(one.id) == 0);
    REQUIRE(one.bringOnline());
    CHECK(table.looksAlive(one.id) == 1);
    CHECK(table.isAlive(one.id) == 1);
    REQUIRE(one.event != nullptr);  // W-120
    CHECK_FALSE(one.signalled());
    CHECK(one.heard->all().back().event == one.event);  // W-207
    fails = true;
    REQUIRE(one.signalled(10s));  // W-320
    CHECK(table.isAlive(one.id) == 0);
    if (version >= versionV2) {
        CHECK(one.heard->wait([&] { return !one.heard->failures.empty(); }));  // W-324
        CHECK(aliveInside == 0);                                               // W-1123: the verdict was there before
        CHECK(one.heard->failures.front().first == FailureType::general);
    }
    table.terminate(one.id);
    table.terminate(one.id);  // W-131
    CHECK(script->terminates >= 1);
    CHECK(one.heard->failuresSignalled() == (version >= versionV2 ? 1U : 0U));  // once; V1 has no such callback
    fails = false;
    REQUIRE(one.bringOnline());
    CHECK_FALSE(one.signalled());  // W-132, W-246
    CHECK(one.takeOffline());
    CHECK(script->offlines == 1);
    CHECK(table.offline(one.id) == code::success);  // W-127
    CHECK(script->overlaps == 0);
    one.close();
    CHECK(desk().strays == 0);  // W-117
}

TEST_CASE("W-201 W-209 a status is reported between 997 and the one final report, and at no other time") {
    const Dword version = anyVersion();
    CAPTURE(version);
    const auto script = newScript();
    std::atomic<bool> fails{false};
    script->isAlive = [&](Check&) { return fails ? Verdict::failed("as told") : Verdict::alive(); };
    script->online = [](Operation& operation) { operation.checkpoint("one step"); };
    const Table table{version};
    Hosted one{table};
    std::this_thread::sleep_for(20ms);
    CHECK(one.heard->all().empty());  // Open
    REQUIRE(one.bringOnline());
    const std::size_t afterOnline = one.heard->all().size();
    CHECK(one.heard->all().back().state == ResourceState::online);
    std::this_thread::sleep_for(60ms);
    fails = true;  // the failure of an online resource is the event's business
    REQUIRE(one.signalled(10s));
    std::this_thread::sleep_for(60ms);
    CHECK(one.heard->all().size() == afterOnline);
    table.terminate(one.id);
    CHECK(one.heard->all().size() == afterOnline);
    CHECK(table.offline(one.id) == code::success);  // a direct answer needs no report
    std::this_thread::sleep_for(60ms);
    CHECK(one.heard->all().size() == afterOnline);
    fails = false;
    REQUIRE(one.bringOnline());
    one.heard->forget();
    CHECK(table.offline(one.id) == code::ioPending);
    REQUIRE(one.heard->waitFor(ResourceState::offline));
    std::this_thread::sleep_for(60ms);
    CHECK(one.heard->all().back().state == ResourceState::offline);
    const auto all = one.heard->all();
    CHECK(std::count_if(all.begin(), all.end(), [](const Report& r) { return r.state == ResourceState::offline; }) ==
          1);
}

TEST_CASE("W-320 W-323 right under both readings of a signalled event: IsAlive first, or Terminate at once",
          "[W-312][W-1124][W-1132]") {
    const Dword version = anyVersion();
    const bool legacy = GENERATE(false, true);
    CAPTURE(version, legacy);
    const auto script = newScript();
    std::atomic<bool> fails{false};
    script->isAlive = [&](Check&) { return fails ? Verdict::failed("as told") : Verdict::alive(); };
    const Table table{version};
    Hosted one{table};
    Handle handle = nullptr;
    for (int run = 0; run < 3; ++run) {
        REQUIRE(one.bringOnline());
        if (run > 0) CHECK(one.event == handle);  // one per instance, open from Open to Close
        handle = one.event;
        CHECK_FALSE(one.signalled());
        fails = true;
        REQUIRE(one.signalled(10s));
        CHECK(one.signalled());  // manual reset: a second look sees it, too
        if (!legacy) CHECK(table.isAlive(one.id) == 0);
        table.terminate(one.id);
        CHECK(script->terminates == run + 1);
        CHECK_FALSE(script->running.load());
        fails = false;
    }
    CHECK(one.heard->all().back().state == ResourceState::online);  // nothing was reported for a failure (W-201)
}

TEST_CASE("W-031 nothing beyond the entries that Max guarantees is touched, whatever happens", "[W-1128]") {
    // Each table of callbacks ends at a page that nobody may touch, and lives only as long as StartupEx runs.
    for (const Dword max : {0x100U, 0x1FFU, 0x200U, 0x2FFU, 0x300U, 0x3FFU, 0x400U, 0x500U}) {
        CAPTURE(max);
        FunctionTable* raw = nullptr;
        REQUIRE(startEx("Stage V4", 0x100, max, &raw) == 0);
        const auto script = newScript();
        script->isAlive = [](Check&) { return Verdict::failed("at once"); };
        const Table table{raw->version};
        Hosted one{table};
        REQUIRE(one.bringOnline());
        CHECK(one.signalled(10s));
        CHECK(table.control(one.id, 0x01000081, nullptr, 0, nullptr, 0).code == code::moreData);
        table.terminate(one.id);
    }
}

TEST_CASE("W-207 W-033 a failed Online carries its error code where the version has room for it") {
    const Dword version = anyVersion();
    CAPTURE(version);
    const auto script = newScript();
    const Table table{version};
    const bool extended = version >= versionV1;  // all of these were started by StartupEx
    struct Row {
        ErrorCode code;
        Dword win32;
        ResourceState state;
    };
    for (const Row& row :
         {Row{ErrorCode::busy, 170, ResourceState::failed}, Row{ErrorCode::permission, 5, ResourceState::failed},
          Row{ErrorCode::wrongNode, 0, ResourceState::cannotComeOnlineOnThisNode}}) {
        script->online = [code = row.code](Operation&) { throw Error{code, "as told"}; };
        Hosted one{table};
        CHECK(one.online() == code::ioPending);
        REQUIRE(one.heard->waitFor(row.state));
        if (row.win32 != 0 && extended) CHECK(one.heard->all().back().errorCode == row.win32);
        CHECK(one.heard->all().size() == 1);  // W-209
        table.terminate(one.id);
    }
    // The same by Startup's callback: there is no field, and no such state.
    FunctionTable* plain = nullptr;
    REQUIRE(startPlain("Stage V1", 0x100, 0x100, &plain) == 0);
    const auto heard = std::make_shared<Heard>();
    {
        const std::lock_guard lock{desk().mutex};
        desk().open[1] = heard;
    }
    const ResourceId id = plain->v1.open(toWide("plain").c_str(), nullptr, reinterpret_cast<ResourceHandle>(1));
    Handle event = nullptr;
    CHECK(plain->v1.online(id, &event) == code::ioPending);
    CHECK(heard->waitFor(ResourceState::failed));
    plain->v1.close(id);
    const std::lock_guard lock{desk().mutex};
    desk().open.erase(1);
}

TEST_CASE("W-115 the flags \"recover monitor state\" reach the author, for the run they belong to") {
    const Dword version = anyVersion();
    CAPTURE(version);
    const auto script = newScript();
    std::atomic<int> recovering{-1};
    script->online = [&](Operation&) { recovering = script->context.load()->recovering() ? 1 : 0; };
    const Table table{version};
    const int flagged = version == versionV1 ? 0 : 1;  // V1 has no flags
    {
        Hosted one{table, open_flag::recoverMonitorState};
        REQUIRE(one.bringOnline());
        CHECK(recovering == flagged);
        REQUIRE(one.takeOffline());
        REQUIRE(one.bringOnline());
        CHECK(recovering == 0);
        REQUIRE(one.takeOffline());
        REQUIRE(one.bringOnline(online_flag::recoverMonitorState | online_flag::ignoreResourceStatus));
        CHECK(recovering == flagged);
    }
    Hosted other{table, open_flag::doNotDeleteTemporaryDisk};
    REQUIRE(other.bringOnline(online_flag::restoreOnlineState));
    CHECK(recovering == 0);
}

TEST_CASE("W-109 OfflineV2's destination is optional, copied, and told to the author") {
    const Dword version = anyVersion();
    CAPTURE(version);
    const auto script = newScript();
    std::string seen = "?";
    script->offline = [&](Operation&) {
        std::this_thread::sleep_for(20ms);  // the engine's buffer is gone by now
        seen = script->context.load()->destinationNode();
    };
    const Table table{version};
    Hosted one{table};
    REQUIRE(one.bringOnline());
    REQUIRE(one.takeOffline());
    CHECK(seen.empty());
    REQUIRE(one.bringOnline());
    one.heard->forget();
    {
        auto destination = toWide("node-\xC3\xA4");
        CHECK(table.offline(one.id, destination.c_str(), offline_flag::queueEnabled) == code::ioPending);
        std::fill(destination.begin(), destination.end(), WideChar{'x'});
    }
    REQUIRE(one.heard->waitFor(ResourceState::offline));
    CHECK(seen == (version == versionV1 ? "" : "node-\xC3\xA4"));
}

TEST_CASE("W-150 Cancel stops a pending Online or Offline and kills nothing") {
    const Dword version = GENERATE(versionV2, versionV3, versionV4);
    CAPTURE(version);
    const auto script = newScript();
    const Table table{version};
    Hosted one{table};
    CHECK(table.cancel(one.id) == code::invalidState);  // nothing pends
    std::atomic<StopReason> why{StopReason::none};
    const auto waits = [&](Operation& operation) {
        try {
            operation.sleepFor(1h);
        } catch (...) {
            why = operation.stopReason();
            throw;
        }
    };
    script->online = waits;
    CHECK(one.online() == code::ioPending);
    CHECK(eventually([&] { return script->onlines == 1; }));
    CHECK(bounded::timed([&] { CHECK(table.cancel(one.id) == code::success); }) < bounded::entryPoint);
    REQUIRE(one.heard->waitFor(ResourceState::failed));
    CHECK(why == StopReason::cancelled);
    CHECK(script->terminates == 0);
    CHECK(one.heard->waitForLine("online was cancelled by the engine"));
    CHECK(table.cancel(one.id) == code::invalidState);
    table.terminate(one.id);  // what a monitor does with a failed Online (W-121)
    CHECK(script->terminates == 1);

    script->online = [](Operation&) {};
    REQUIRE(one.bringOnline());
    CHECK(table.cancel(one.id) == code::invalidState);
    CHECK(table.isAlive(one.id) == 1);
    script->offline = waits;
    CHECK(table.offline(one.id) == code::ioPending);
    CHECK(eventually([&] { return script->offlines == 1; }));
    CHECK(table.cancel(one.id) == code::success);
    REQUIRE(one.heard->waitFor(ResourceState::failed));
    CHECK(script->terminates == 1);
    table.terminate(one.id);

    // One that does not hear it goes on: its own end is what is reported.
    const auto deaf = std::make_shared<scripted::Door>();
    const bounded::Release release{deaf};
    script->online = [deaf](Operation&) { deaf->waitDeaf(); };
    one.heard->forget();
    CHECK(one.online() == code::ioPending);
    REQUIRE(deaf->waitForVisitor());
    CHECK(table.cancel(one.id) == code::success);
    CHECK(table.cancel(one.id) == code::success);
    deaf->open();
    REQUIRE(one.heard->waitFor(ResourceState::online));
    CHECK(table.isAlive(one.id) == 1);
    CHECK(script->terminates == 2);
    CHECK(table.cancel(nullptr) == code::resourceNotFound);
}

TEST_CASE("W-108 stale and forged ids are refused by every slot of every version", "[W-1136]") {
    const Dword version = anyVersion();
    CAPTURE(version);
    newScript();
    const Table table{version};
    ResourceId stale = nullptr;
    {
        Hosted closed{table};
        stale = closed.id;
    }
    Hosted other{table};
    CHECK(other.id != stale);  // W-1136
    Handle event = nullptr;
    for (const ResourceId id :
         {stale, ResourceId{nullptr}, reinterpret_cast<ResourceId>(std::uintptr_t{0xDEADBEEF}),
          reinterpret_cast<ResourceId>(~std::uintptr_t{0}), reinterpret_cast<ResourceId>(&event)}) {
        CHECK(table.online(id, &event) == code::resourceNotFound);
        CHECK(table.offline(id) == code::resourceNotFound);
        CHECK(table.isAlive(id) == 0);
        CHECK(table.looksAlive(id) == 0);
        if (table.canCancel()) CHECK(table.cancel(id) == code::resourceNotFound);
        for (const bool asUser : {false, true}) {
            Dword returned = 77;
            const Answer answer = table.begin(id, 0x01000000, nullptr, 0, nullptr, 0, &returned, asUser);
            CHECK(answer.code == code::resourceNotFound);
            CHECK_FALSE(answer.late);
            if (answer.context != 0) CHECK(desk().endsOf(answer.context).empty());
        }
        table.terminate(id);
        table.close(id);
    }
    CHECK(event == nullptr);
    CHECK(other.bringOnline());
    CHECK(table.isAlive(other.id) == 1);
}

TEST_CASE("W-105 whatever an author's member throws becomes a status or a code, over every version",
          "[W-1104][W-1114]") {
    const Dword version = anyVersion();
    CAPTURE(version);
    struct NotStandard {};
    const auto oops = [](int kind) {
        if (kind == 0) throw std::runtime_error{"oops"};
        if (kind == 1) throw NotStandard{};
        if (kind == 2) throw std::bad_alloc{};
        throw 42;
    };
    const Table table{version};
    for (int kind = 0; kind < 4; ++kind) {
        CAPTURE(kind);
        for (const std::string where : {"construct", "probe", "adopt", "online"}) {
            CAPTURE(where);
            const auto script = newScript();
            if (where == "construct") script->construct = [&, kind](Context&) { oops(kind); };
            if (where == "probe") script->probe = [&, kind](Check&) { return oops(kind), holdfast::Presence::unknown; };
            if (where == "adopt") {
                script->probe = [](Check&) { return holdfast::Presence::running; };
                script->adopt = [&, kind](Operation&) { return oops(kind), true; };
            }
            if (where == "online") script->online = [&, kind](Operation&) { oops(kind); };
            Hosted one{table};
            CHECK(one.online() == code::ioPending);
            CHECK(one.heard->waitFor(ResourceState::failed));
            table.terminate(one.id);
        }
        for (const std::string where : {"isAlive", "looksAlive", "repair"}) {
            CAPTURE(where);
            const auto script = newScript();
            if (where == "isAlive") script->isAlive = [&, kind](Check&) { return oops(kind), Verdict::alive(); };
            if (where == "looksAlive") {
                script->looksAlive = [&, kind](Check&) { return oops(kind), Verdict::alive(); };
                script->isAlive = [](Check&) { return Verdict::failed("looked wrong"); };
            }
            if (where == "repair") {
                script->isAlive = [](Check&) { return Verdict::failed("broken"); };
                script->repair = [&, kind](Check&) { return oops(kind), true; };
            }
            Hosted one{table};
            REQUIRE(one.bringOnline());
            CHECK(one.signalled(10s));
            CHECK(table.isAlive(one.id) == 0);
            table.terminate(one.id);
        }
        const auto script = newScript();
        Hosted one{table};
        REQUIRE(one.bringOnline());
        script->offline = [&, kind](Operation&) { oops(kind); };
        CHECK(table.offline(one.id) == code::ioPending);
        CHECK(one.heard->waitFor(ResourceState::failed));
        table.terminate(one.id);
    }
}

TEST_CASE("W-203 W-205 W-206 reports count up, and an engine that answers terminate hears no more, over every version",
          "[W-1107][W-1115]") {
    const Dword version = anyVersion();
    CAPTURE(version);
    const auto script = newScript();
    script->online = [](Operation& operation) {
        for (int i = 0;; ++i) {
            operation.checkpoint("step " + std::to_string(i));
            operation.sleepFor(5ms);
        }
    };
    const Table table{version};
    Hosted one{table};
    CHECK(one.online() == code::ioPending);
    REQUIRE(one.heard->wait([&] { return one.heard->reports.size() >= 3; }));
    {
        const std::lock_guard lock{one.heard->mutex};
        one.heard->answer = ExitState::terminate;
        for (std::size_t i = 1; i < one.heard->reports.size(); ++i)
            CHECK(one.heard->reports[i].checkPoint > one.heard->reports[i - 1].checkPoint);
        for (const Report& report : one.heard->reports) CHECK(report.state == ResourceState::onlinePending);
    }
    CHECK(eventually([&] { return script->inside == 0; }));  // the worker ends at once
    const std::size_t then = one.heard->all().size();
    std::this_thread::sleep_for(250ms);
    CHECK(one.heard->all().size() == then);  // W-1115
    {
        const std::lock_guard lock{one.heard->mutex};
        one.heard->answer = ExitState::proceed;
    }
    table.terminate(one.id);
}

TEST_CASE("W-220 W-1108 W-1109 a silent online() is reported by the heartbeat, up to its own limit") {
    const Dword version = GENERATE(versionV1, versionV4);
    CAPTURE(version);
    const auto script = newScript();
    const auto door = std::make_shared<scripted::Door>();
    const bounded::Release release{door};
    script->online = [door](Operation&) { door->waitDeaf(); };
    const Table table{version, "Brief"};
    Hosted one{table};
    const auto start = std::chrono::steady_clock::now();
    CHECK(one.online() == code::ioPending);
    REQUIRE(one.heard->waitFor(ResourceState::failed));
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(took >= 650ms);
    CHECK(took < 5s);
    const auto reports = one.heard->all();
    CHECK(reports.size() >= 3);  // every 100 ms at most (D4)
    for (std::size_t i = 0; i + 1 < reports.size(); ++i) CHECK(reports[i].state == ResourceState::onlinePending);
    CHECK(reports.back().errorCode == code::timeout);
    CHECK(one.heard->waitForLine("limit"));
    table.terminate(one.id);
}
