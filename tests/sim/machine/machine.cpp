// SPDX-License-Identifier: BSL-1.0
#include "machine/machine.hpp"

#include "machine/fiber.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <utility>

namespace sim {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

namespace {

constexpr std::uint64_t mostSteps = 4'000'000;

ExceptionState& exceptionsOfThread() { return *reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals()); }

}  // namespace

Machine* Machine::current_ = nullptr;

Machine::Machine(std::uint64_t seed, Weather weather)
    : chance_{seed}, weather_{weather}, main_{std::make_unique<Fiber>()} {}

Machine::~Machine() {
    for (const auto& fiber : all_) {
        if (fiber->stack != nullptr) giveStack(fiber->stack);
    }
}

Machine::End Machine::run(std::function<void()> first) {
    current_ = this;
    running_ = main_.get();
    Fiber* const root = start([work = std::move(first)]() -> void* {
        work();
        return nullptr;
    });
    std::erase(ready_, root);
    switchTo(root);
    current_ = nullptr;
    return end_;
}

void Machine::stop() {
    leave(End::stopped);
    std::abort();  // never comes here
}

void Machine::leave(End end) {
    end_ = end;
    switchTo(main_.get());
}

namespace {

[[noreturn]] void enterFiber(transfer_t from) {
    static_cast<Fiber*>(from.data)->context = from.fctx;
    Machine& machine = *Machine::current();
    Fiber& self = *machine.self();
    self.result = self.work();
    self.work = nullptr;
    while (!self.atExit.empty()) {
        const auto [destroy, object] = self.atExit.back();
        self.atExit.pop_back();
        destroy(object);
    }
    runKeyDestructors(self);
    machine.wake(&self, true);
    machine.finish();
    std::abort();
}

}  // namespace

