// SPDX-License-Identifier: BSL-1.0
#include "verify/addressee.hpp"

#include <fmt/format.h>

namespace holdfast::inline v1::verify {

using abi::Dword;

Dword Addressee::own(Dword code) const noexcept {
    const auto object = isType() ? abi::ControlObject::resourceType : abi::ControlObject::resource;
    const auto of = abi::control::objectOf(code);
    // What is of neither is sent as it is, to whoever may not know it.
    if (of != abi::ControlObject::resource && of != abi::ControlObject::resourceType) return code;
    return (code & 0x00FF'FFFFU) | static_cast<Dword>(object) << 24U;
}

ControlAnswer Addressee::control(ControlOrder order) {
    order.code = own(order.code);
    ControlAnswer answer =
        isType() ? stage_.typeControl(order) : stage_.control(subject_->id(), subject_->name(), order);
    if (!answer.bytesReturnedSet && hasFunction())
        stage_.breaks("control.bytes-returned",
                      fmt::format("{} with {} bytes in and {} bytes for the answer returned {} and left *BytesReturned "
                                  "as it was",
                                  call(order.code), order.inSize, order.outSize, answer.code));
    return answer;
}

ControlAnswer Addressee::ask(Dword code, const std::vector<abi::Byte>& in) {
    std::vector<abi::Byte> input = in;
    for (std::size_t capacity = 1'024;;) {
        std::vector<abi::Byte> out(capacity);
        ControlAnswer answer = control({code, input.empty() ? nullptr : input.data(), static_cast<Dword>(input.size()),
                                        out.data(), static_cast<Dword>(out.size())});
        if (answer.code != abi::code::moreData || !answer.bytesReturnedSet || answer.returned <= capacity ||
            answer.returned > 1U << 20U)
            return answer;
        capacity = answer.returned;
    }
}

ControlAnswer Addressee::send(Dword code, const std::vector<abi::Byte>& in) {
    std::vector<abi::Byte> input = in;
    return control({code, input.empty() ? nullptr : input.data(), static_cast<Dword>(input.size()), nullptr, 0});
}

std::string Addressee::call(Dword code) const {
    const auto name = abi::controlName(own(code));
    return fmt::format("{}({}{}{:#010x}){}{}", isType() ? "ResourceTypeControl" : "ResourceControl", name,
                       name.empty() ? "" : " ", own(code), state_.empty() ? "" : " while ", state_);
}

}  // namespace holdfast::inline v1::verify
