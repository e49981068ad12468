// SPDX-License-Identifier: BSL-1.0
#include "verify/stage.hpp"

#include "verify/forbidden_calls.hpp"
#include "verify/running.hpp"

#include <holdfast/abi/wide.hpp>

#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <utility>

#if defined(_WIN32)
#include <windows.h>
#elif defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using Steady = std::chrono::steady_clock;

/** What the machine kept from us, counted by a thread that wants to run every few milliseconds. */
struct StallCounter {
    static constexpr milliseconds pause{5};
#if defined(_WIN32)
    static constexpr milliseconds leastStall{35};  // its clock may tick every 16 ms: two ticks are no stall
#else
    static constexpr milliseconds leastStall{2};
#endif
    std::atomic<std::int64_t> total{0};
    void start() {
        CallThread::runAlone([this] {
            for (auto last = Steady::now();;) {
                std::this_thread::sleep_for(pause);
                const auto now = Steady::now();
                const nanoseconds late = now - last - pause;
                if (late > leastStall) total += (late - leastStall).count();
                last = now;
            }
        });
    }
};
StallCounter stalls;

/** The entry point that runs on this thread, for calls it must not make (W-800). Plain data. */
thread_local const char* runningEntry = nullptr;
Reporter* reporterOfCalls = nullptr;  // set before any other thread runs

/** Something was asked of the cluster on this thread (W-800). */
void noteCall(std::string_view function) {
    const std::string_view entry = runningEntry == nullptr ? "" : runningEntry;
    if (reporterOfCalls == nullptr || !isForbidden(function, entry)) return;
    reporterOfCalls->judge("conduct.forbidden-calls", Judgement::failed,
                           entry.empty() ? fmt::format("{} was called, which no resource library may", function)
                                         : fmt::format("{} was called from {}", function, entry));
}

std::uint64_t hashOf(std::string_view text) {
    std::uint64_t hash = 0xCBF2'9CE4'8422'2325U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x0000'0100'0000'01B3U;
    return hash;
}

template <typename Routine>
Routine routineOf(void* symbol) {
    return reinterpret_cast<Routine>(symbol);
}

}  // namespace

void noteClusterCall(std::string_view function) { noteCall(function); }

nanoseconds stalledSoFar() noexcept { return nanoseconds{stalls.total.load()}; }

