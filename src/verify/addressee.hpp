// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/stage.hpp"
#include "verify/subject.hpp"

#include <holdfast/abi/control_codes.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::verify {

/**
 * Whoever control calls are made to: the type, or one of its resources. Every call is watched for W-141: a value in
 * `*BytesReturned`.
 *
 * @par Thread safety The scenario's thread.
 */
class Addressee {
public:
    explicit Addressee(Stage& stage) : stage_{stage} {}
    Addressee(Stage& stage, Subject& subject) : stage_{stage}, subject_{&subject} {}

    /** The code of this object for one of the other: both number their functions alike (W-601). */
    [[nodiscard]] abi::Dword own(abi::Dword code) const noexcept;
    [[nodiscard]] bool isType() const noexcept { return subject_ == nullptr; }
    [[nodiscard]] bool hasFunction() const noexcept {
        return isType() ? stage_.hasTypeControl() : stage_.hasResourceControl();
    }

    /** `order.code` may be of either object. */
    ControlAnswer control(ControlOrder order);
    /** Asks for an answer of whatever size. */
    ControlAnswer ask(abi::Dword code, const std::vector<abi::Byte>& in = {});
    /** Sends a buffer and wants no answer. */
    ControlAnswer send(abi::Dword code, const std::vector<abi::Byte>& in);
    /** The call for evidence: `ResourceControl(GET_PRIVATE_PROPERTIES 0x01000081) while online`. */
    [[nodiscard]] std::string call(abi::Dword code) const;
    /** What the resource is doing, for evidence. */
    void setState(std::string_view state) { state_ = state; }

private:
    Stage& stage_;
    Subject* subject_{nullptr};
    std::string state_;
};

}  // namespace holdfast::inline v1::verify
