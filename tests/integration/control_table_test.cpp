// SPDX-License-Identifier: BSL-1.0

/// Control calls through the tables: one answer whatever the version, memory that is the engine's, late answers.

#include "bounded.hpp"
#include "table_engine.hpp"

#include "adapters/control_call.hpp"

#include <holdfast/abi/property_list.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#if defined(_WIN32)
#include <windows.h>
#endif

using namespace stage;
using holdfast::PropertyBag;
using holdfast::PropertyValue;
using scripted::Door;
using scripted::eventually;

CATCH_REGISTER_LISTENER(bounded::Watchdog)

namespace {

constexpr Dword getPrivate = 0x01000081;
constexpr Dword validatePrivate = 0x01000089;

std::vector<Byte> sizeList(std::uint32_t size) {
    PropertyBag bag;
    bag.set("Size", PropertyValue::dword(size));
    return writePropertyList(bag, ListUse::send);
}

/** A validator that waits until the test lets it go. */
struct Slow {
    Slow() {
        setValidator([door = door] { door->waitDeaf(); });
    }
    ~Slow() {
        setValidator(nullptr);
        door->open();
    }
    std::shared_ptr<Door> door{std::make_shared<Door>()};
};

}  // namespace

TEST_CASE("W-140 W-141 W-142 W-153 a control code has one answer, over V1 to V4 and for a user") {
    newScript();
    struct Row {
        Dword code;
        std::vector<Byte> in;
    };
    std::vector<Row> rows{{0x01000000, {}},
                          {0x01000079, {}},
                          {0x0100007D, {}},
                          {getPrivate, {}},
                          {0x0100008D, {}},
                          {0x0100BEEF, {}},
                          {validatePrivate, sizeList(5)},
                          {validatePrivate, sizeList(500)},
                          {validatePrivate, {1, 2, 3}},
                          {validatePrivate, {}}};
    const Dword typeCodes[] = {0x02000000, 0x02000091, 0x02000079, 0x0200BEEF};
    const Table first{versionV1};
    Hosted reference{first};
    for (const Dword version : versions) {
        const Table table{version};
        Hosted one{table};
        for (Row& row : rows) {
            for (const bool asUser : {false, true}) {
                CAPTURE(version, row.code, row.in.size(), asUser);
                std::vector<Byte> expected(4096);
                std::vector<Byte> out(4096);
                void* const in = row.in.empty() ? nullptr : row.in.data();
                const auto size = static_cast<Dword>(row.in.size());
                const Answer left = first.control(reference.id, row.code, in, size, expected.data(), 4096);
                const Answer right = table.control(one.id, row.code, in, size, out.data(), 4096, asUser);
                CHECK(left.code == right.code);
                CHECK(left.returned == right.returned);
                CHECK(right.returned != 0xCCCC);  // W-141
                CHECK(expected == out);
            }
        }
        for (const Dword code : typeCodes) {
            for (const bool asUser : {false, true}) {
                CAPTURE(version, code, asUser);
                std::vector<Byte> expected(4096);
                std::vector<Byte> out(4096);
                const Answer left = first.typeControl("stage v1", code, nullptr, 0, expected.data(), 4096);
                const Answer right =
                    table.typeControl(table.typeName().c_str(), code, nullptr, 0, out.data(), 4096, asUser);
                CHECK(left.code == right.code);
                CHECK(left.returned == right.returned);
                CHECK(expected == out);
            }
        }
        CHECK(table.typeControl("nobody", 0x02000091, nullptr, 0, nullptr, 0).code == code::resourceTypeNameNotFound);
    }
}

