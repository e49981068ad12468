// SPDX-License-Identifier: BSL-1.0
#include "verify/subject.hpp"

#include "verify/running.hpp"
#include "verify/vanishing_memory.hpp"

#include <holdfast/abi/wide.hpp>

#include <fmt/format.h>

#include <cstring>
#include <thread>
#include <utility>

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;
using std::chrono::milliseconds;

std::string_view nameOfState(abi::ResourceState state) {
    switch (state) {
        case abi::ResourceState::online: return "Online";
        case abi::ResourceState::offline: return "Offline";
        case abi::ResourceState::failed: return "Failed";
        case abi::ResourceState::cannotComeOnlineOnThisNode: return "CannotComeOnlineOnThisNode";
        case abi::ResourceState::cannotComeOnlineOnAnyNode: return "CannotComeOnlineOnAnyNode";
        default: return "a state that is none of the final ones";
    }
}

}  // namespace

std::string Subject::words() const {
    const std::string last = line_->lastWords();
    return last.empty() ? "" : fmt::format("; it logged last: \"{}\"", last);
}

bool Subject::open(bool poison) { return openWith(poison, false); }
bool Subject::openQuietly() { return openWith(false, true); }

bool Subject::openWith(bool poison, bool quietly) {
    line_ = std::make_shared<Line>(stage_.reporter(), name_);
    handle_ = stage_.desk().add(line_);
    const abi::KeyHandle key = stage_.openKey(name_);
    const abi::WideString wide = abi::toWide(name_);
    // Where a guard page begins after the call, so that whoever kept the pointer is found out.
    const auto memory = std::make_shared<VanishingMemory>(wide.c_str(), (wide.size() + 1) * sizeof(abi::WideChar));
    const auto id = std::make_shared<abi::ResourceId>();
    const auto lastError = std::make_shared<Dword>(0);
    auto* const handle = reinterpret_cast<abi::ResourceHandle>(static_cast<std::uintptr_t>(handle_));
    stage_.call("Open", name_, "budget.open", [=, table = stage_.table()] {
        const auto* const itsName = static_cast<const abi::WideChar*>(memory->data());
        monitor::hostFunctions().setLastError(0);
        *id = table.version == abi::versionV1 ? table.v1.open(itsName, key, handle)
                                              : table.v2.open(itsName, key, handle, 0);
        *lastError = monitor::hostFunctions().getLastError();
        return *id == abi::ResourceId{} ? *lastError : 0;
    });
    if (poison) memory->vanish();
    nameMemory_ = memory;
    id_ = *id;
    if (id_ != abi::ResourceId{}) return true;
    if (!quietly)
        stage_.breaks("lifecycle.open",
                      fmt::format("Open of {} returned NULL, last error {}{}", name_, *lastError, words()));
    if (*lastError == 0)
        stage_.breaks("lifecycle.open", fmt::format("Open of {} returned NULL and left no last error", name_));
    stage_.desk().close(handle_);
    stage_.closeKey(name_);
    return false;
}

void Subject::mustOpen() {
    if (!open()) stage_.giveUp();
}

void Subject::close() {
    stage_.call("Close", name_, "budget.close", [id = id_, table = stage_.table()] {
        table.v1.close(id);
        return Dword{0};
    });
    stage_.desk().close(handle_);
    stage_.closeKey(name_);
}

std::shared_ptr<Stage::Running> Subject::startOnline() {
    online_ = std::make_shared<abi::Handle>();
    line_->begin(Line::Operation::online);
    return stage_.start(
        "Online", name_, "budget.online", [id = id_, event = online_, line = line_, table = stage_.table()] {
            const Dword code = table.version == abi::versionV1 ? table.v1.online(id, event.get())
                                                               : table.v2.online(id, event.get(), 0, nullptr, 0, 0);
            line->returned(code);
            return code;
        });
}

std::shared_ptr<Stage::Running> Subject::startOffline() {
    line_->begin(Line::Operation::offline);
    return stage_.start("Offline", name_, "budget.offline", [id = id_, line = line_, table = stage_.table()] {
        const Dword code =
            table.version == abi::versionV1 ? table.v1.offline(id) : table.v2.offline(id, nullptr, 0, nullptr, 0, 0);
        line->returned(code);
        return code;
    });
}