Stage::Stage(const Plan& plan, Reporter& reporter, std::string_view scenario)
    : plan_{plan},
      reporter_{reporter},
      desk_{reporter},
      random_{plan.seed * 0x9E37'79B9'7F4A'7C15U ^ hashOf(scenario)},
      systemKeys_{monitor::systemKeys()} {
    stalls.start();
    before_ = processState();
    Desk::use(&desk_);
    reporterOfCalls = &reporter;
    registry_.intercept([](std::string_view function) -> Dword {
        noteCall(function);
        return abi::code::success;
    });
}

void Stage::eraseKeys() {
    for (auto& [name, key] : systemHandles_) systemKeys_->close(key);
    if (systemKeys_) systemKeys_->erase({});
}

Stage::Blame::Blame(Stage& stage, std::string_view rule) : stage_{stage}, before_{std::exchange(stage.blamed_, rule)} {
    stage_.reporter_.blame(rule);
}
Stage::Blame::~Blame() {
    stage_.blamed_ = before_;
    stage_.reporter_.blame(before_);
}

// --- the library --------------------------------------------------------------------------------------------------------

bool Stage::load() {
    const auto number = reporter_.entered("load", "");
    const auto begin = Steady::now();
    auto opened = os::Library::open(plan_.library);
    const nanoseconds span = Steady::now() - begin;
    reporter_.left({number, span, {}, opened.problem == os::LibraryProblem::none ? 0U : 1U, "budget.load", {}});
    if (opened.problem != os::LibraryProblem::none) {
        breaks("load.library", "it cannot be loaded: " + opened.detail);
        return false;
    }
    library_ = std::move(opened.library);
    startup_ = routineOf<abi::StartupRoutine>(library_.symbol("Startup"));
    startupEx_ = routineOf<abi::StartupExRoutine>(library_.symbol("StartupEx"));
    if (startup_ == nullptr && startupEx_ == nullptr) {
        breaks("load.library", "it exports neither Startup nor StartupEx: it is no resource library");
        return false;
    }
    return true;
}

void Stage::unload() {
    const auto number = reporter_.entered("unload", "");
    const auto begin = Steady::now();
    library_ = os::Library{};
    reporter_.left({number, Steady::now() - begin, {}, 0, {}, {}});
}

Stage::Started Stage::start(bool extended, std::string_view type, Dword lowest, Dword highest,
                            const abi::CallbackTable* table) {
    const auto name = std::make_shared<abi::WideString>(abi::toWide(type));
    const auto out = std::make_shared<abi::FunctionTable*>(nullptr);
    const auto* const given = table == nullptr ? &callbacks() : table;
    const Answer answer =
        call(extended ? "StartupEx" : "Startup", "", "budget.startup", [=, startup = startup_, startupEx = startupEx_] {
            if (extended) return startupEx(name->c_str(), lowest, highest, given, out.get());
            return startup(name->c_str(), lowest, highest, setResourceStatus(), callbacks().logEvent, out.get());
        });
    return {answer.code, *out, answer.span};
}

void Stage::take(const abi::FunctionTable& table) {
    table_ = {};
    std::memcpy(&table_, &table, offsetof(abi::FunctionTable, v1) + abi::functionBlockSize(table.version));
}

void Stage::begin() {
    if (!load()) giveUp();
    const Started started =
        start(hasStartupEx(), plan_.type, abi::versionV1, hasStartupEx() ? abi::versionV4 : abi::versionV1);
    if (started.code != abi::code::success || started.table == nullptr) {
        breaks("load.type-name",
               fmt::format("Startup of \"{}\" returned {}{}", plan_.type, started.code,
                           started.code == abi::code::resourceTypeNameNotFound ? " (it has no such type)"
                           : started.code == 0                                 ? " without a table"
                                                                               : ""));
        giveUp();
    }
    if (abi::functionBlockSize(started.table->version) == 0) {
        breaks("load.version-choice",
               fmt::format("its table has version {:#06x}, which does not exist", started.table->version));
        giveUp();
    }
    take(*started.table);
    for (const void* const needed :
         {reinterpret_cast<void*>(table_.v1.open), reinterpret_cast<void*>(table_.v1.close),
          reinterpret_cast<void*>(table_.v1.online), reinterpret_cast<void*>(table_.v1.offline),
          reinterpret_cast<void*>(table_.v1.terminate), reinterpret_cast<void*>(table_.v1.looksAlive),
          reinterpret_cast<void*>(table_.v1.isAlive)}) {
        if (needed == nullptr) {
            breaks("load.null-slots", "a function that every table must have is NULL");
            giveUp();
        }
    }
    encodeProperties();
}

// --- calls --------------------------------------------------------------------------------------------------------------

std::shared_ptr<Stage::Running> Stage::start(std::string_view call, std::string_view resource, std::string_view budget,
                                             Function function) {
    auto running = std::make_shared<Running>();
    running->name = call;
    running->resource = resource;
    running->budget = measured_ ? budget : std::string_view{};
    running->number = reporter_.entered(call, resource);
    running->stalledBefore = stalledSoFar();
    running->start = Steady::now();
    const auto job = [running, function = std::move(function)] {
        runningEntry = running->name.c_str();
        bool returned = false;
        Dword code = 0;
        std::string threw;
        // However it ends: also if it ends its own thread.
        struct OnEnd {
            Running& running;
            bool& returned;
            Dword& code;
            std::string& threw;
            ~OnEnd() {
                runningEntry = nullptr;
                running.end(code, returned ? std::string{} : threw.empty() ? "the call ended its thread" : threw);
            }
        } const onEnd{*running, returned, code, threw};
        running->entered();
        try {
            code = function();
            returned = true;
#if defined(__GLIBCXX__) && !defined(_WIN32)
        } catch (const ::abi::__forced_unwind&) {
            throw;
#endif
        } catch (const std::exception& error) {
            threw = fmt::format("an exception left the call: {}", error.what());
        } catch (...) {
            threw = "an exception left the call, of a type that is no std::exception";
        }
    };
    if (rotate_) {
        CallThread::runAlone(job);
    } else {
        thread_.run(job);
    }
    return running;
}

Answer Stage::wait(Running& running) {
    const std::string what =
        fmt::format("{}{}{}", running.name, running.resource.empty() ? "" : " of ", running.resource);
    if (!running.waitFor(plan_.callLimit)) {
        const std::string_view rule = blamed_.empty() ? "conduct.hang" : blamed_;
        breaks(rule, fmt::format("{} has not returned after {} ms", what, plan_.callLimit.count()));
        reporter_.done(true);
        leaveProcess(0);
    }
    nanoseconds stalled{0};
    if (running.span > callBudget) {
        std::this_thread::sleep_for(20ms);  // what stalled us has been counted by then
        stalled = std::min(running.span, stalledSoFar() - running.stalledBefore);
    }
    reporter_.left({running.number, running.span, stalled, running.code, running.budget, {}});
    if (!running.threw.empty()) {
        breaks(blamed_.empty() ? "conduct.exception" : blamed_, fmt::format("{}: {}", what, running.threw));
        giveUp();
    }
    return {running.code, running.span, stalled};
}

Answer Stage::call(std::string_view call, std::string_view resource, std::string_view budget, Function function) {
    const auto running = start(call, resource, budget, std::move(function));
    return wait(*running);
}

}  // namespace holdfast::inline v1::verify

#if defined(_WIN32)
/** Looked up by the substitutes of the cluster's libraries, which is all the cluster there is here. */
extern "C" __declspec(dllexport) void WINAPI HoldfastClusterCall(const char* function) {
    if (function != nullptr) holdfast::verify::noteClusterCall(function);
}
#endif