TEST_CASE("W-141 buffers: any size, any alignment, and not a byte beyond either end") {
    const Dword version = GENERATE(from_range(versions.begin(), versions.end()));
    CAPTURE(version);
    newScript();
    const Table table{version};
    Hosted one{table};
    const Dword needed = table.control(one.id, getPrivate, nullptr, 0, nullptr, 0).returned;
    REQUIRE(needed > 40);
    REQUIRE(needed < 2000);
    for (Dword size = 0; size <= needed + 9; size += size < 16 || size + 8 > needed ? 1 : 7) {
        CAPTURE(size);
        guarded::Memory out{size};  // ends at a page that ends the program
        std::memset(out.data(), 0xCC, size);
        const Answer answer = table.control(one.id, getPrivate, nullptr, 0, out.data(), size);
        CHECK(answer.returned == needed);
        CHECK(answer.code == (size < needed ? code::moreData : code::success));
        const auto* bytes = static_cast<Byte*>(out.data());
        if (size < needed) CHECK(std::all_of(bytes, bytes + size, [](Byte b) { return b == 0xCC; }));
        if (size > needed) CHECK(std::all_of(bytes + needed, bytes + size, [](Byte b) { return b == 0xCC; }));
        const Answer ofType = table.typeControl(table.typeName().c_str(), 0x02000091, nullptr, 0, out.data(), size);
        CHECK((ofType.code == code::success || ofType.code == code::moreData));
    }
    // Input: whole, cut anywhere, and at an odd address; never a byte read past its end.
    const std::vector<Byte> list = sizeList(5);
    for (std::size_t size = 0; size <= list.size(); ++size) {
        CAPTURE(size);
        guarded::Memory in{list.data(), size};
        const Answer answer = table.control(one.id, validatePrivate, in.data(), static_cast<Dword>(size), nullptr, 0);
        if (size == list.size()) CHECK(answer.code == code::success);
        if (size != 0 && size < list.size() - 4) CHECK(answer.code != code::success);
    }
    for (std::size_t shift = 1; shift < 8; ++shift) {
        guarded::Memory memory{list.size() + shift};
        auto* const in = static_cast<Byte*>(memory.data()) + shift;
        std::memcpy(in, list.data(), list.size());
        CHECK(table.control(one.id, validatePrivate, in, static_cast<Dword>(list.size()), nullptr, 0).code == 0);
        std::vector<Byte> room(needed + shift);
        CHECK(table.control(one.id, getPrivate, nullptr, 0, room.data() + shift, needed).code == 0);
    }
    // NULL with a size, and no BytesReturned: each code, no crash.
    for (const Dword code : {0x01000000U, 0x01000079U, getPrivate, validatePrivate, 0x01400086U, 0x0100BEEFU}) {
        const Answer answer = table.control(one.id, code, nullptr, 100, nullptr, 100);
        CHECK(answer.code != 0xCCCC);
        const Answer silent = table.begin(one.id, code, nullptr, 0, nullptr, 0, nullptr);
        if (silent.late) CHECK(desk().waitForEnd(silent.context));
    }
}

TEST_CASE("D16 W-151 a slow validator: V1 and V2 answer ERROR_TIMEOUT in time, V3 and V4 answer later, once",
          "[W-152]") {
    const Dword version = GENERATE(from_range(versions.begin(), versions.end()));
    CAPTURE(version);
    newScript();
    const Table table{version};
    Hosted one{table};
    Slow slow;
    auto list = sizeList(5);
    Dword returned = 0xCCCC;
    Answer answer;
    CHECK(bounded::timed([&] {
              answer = table.begin(one.id, validatePrivate, list.data(), static_cast<Dword>(list.size()), nullptr, 0,
                                   &returned, version == versionV4);
          }) < bounded::entryPoint);
    REQUIRE(slow.door->waitForVisitor());
    if (version < versionV3) {
        CHECK(answer.code == code::timeout);
        return;
    }
    CHECK(answer.late);
    CHECK(answer.code == code::success);
    CHECK(desk().endsOf(answer.context).empty());
    CHECK(table.isAlive(one.id) == 0);  // other entry points are not held up
    setValidator(nullptr);              // for Online's own
    CHECK(one.bringOnline());
    slow.door->open();
    REQUIRE(desk().waitForEnd(answer.context));
    CHECK(returned == 0);
    std::this_thread::sleep_for(50ms);
    CHECK(desk().endsOf(answer.context) == std::vector<Dword>{code::success});
}