std::shared_ptr<Stage::Running> Subject::startIsAlive() {
    return stage_.start("IsAlive", name_, "budget.is-alive",
                        [id = id_, table = stage_.table()] { return static_cast<Dword>(table.v1.isAlive(id)); });
}
std::shared_ptr<Stage::Running> Subject::startLooksAlive() {
    return stage_.start("LooksAlive", name_, "budget.looks-alive",
                        [id = id_, table = stage_.table()] { return static_cast<Dword>(table.v1.looksAlive(id)); });
}
std::shared_ptr<Stage::Running> Subject::startTerminate() {
    line_->terminating();
    return stage_.start("Terminate", name_, "budget.terminate", [id = id_, line = line_, table = stage_.table()] {
        table.v1.terminate(id);
        line->terminated();
        return Dword{0};
    });
}
std::shared_ptr<Stage::Running> Subject::startControl(Dword code) {
    struct Buffers {
        std::array<abi::Byte, 4'096> out{};
        Dword returned{0};
        abi::Bool asynchronous{0};
    };
    const auto buffers = std::make_shared<Buffers>();
    const bool begins = stage_.table().version >= abi::versionV3;
    const std::int64_t context = begins ? stage_.desk().addContext() : 0;
    return stage_.start(fmt::format("ResourceControl({:#010x})", code), name_, "budget.control",
                        [=, id = id_, table = stage_.table(), &desk = stage_.desk(), limit = stage_.plan().callLimit] {
                            if (!begins) {
                                return table.v1.resourceControl(id, code, nullptr, 0, buffers->out.data(),
                                                                static_cast<Dword>(buffers->out.size()),
                                                                &buffers->returned);
                            }
                            const Dword direct = table.v3.beginResourceControl(
                                id, code, nullptr, 0, buffers->out.data(), static_cast<Dword>(buffers->out.size()),
                                &buffers->returned, context, &buffers->asynchronous);
                            if (buffers->asynchronous == 0) return desk.settle(context), direct;
                            return desk.waitForEnd(context, limit).value_or(abi::code::resourceCallTimedOut);
                        });
}

Answer Subject::terminate() {
    const auto running = startTerminate();
    return stage_.wait(*running);
}
bool Subject::isAlive() { return stage_.wait(*startIsAlive()).code != 0; }
bool Subject::looksAlive() { return stage_.wait(*startLooksAlive()).code != 0; }

bool Subject::isAliveWithin(milliseconds patience) {
    for (const auto end = std::chrono::steady_clock::now() + patience;;) {
        if (isAlive()) return true;
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(10ms);
    }
}

bool Subject::finish(bool online, Dword code, std::string_view rule) {
    const std::string_view call = online ? "Online" : "Offline";
    pended_ = code == abi::code::ioPending;
    if (code == abi::code::success) return true;
    if (!pended_) {
        stage_.breaks(rule, fmt::format("{} of {} returned {}{}", call, name_, code, words()));
        return false;
    }
    const auto final = line_->waitForFinal(stage_.plan().operationLimit, stage_.plan().pendingTimeout);
    if (!final) {
        const std::string text =
            fmt::format("{} of {} has been pending for {} ms, with {} report(s), and no end{}", call, name_,
                        stage_.plan().operationLimit.count(), line_->reports(), words());
        // Without any report its worker is lost; with them it lacks a limit.
        stage_.breaks(line_->reports() == 0 ? "pending.final" : "pending.endless", text);
        stage_.giveUp();
    }
    const auto wanted = online ? abi::ResourceState::online : abi::ResourceState::offline;
    if (final->state == wanted) {
        if (online && final->event != nullptr) event_ = final->event;
        return true;
    }
    if (!stage_.reporter().failed("pending.final-state"))
        stage_.breaks(rule, fmt::format("{} of {} ended as {}{}", call, name_, nameOfState(final->state), words()));
    return false;
}

bool Subject::bringOnline(std::string_view rule) {
    event_ = nullptr;
    identity_.reset();
    const auto begin = std::chrono::steady_clock::now();
    const Answer answer = stage_.wait(*startOnline());
    if (*online_ != nullptr) event_ = *online_;
    const bool good = finish(true, answer.code, rule);
    onlineTook_ = std::chrono::steady_clock::now() - begin;
    if (good && event_ != nullptr) {
        identity_ = std::make_unique<HandleIdentity>(event_);
        switch (waitFor(event_, 0ms)) {
            case HandleState::waiting: break;
            case HandleState::signalled:
                stage_.breaks("health.event-initial",
                              fmt::format("the event of {} was signalled when it came online", name_));
                break;
            case HandleState::invalid:
                stage_.breaks("health.event-initial", fmt::format("what {} left as its event is no handle", name_));
                break;
        }
    }
    return good;
}

HandleState Subject::waitForEvent(std::chrono::milliseconds patience) const noexcept {
    const HandleState state = waitFor(event_, patience);
    return identity_ != nullptr && !identity_->holds() ? HandleState::invalid : state;
}

void Subject::mustComeOnline(std::string_view rule) {
    if (!bringOnline(rule)) stage_.giveUp();
}

bool Subject::takeOffline(std::string_view rule) {
    const Answer answer = stage_.wait(*startOffline());
    return finish(false, answer.code, rule);
}

ControlAnswer Subject::ask(Dword code, const std::vector<abi::Byte>& in) {
    std::vector<abi::Byte> input = in;
    for (std::size_t capacity = 1'024;;) {
        std::vector<abi::Byte> out(capacity);
        ControlAnswer answer = control({code, input.empty() ? nullptr : input.data(), static_cast<Dword>(input.size()),
                                        out.data(), static_cast<Dword>(out.size())});
        if (answer.code != abi::code::moreData || answer.returned <= capacity || answer.returned > 1U << 20U)
            return answer;
        capacity = answer.returned;
    }
}

}  // namespace holdfast::inline v1::verify
