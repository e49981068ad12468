// SPDX-License-Identifier: BSL-1.0

/// A program of its own, because it counts what the whole of it allocates.

#include "scripted_agent.hpp"

#include <holdfast/abi/wide.hpp>
#include <holdfast/adapters/wsfc.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

// Of this thread only: the library's own threads may allocate as they like. Constant-initialised, so reading it allocates nothing.
thread_local bool counting = false;
thread_local std::size_t allocations = 0;

void* counted(std::size_t size) {
    if (counting) ++allocations;
    void* const memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}

}  // namespace

#if defined(__GNUC__) && !defined(__clang__)
// Where the sanitizers leave one of a pair inline and the other not, GCC takes std::free for a mistake.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace scripted;
namespace abi = holdfast::abi;

std::shared_ptr<Script>& script() {
    static auto one = std::make_shared<Script>();
    return one;
}
const holdfast::AgentTypes& types() {
    static const holdfast::AgentTypes all{typeOf(script())};
    return all;
}
abi::Dword HOLDFAST_STDCALL setStatus(abi::ResourceHandle, abi::ResourceStatus*) { return 0; }
void HOLDFAST_STDCALL logEvent(abi::ResourceHandle, abi::Dword, const abi::WideChar*, ...) {}

/** What a number of polls allocate; more than are counted before one is recorded. */
std::size_t allocatedBy(const abi::FunctionTable& table, abi::ResourceId id) {
    constexpr int polls = 100'000;
    allocations = 0;
    counting = true;
    for (int i = 0; i < polls; ++i) {
        static_cast<void>(table.v1.isAlive(id));
        static_cast<void>(table.v1.looksAlive(id));
    }
    counting = false;
    return allocations;
}

}  // namespace

TEST_CASE("W-135 IsAlive and LooksAlive allocate nothing, healthy or not, also while the check hangs") {
    Door door;
    script()->policy.checkInterval = std::chrono::milliseconds{10};
    script()->isAlive = [&](Check&) {
        door.waitDeaf();
        return Verdict::alive();
    };
    abi::FunctionTable* table = nullptr;
    REQUIRE(holdfast::adapters::startup(&types, abi::toWide("Scripted").c_str(), 0x100, 0x100, setStatus, logEvent,
                                        &table) == 0);
    const abi::ResourceId id = table->v1.open(abi::toWide("one").c_str(), nullptr, nullptr);
    REQUIRE(id != nullptr);

    counting = true;
    allocations = 0;
    int* volatile one = new int{1};  // the counter counts
    delete one;
    counting = false;
    CHECK(allocations == 1);

    CHECK(allocatedBy(*table, id) == 0);  // offline
    abi::Handle event = nullptr;
    REQUIRE(table->v1.online(id, &event) == abi::code::ioPending);
    REQUIRE(door.waitForVisitor());
    CHECK(table->v1.isAlive(id) == 1);
    CHECK(allocatedBy(*table, id) == 0);  // online, its check hangs
    table->v1.terminate(id);
    CHECK(table->v1.isAlive(id) == 0);
    CHECK(allocatedBy(*table, id) == 0);  // terminated
    door.open();
    table->v1.close(id);
    CHECK(allocatedBy(*table, id) == 0);  // an id that is nobody's any more
}