TEST_CASE("W-151 a late answer writes its bytes before EndControlCall, and a validator's refusal arrives") {
    const Dword version = GENERATE(versionV3, versionV4);
    newScript();
    const Table table{version};
    Hosted one{table};
    auto list = sizeList(5);
    Dword returned = 0xCCCC;
    setValidator([] {
        std::this_thread::sleep_for(150ms);
        throw holdfast::Error{holdfast::ErrorCode::configuration, "refused at last"};
    });
    const Answer answer =
        table.begin(one.id, validatePrivate, list.data(), static_cast<Dword>(list.size()), nullptr, 0, &returned);
    list.assign(list.size(), 0xEE);  // W-109: the input is the engine's again
    REQUIRE(answer.late);
    REQUIRE(desk().waitForEnd(answer.context));
    CHECK(returned != 0xCCCC);
    CHECK(desk().endsOf(answer.context) == std::vector<Dword>{code::invalidData});
    CHECK(one.heard->waitForLine("refused at last"));
    setValidator(nullptr);
}

TEST_CASE("W-151 Close ends a late answer, once, and nothing touches the engine's memory afterwards") {
    const Dword version = GENERATE(versionV3, versionV4);
    newScript();
    const Table table{version};
    Slow slow;
    auto list = sizeList(5);
    std::vector<Answer> answers;
    {
        guarded::Memory memory{sizeof(Dword)};
        auto* const returned = static_cast<Dword*>(memory.data());
        Hosted one{table};
        for (int i = 0; i < 3; ++i) {
            answers.push_back(table.begin(one.id, validatePrivate, list.data(), static_cast<Dword>(list.size()),
                                          nullptr, 0, returned));
            REQUIRE(answers.back().late);
        }
        CHECK(bounded::timed([&] { one.close(); }) < bounded::lastClose);
        for (const Answer& answer : answers)
            CHECK(desk().endsOf(answer.context) == std::vector<Dword>{code::operationAborted});
    }
    slow.door->open();  // the engine's memory is gone by now
    std::this_thread::sleep_for(100ms);
    for (const Answer& answer : answers) CHECK(desk().endsOf(answer.context).size() == 1);
}

TEST_CASE("W-102 W-151 Terminate beside a late answer: both end, the answer once") {
    const Dword version = GENERATE(versionV3, versionV4);
    const auto script = newScript();
    const Table table{version};
    Hosted one{table};
    REQUIRE(one.bringOnline());
    Slow slow;
    auto list = sizeList(5);
    Dword returned = 0;
    const Answer answer =
        table.begin(one.id, validatePrivate, list.data(), static_cast<Dword>(list.size()), nullptr, 0, &returned);
    REQUIRE(answer.late);
    CHECK(bounded::timed([&] { table.terminate(one.id); }) < bounded::entryPoint);
    CHECK(script->terminates == 1);
    CHECK(desk().endsOf(answer.context).empty());  // it validates a list, not the run that ended
    slow.door->open();
    REQUIRE(desk().waitForEnd(answer.context));
    std::this_thread::sleep_for(50ms);
    CHECK(desk().endsOf(answer.context) == std::vector<Dword>{code::success});
}

TEST_CASE("W-151 a late answer that never comes is ERROR_TIMEOUT, and what comes after it is dropped") {
    const Dword version = GENERATE(versionV3, versionV4);
    newScript();
    const Table table{version};
    Hosted one{table};
    struct Limit {
        Limit() { holdfast::adapters::setControlLimit(150ms); }
        ~Limit() { holdfast::adapters::setControlLimit(30s); }
    } const limit;
    Slow slow;
    auto list = sizeList(5);
    Answer answer;
    {
        guarded::Memory memory{sizeof(Dword)};
        answer = table.begin(one.id, validatePrivate, list.data(), static_cast<Dword>(list.size()), nullptr, 0,
                             static_cast<Dword*>(memory.data()));
        REQUIRE(answer.late);
        REQUIRE(desk().waitForEnd(answer.context));
    }
    slow.door->open();
    std::this_thread::sleep_for(100ms);
    CHECK(desk().endsOf(answer.context) == std::vector<Dword>{code::timeout});
}