Fiber* Machine::start(std::function<void*()> work) {
    auto made = std::make_unique<Fiber>();
    Fiber* const fiber = made.get();
    fiber->number = ++nextFiber_;
    fiber->process = fiber->childProcess = running_->childProcess;
    fiber->work = std::move(work);
    fiber->locals = freshThreadLocals();
    fiber->stack = takeStack();
    fiber->context = make_fcontext(fiber->stack + stackSize, stackSize - 4096, enterFiber);
    fiber->priority = chance_.below(1'000);
    all_.push_back(std::move(made));
    living_.push_back(fiber);
    ready_.push_back(fiber);
    return fiber;
}

void Machine::switchTo(Fiber* next) {
    if (next == running_) {  // it waited, and its time came before anybody else's
        running_->state = Fiber::State::running;
        return;
    }
    Fiber* const before = running_;
    ++switches_;
    digest_ = (digest_ ^ next->number) * 0x0000'0100'0000'01B3U;
    saveThreadLocals(before->locals);
    before->exceptions = exceptionsOfThread();
    running_ = next;
    if (next != main_.get()) next->state = Fiber::State::running;
    loadThreadLocals(next->locals);
    exceptionsOfThread() = next->exceptions;
    const transfer_t from = jump_fcontext(next->context, before);
    static_cast<Fiber*>(from.data)->context = from.fctx;
}

Fiber* Machine::choose(bool mayStay) {
    const std::size_t others = ready_.size();
    if (weather_.priorities) {
        if (chance_.hits(10) && !ready_.empty())
            ready_[chance_.below(static_cast<std::uint32_t>(others))]->priority = chance_.below(1'000);
        Fiber* best = mayStay ? running_ : nullptr;
        for (Fiber* const fiber : ready_) {
            if (best == nullptr || fiber->priority > best->priority) best = fiber;
        }
        return best;
    }
    const std::uint32_t index = chance_.below(static_cast<std::uint32_t>(others + (mayStay ? 1 : 0)));
    return index == others ? running_ : ready_[index];
}

/** Nobody can run: the clock goes on to the next thing that is due. False: nothing ever will be. */
bool Machine::advance() {
    Instant next = source_ == nullptr ? never : source_->next();
    for (const Fiber* const fiber : living_) {
        if (fiber->state == Fiber::State::waiting) next = std::min(next, fiber->deadline);
    }
    if (next == never) return false;
    now_ = std::max(now_, next);
    expire();
    return true;
}

/** What was due by now happens. */
void Machine::expire() {
    if (source_ != nullptr && source_->next() <= now_) source_->due(now_);
    for (Fiber* const fiber : living_) {
        if (fiber->state == Fiber::State::waiting && fiber->deadline <= now_) makeReady(fiber);
    }
}

void Machine::makeReady(Fiber* fiber) {
    fiber->state = Fiber::State::ready;
    fiber->waitsFor = nullptr;
    fiber->deadline = never;
    ready_.push_back(fiber);
}

/** The running thread gives way; with `mayStay` it can be chosen again. */
void Machine::runOther(bool mayStay) {
    if (++steps_ > mostSteps) leave(End::endless);
    if (steps_ % 64 == 0) expire();
    while (ready_.empty() && !mayStay) {
        if (!advance()) leave(End::stuck);
    }
    Fiber* const next = choose(mayStay);
    if (mayStay && next == running_) return;
    const auto at = std::find(ready_.begin(), ready_.end(), next);
    *at = ready_.back();
    ready_.pop_back();
    if (mayStay) {
        running_->state = Fiber::State::ready;
        ready_.push_back(running_);
    }
    switchTo(next);
}

void Machine::point() {
    tick();
    if (++steps_ > mostSteps) leave(End::endless);
    if (steps_ % 64 == 0) expire();  // also while others are busy
    const std::uint32_t roll = chance_.below(1'000'000);
    if (roll < weather_.delay * 1'000) {
        const Instant length =
            1 + static_cast<Instant>(chance_.next() % static_cast<std::uint64_t>(weather_.longestDelay));
        delayed_ += length;
        delays_.emplace_back(now_, length);
        sleepUntil(now_ + length);
    } else if (weather_.priorities || roll < (weather_.delay + weather_.preemption) * 1'000) {
        if (!ready_.empty()) runOther(true);
    } else if (roll < (weather_.delay + weather_.preemption + weather_.spurious) * 1'000) {
        std::vector<Fiber*> sleepers;
        for (Fiber* const fiber : living_) {
            if (fiber->state == Fiber::State::waiting && fiber->why[0] == '~') sleepers.push_back(fiber);
        }
        if (!sleepers.empty()) {
            Fiber* const lucky = sleepers[chance_.below(static_cast<std::uint32_t>(sleepers.size()))];
            lucky->woken = true;
            makeReady(lucky);
        }
    }
}

bool Machine::wait(const void* what, Instant deadline, const char* why) {
    Fiber* const self = running_;
    self->waitsFor = what;
    self->why = why;
    self->deadline = deadline;
    self->woken = false;
    self->state = Fiber::State::waiting;
    runOther(false);
    return self->woken;
}

void Machine::wake(const void* what, bool everyone) {
    std::uint32_t waiting = 0;
    for (const Fiber* const fiber : living_) {
        if (fiber->state == Fiber::State::waiting && fiber->waitsFor == what) ++waiting;
    }
    if (waiting == 0) return;
    std::uint32_t lucky = everyone ? 0 : chance_.below(waiting);
    for (Fiber* const fiber : living_) {
        if (fiber->state != Fiber::State::waiting || fiber->waitsFor != what) continue;
        if (!everyone && lucky-- != 0) continue;
        fiber->woken = true;
        makeReady(fiber);
        if (!everyone) return;
    }
}

void Machine::sleepUntil(Instant deadline) { wait(nullptr, deadline, "sleeps"); }

void Machine::pause(Instant length) {
    delayed_ += length;
    delays_.emplace_back(now_, length);
    now_ += length;
    expire();
    point();
}

Instant Machine::delaysBetween(Instant begin, Instant end) const {
    Instant sum = 0;
    for (const auto& [from, length] : delays_) {
        const Instant overlap = std::min(end, from + length) - std::max(begin, from);
        if (overlap > 0) sum += overlap;
    }
    return sum;
}

Instant Machine::resumedFrom(Instant length) const {
    Instant last = 0;
    for (const auto& [from, lasted] : delays_) {
        if (lasted >= length) last = std::max(last, from + lasted);
    }
    return last;
}

void Machine::yield() {
    tick();
    if (ready_.empty()) {
        // A loop that asks again and again lets time pass.
        sleepUntil(now_ + oneMs / 10);
        return;
    }
    runOther(true);
}

void Machine::finish() {
    running_->state = Fiber::State::ended;
    std::erase(living_, running_);
    giveStack(std::exchange(running_->stack, nullptr));  // used again only after the jump away from it
    if (living_.empty()) leave(End::finished);
    runOther(false);
}

ProcessNumber Machine::process() const noexcept { return running_->process; }

ProcessNumber Machine::enter(ProcessNumber process) noexcept { return std::exchange(running_->childProcess, process); }

void Machine::ownLocks(const void* begin, std::size_t size) {
    ownLocks_.emplace_back(static_cast<const std::byte*>(begin), size);
}

void Machine::noteLock(const void* lock, int change) noexcept {
    if (running_->process == 0) return;
    const auto* const at = static_cast<const std::byte*>(lock);
    for (const auto& [begin, size] : ownLocks_) {
        if (std::less_equal<>{}(begin, at) && std::less<>{}(at, begin + size)) running_->foreignLocks += change;
    }
}

void Machine::silence(ProcessNumber process) {
    const auto holds = [&] {
        return std::any_of(living_.begin(), living_.end(), [&](const Fiber* fiber) {
            return fiber->process == process && fiber != running_ && fiber->foreignLocks != 0;
        });
    };
    while (holds()) yield();
    for (Fiber* const fiber : living_) {
        if (fiber->process != process || fiber == running_) continue;
        std::erase(ready_, fiber);
        fiber->state = Fiber::State::frozen;
    }
    std::erase_if(living_, [](const Fiber* fiber) { return fiber->state == Fiber::State::frozen; });
}

void Machine::kill(ProcessNumber process) {
    silence(process);
    if (running_->process != process) return;
    running_->state = Fiber::State::frozen;
    std::erase(living_, running_);
    if (living_.empty()) leave(End::finished);
    runOther(false);
}

std::string Machine::threads() const {
    std::string text;
    for (const Fiber* const fiber : living_) {
        text += "  thread " + std::to_string(fiber->number) + " of process " + std::to_string(fiber->process) + ": ";
        switch (fiber->state) {
            case Fiber::State::ready: text += "can run"; break;
            case Fiber::State::running: text += "runs"; break;
            case Fiber::State::waiting:
                text += fiber->why[0] == '~' ? fiber->why + 1 : fiber->why;
                if (fiber->deadline != never)
                    text += ", " + std::to_string((fiber->deadline - now_) / 1'000) + " us more";
                break;
            case Fiber::State::ended: text += "has ended"; break;
            case Fiber::State::frozen: text += "died with its process"; break;
        }
        text += '\n';
    }
    return text;
}

}  // namespace sim
