// SPDX-License-Identifier: BSL-1.0

#include "resource_controls.hpp"

#include <holdfast/abi/wide.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace holdfast::inline v1::adapters {
namespace {

using abi::Dword;
namespace code = abi::code;

// A name is shorter; what comes with a notice is not trusted.
constexpr std::size_t longestName = 1'024;

Dword numberAt(const ControlCall& call, std::size_t offset) noexcept {
    Dword number = 0;
    std::memcpy(&number, static_cast<const abi::Byte*>(call.in) + offset, sizeof number);
    return number;
}

/** The text from `offset` on, up to its NUL or the end of the buffer; empty if there is none. */
std::string textAt(const ControlCall& call, std::size_t offset) {
    if (call.in == nullptr || call.inSize < offset + sizeof(abi::WideChar)) return {};
    abi::WideString text(std::min((call.inSize - offset) / sizeof(abi::WideChar), longestName), abi::WideChar{});
    std::memcpy(text.data(), static_cast<const abi::Byte*>(call.in) + offset, text.size() * sizeof(abi::WideChar));
    return abi::toUtf8(abi::WideView{text}.substr(0, text.find(abi::WideChar{})));
}

/** W-650: DWORD size, version, reason. Without a buffer, as a page has it, nothing is known. */
Dword noteStateChange(exec::Instance& instance, const ControlCall& call) noexcept {
    constexpr Dword structureSize = 12;
    if (call.in == nullptr && call.inSize == 0) {
        instance.noteStateChange(StateChangeReason::unknown);
        return code::success;
    }
    if (call.in == nullptr || call.inSize < structureSize || numberAt(call, 0) < structureSize)
        return code::invalidData;
    const Dword reason = numberAt(call, 8);
    const bool known = reason <= static_cast<Dword>(StateChangeReason::rundown);
    instance.noteStateChange(known ? static_cast<StateChangeReason>(reason) : StateChangeReason::unknown);
    return code::success;
}

/** What the engine tells and wants no answer to (W-642); nothing for any other code. */
std::optional<Dword> noted(exec::Instance& instance, const ControlCall& call) {
    switch (call.code) {
        case control::resourceSetName: instance.rename(textAt(call, 0)); return code::success;  // W-651
        case control::resourceStateChangeReason: return noteStateChange(instance, call);
        case control::resourceAddDependency:
            instance.noteDependency({DependencyEvent::added, textAt(call, 0)});
            return code::success;
        case control::resourceRemoveDependency:
            instance.noteDependency({DependencyEvent::removed, textAt(call, 0)});
            return code::success;
        case control::resourceProviderStateChange:
            // DWORD size, state of the provider, then its id.
            instance.noteDependency({DependencyEvent::stateChanged, textAt(call, 8)});
            return code::success;
        // Nothing to do, but an answer other than 0 would refuse the group or look like a failure.
        case control::resourceDelete:
        case control::resourceJoiningGroup:
        case control::resourceLeavingGroup: return code::success;
        default: return std::nullopt;
    }
}

bool needsWorker(const AgentType& type, Dword asked) {
    switch (asked) {
        case control::resourceGetReadOnlyPrivateProperties:
        case control::resourceGetPrivateProperties:
        case control::resourceSetPrivateProperties:
        case control::resourceValidatePrivateProperties: return true;
        default: break;
    }
    const auto& own = type.declarations().controls;
    return std::any_of(own.begin(), own.end(), [&](const AuthorControl& one) { return one.code == asked; });
}

}  // namespace

std::optional<Dword> answerAtOnce(exec::Instance& instance, const ControlCall& call) {
    if (call.bytesReturned != nullptr) *call.bytesReturned = 0;  // W-141
    if (abi::control::objectOf(call.code) != abi::ControlObject::resource) return code::invalidFunction;
    if (const auto answer = noted(instance, call)) return answer;
    const AgentType& type = instance.type();
    if (needsWorker(type, call.code)) {
        // W-513: before anything of it is copied.
        const bool list = call.code == control::resourceSetPrivateProperties ||
                          call.code == control::resourceValidatePrivateProperties;
        if (list && call.inSize > type.declarations().largestPropertyList) return code::invalidData;
        return std::nullopt;
    }
    return declaredAnswer(type, call).value_or(code::invalidFunction);
}

Dword answerOnWorker(exec::Instance& instance, const ControlCall& call, const std::function<bool()>& mayStore,
                     std::string* reason) {
    const auto open = [&instance] {
        // W-109: after Close the engine's key is not ours any more.
        if (instance.closed()) throw Error{ErrorCode::failed, "the resource was closed meanwhile"};
    };
    PropertyStore store;
    store.effective = [&] {
        open();
        return instance.link().readStoredProperties();
    };
    store.write = [&](const PropertyBag& changes) {
        open();
        instance.link().writeProperties(changes);
    };
    store.mayStore = mayStore;
    store.active = instance.active();
    const AgentType& type = instance.type();
    const auto* const input = static_cast<const std::byte*>(call.in);
    ControlRequest request{instance.name(), type.name(), store.active, {input, input == nullptr ? 0 : call.inSize}};
    if (const auto answer = authorControl(type.declarations().controls, store.effective, request, call, reason))
        return *answer;
    return resourcePropertyControl(type, store, call, reason);
}

const char* controlCallName(Dword asked) noexcept {
    return asked == control::resourceSetPrivateProperties || asked == control::resourceValidatePrivateProperties
               ? "validate"
               : "control";
}

}  // namespace holdfast::inline v1::adapters
