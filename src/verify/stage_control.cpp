// SPDX-License-Identifier: BSL-1.0
// Control calls, of whichever version of the table.
#include "verify/stage.hpp"

#include <holdfast/abi/wide.hpp>

#include <fmt/format.h>

#include <utility>

namespace holdfast::inline v1::verify {

using abi::Dword;

namespace {

/** What a control call may write to, however late. */
struct ControlState {
    Dword returned{0};
    abi::Bool asynchronous{0};
};

/** BytesReturned before the call: who does not set it leaves this. */
constexpr Dword untouched = 0xA5A5'A5A5;

}  // namespace

ControlAnswer Stage::typeControl(const ControlOrder& order) {
    ControlAnswer answer;
    if (!hasTypeControl()) {
        answer.code = abi::code::invalidFunction;
        return answer;
    }
    const auto state = std::make_shared<ControlState>();
    state->returned = untouched;
    const auto type = std::make_shared<abi::WideString>(abi::toWide(plan_.type));
    const bool begins = table_.version >= abi::versionV3 && table_.v3.beginResourceTypeControl != nullptr;
    const std::int64_t context = begins ? desk_.addContext() : 0;
    const Answer called =
        call(fmt::format("ResourceTypeControl({:#010x})", order.code), "", "budget.control", [=, table = table_] {
            if (!begins) {
                return table.v1.resourceTypeControl(type->c_str(), order.code, order.in, order.inSize, order.out,
                                                    order.outSize, &state->returned);
            }
            return table.v3.beginResourceTypeControl(type->c_str(), order.code, order.in, order.inSize, order.out,
                                                     order.outSize, &state->returned, context, &state->asynchronous);
        });
    answer.span = called.span;
    answer.code = called.code;
    answer.asynchronous = state->asynchronous != 0;
    finishControl(answer, order, context, state->returned);
    return answer;
}

ControlAnswer Stage::control(abi::ResourceId id, std::string_view resource, const ControlOrder& order) {
    ControlAnswer answer;
    if (!hasResourceControl()) {
        answer.code = abi::code::invalidFunction;
        return answer;
    }
    const auto state = std::make_shared<ControlState>();
    state->returned = untouched;
    const bool begins = table_.version >= abi::versionV3 && table_.v3.beginResourceControl != nullptr;
    const std::int64_t context = begins ? desk_.addContext() : 0;
    const Answer called =
        call(fmt::format("ResourceControl({:#010x})", order.code), resource, "budget.control", [=, table = table_] {
            if (!begins) {
                return table.v1.resourceControl(id, order.code, order.in, order.inSize, order.out, order.outSize,
                                                &state->returned);
            }
            return table.v3.beginResourceControl(id, order.code, order.in, order.inSize, order.out, order.outSize,
                                                 &state->returned, context, &state->asynchronous);
        });
    answer.span = called.span;
    answer.code = called.code;
    answer.asynchronous = state->asynchronous != 0;
    finishControl(answer, order, context, state->returned);
    return answer;
}

void Stage::finishControl(ControlAnswer& answer, const ControlOrder& order, std::int64_t context,
                          const Dword& returned) {
    if (context != 0) {
        if (answer.asynchronous) {
            const auto end = desk_.waitForEnd(context, plan_.callLimit);
            if (!end) {
                breaks("control.async-once",
                       fmt::format("control code {:#010x} returned asynchronously, and EndControlCall has not come "
                                   "after {} ms",
                                   order.code, plan_.callLimit.count()));
                reporter_.done(true);
                leaveProcess(0);  // it may write to its buffers at any time
            }
            answer.code = *end;
        } else {
            desk_.settle(context);
        }
    }
    answer.returned = returned;
    answer.bytesReturnedSet = returned != untouched;
    if (answer.code == abi::code::success && order.out != nullptr && returned <= order.outSize) {
        const auto* const bytes = static_cast<const abi::Byte*>(order.out);
        answer.out.assign(bytes, bytes + returned);
    }
}

ControlAnswer Stage::askType(Dword code, const std::vector<abi::Byte>& in) {
    std::vector<abi::Byte> input = in;
    for (std::size_t capacity = 1'024;;) {
        std::vector<abi::Byte> out(capacity);
        ControlAnswer answer =
            typeControl({code, input.empty() ? nullptr : input.data(), static_cast<Dword>(input.size()), out.data(),
                         static_cast<Dword>(out.size())});
        if (answer.code != abi::code::moreData || answer.returned <= capacity || answer.returned > 1U << 20U)
            return answer;
        capacity = answer.returned;
    }
}

}  // namespace holdfast::inline v1::verify
