// SPDX-License-Identifier: BSL-1.0

/// What each entry point of a loaded agent takes while the author's code hangs: a table of one run, and the contract's limits.

#include "bounded.hpp"
#include "support/loaded_agent.hpp"

#include <holdfast/abi/control_codes.hpp>
#include <holdfast/abi/resapi.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/monitor/memory_registry.hpp>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace holdfast::abi;
using namespace std::chrono_literals;
using holdfast::PropertyBag;
using holdfast::PropertyValue;
using holdfast::monitor::MemoryRegistry;
using holdfast::tests::LoadedAgent;
using Nanoseconds = std::chrono::nanoseconds;

namespace {

Dword HOLDFAST_STDCALL setStatus(ResourceHandle, ResourceStatus*) { return 0; }
void HOLDFAST_STDCALL logEvent(ResourceHandle, Dword, const WideChar*, ...) {}

/** The calls of each entry point, in the order of the table. */
class Clocked {
public:
    template <typename Call>
    auto operator()(const char* entry, Call&& call) {
        struct Note {
            std::vector<Nanoseconds>& taken;
            std::chrono::steady_clock::time_point start{std::chrono::steady_clock::now()};
            ~Note() { taken.push_back(std::chrono::steady_clock::now() - start); }
        } const note{taken_[entry]};
        return call();
    }

    void print() {
        fmt::print("{:<46} {:>6} {:>12} {:>12} {:>12}\n", "entry point, while", "calls", "median us", "99 % us",
                   "worst us");
        for (auto& [entry, taken] : taken_) {
            std::sort(taken.begin(), taken.end());
            const auto us = [&times = taken](std::size_t i) { return static_cast<double>(times[i].count()) / 1'000; };
            fmt::print("{:<46} {:>6} {:>12.2f} {:>12.2f} {:>12.2f}\n", entry, taken.size(), us(taken.size() / 2),
                       us(taken.size() * 99 / 100), us(taken.size() - 1));
        }
    }

    [[nodiscard]] const std::map<std::string, std::vector<Nanoseconds>>& all() const noexcept { return taken_; }

private:
    std::map<std::string, std::vector<Nanoseconds>> taken_;
};

/** One resource whose author's code hangs as `values` say, opened through the table. */
class Opened {
public:
    Opened(Clocked& clocked, const FunctionsV1& f, const PropertyBag& values) : clocked_{clocked}, f_{f} {
        registry_.set("Resources\\one\\Parameters", values);
        key_ = registry_.open("Resources\\one");
        id_ = clocked_("Open", [&] {
            return f_.open(toWide("one").c_str(), key_.get(), reinterpret_cast<ResourceHandle>(std::uintptr_t{7}));
        });
        REQUIRE(id_ != nullptr);
    }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    ~Opened() {
        clocked_("Close", [&] { f_.close(id_); });
    }
    [[nodiscard]] ResourceId id() const noexcept { return id_; }
    Dword control(Dword code) {
        std::array<Byte, 4'096> out{};
        const Dword noProperties = 0;
        Dword size = 0;
        return f_.resourceControl(id_, code, const_cast<Dword*>(&noProperties), sizeof noProperties, out.data(),
                                  static_cast<Dword>(out.size()), &size);
    }

private:
    Clocked& clocked_;
    const FunctionsV1& f_;
    MemoryRegistry registry_;
    MemoryRegistry::Key key_;
    ResourceId id_{nullptr};
};

PropertyBag hanging(std::initializer_list<std::pair<const char*, PropertyValue>> values) {
    PropertyBag bag;
    bag.set("DeafFor", PropertyValue::dword(2'000));
    bag.set("CheckInterval", PropertyValue::dword(10));
    for (const auto& [name, value] : values) bag.set(name, value);
    return bag;
}

}  // namespace

TEST_CASE("W-100 W-135 each entry point answers inside its budget while every member of the author's hangs") {
    Clocked clocked;
    const LoadedAgent agent{TABLE_AGENT};
    REQUIRE(agent);
    const auto startup = agent.routine<StartupRoutine>("Startup");
    FunctionTable* table = nullptr;
    REQUIRE(clocked("Startup", [&] {
                return startup(toWide("Misbehaving").c_str(), 0x100, 0x100, setStatus, logEvent, &table);
            }) == code::success);
    const FunctionsV1& f = table->v1;
    constexpr int rounds = bounded::instrumented ? 3 : 25;
    for (int round = 0; round < rounds; ++round) {
        {
            Opened one{clocked, f, hanging({{"Online", PropertyValue::sz("deaf")}})};
            Handle event = nullptr;
            CHECK(clocked("Online (online() hangs)", [&] { return f.online(one.id(), &event); }) == code::ioPending);
            std::this_thread::sleep_for(20ms);
            for (int i = 0; i < 20; ++i) {
                clocked("IsAlive, online() hangs", [&] { return f.isAlive(one.id()); });
                clocked("LooksAlive, online() hangs", [&] { return f.looksAlive(one.id()); });
            }
            clocked("ResourceControl GET_PRIVATE, online() hangs",
                    [&] { return one.control(control::resourceGetPrivateProperties); });
            clocked("ResourceTypeControl, online() hangs", [&] {
                std::array<Byte, 4'096> out{};
                Dword size = 0;
                return f.resourceTypeControl(toWide("Misbehaving").c_str(),
                                             control::typeGetPrivateResourcePropertyFormats, nullptr, 0, out.data(),
                                             static_cast<Dword>(out.size()), &size);
            });
            clocked("Terminate, online() hangs", [&] { f.terminate(one.id()); });
        }
        {
            Opened one{clocked, f,
                       hanging({{"Check", PropertyValue::sz("hangs")}, {"Terminate", PropertyValue::sz("slow")}})};
            Handle event = nullptr;
            CHECK(clocked("Online", [&] { return f.online(one.id(), &event); }) == code::ioPending);
            std::this_thread::sleep_for(60ms);  // online, and the first check hangs
            for (int i = 0; i < 200; ++i) clocked("IsAlive, isAlive() hangs", [&] { return f.isAlive(one.id()); });
            CHECK(clocked("Offline, isAlive() and terminate() hang", [&] { return f.offline(one.id()); }) ==
                  code::ioPending);
        }
        {
            Opened one{clocked, f, hanging({{"SlowValidation", PropertyValue::dword(1)}})};
            clocked("ResourceControl VALIDATE, the validator hangs",
                    [&] { return one.control(control::resourceValidatePrivateProperties); });
        }
    }
    clocked.print();
    if (bounded::instrumented) return;  // a sanitizer is no figure
    for (const auto& [entry, taken] : clocked.all()) {
        INFO(entry);
        const bool poll = entry.find("Alive,") != std::string::npos;
        CHECK(taken.back() <= std::chrono::milliseconds{poll ? isAliveBudgetMs : entryPointBudgetMs});
    }
}