TEST_CASE("W-151 a hundred control calls beside Close: each is answered exactly once") {
    newScript();
    const Table table{versionV4};
    setValidator([] { std::this_thread::sleep_for(55ms); });  // as long as a direct answer may take
    auto list = sizeList(5);
    int direct = 0;
    int late = 0;
    for (int round = 0; round < 25; ++round) {
        auto one = std::make_unique<Hosted>(table);
        struct Call {
            Answer answer;
            Dword returned{0};
        };
        std::vector<Call> calls(4);
        std::vector<std::thread> threads;
        for (Call& call : calls) {
            threads.emplace_back([&] {
                call.answer = table.begin(one->id, validatePrivate, list.data(), static_cast<Dword>(list.size()),
                                          nullptr, 0, &call.returned);
            });
        }
        for (auto& thread : threads) thread.join();
        std::this_thread::sleep_for(std::chrono::milliseconds{round % 10});
        one->close();
        for (Call& call : calls) {
            const auto ends = desk().endsOf(call.answer.context);
            if (call.answer.late) {
                ++late;
                CHECK(ends.size() == 1);
            } else {
                ++direct;
                CHECK(ends.empty());
            }
        }
    }
    setValidator(nullptr);
    CHECK(direct + late == 100);
}

TEST_CASE("W-031 W-151 an engine that takes no late answer gets a direct one") {
    newScript();
    CallbackTable callbacks = wholeCallbacks();
    callbacks.endControlCall = nullptr;
    FunctionTable* raw = nullptr;
    REQUIRE(holdfast::adapters::startupEx(&types, toWide("Stage V4").c_str(), 0x100, 0x400, &callbacks, &raw) == 0);
    const auto open = [&] { return raw->v4.open(toWide("one").c_str(), nullptr, nullptr, 0); };
    const ResourceId id = open();
    REQUIRE(id != nullptr);
    Slow slow;
    auto list = sizeList(5);
    Dword returned = 0;
    Bool late = 1;
    const auto begin = [&](ResourceId which, Bool* flag) {
        return raw->v4.beginResourceControl(which, validatePrivate, list.data(), static_cast<Dword>(list.size()),
                                            nullptr, 0, &returned, 99, flag);
    };
    CHECK(begin(id, &late) == code::timeout);
    CHECK(late == 0);
    raw->v4.close(id);
    const Table again{versionV4};  // and with its callback, but no flag to say so
    const ResourceId other = open();
    CHECK(begin(other, nullptr) == code::timeout);
    raw->v4.close(other);
    CHECK(desk().endsOf(99).empty());
}

#if defined(_WIN32)
TEST_CASE("W-151 an author's validator never runs impersonated, whatever the engine's thread carries") {
    newScript();
    const Table table{versionV4};
    Hosted one{table};
    std::atomic<DWORD> found{0};
    setValidator([&] {
        HANDLE token = nullptr;
        found = OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token) ? 1 : GetLastError();
        if (token != nullptr) CloseHandle(token);
    });
    REQUIRE(ImpersonateSelf(SecurityImpersonation));
    auto list = sizeList(5);
    const Answer answer =
        table.control(one.id, validatePrivate, list.data(), static_cast<Dword>(list.size()), nullptr, 0, true);
    HANDLE token = nullptr;
    CHECK(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token));  // ours is still what it was
    if (token != nullptr) CloseHandle(token);
    RevertToSelf();
    setValidator(nullptr);
    CHECK(answer.code == 0);
    CHECK(found == ERROR_NO_TOKEN);
}
#endif
