// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/adapters/property_controls.hpp>

#include <algorithm>
#include <cstring>
#include <vector>

namespace holdfast::inline v1::adapters {

/** A control call's buffers for a worker: copies, because the caller's are his own again whenever he gives up (D16). */
class ControlBuffers {
public:
    explicit ControlBuffers(const ControlCall& call)
        : code_{call.code}, hasIn_{call.in != nullptr}, hasOut_{call.out != nullptr} {
        if (hasIn_) {
            const auto* const bytes = static_cast<const abi::Byte*>(call.in);
            in_.assign(bytes, bytes + call.inSize);
        }
        if (hasOut_) out_.resize(std::min<std::size_t>(call.outSize, largest));
    }

    /** The call over these buffers. */
    [[nodiscard]] ControlCall call() noexcept {
        return {code_,
                hasIn_ ? in_.data() : nullptr,
                static_cast<abi::Dword>(in_.size()),
                hasOut_ ? out_.data() : nullptr,
                static_cast<abi::Dword>(out_.size()),
                &needed_};
    }

    /** Hands the answer to the caller; returns `result`. */
    [[nodiscard]] abi::Dword copyOut(const ControlCall& call, abi::Dword result) const noexcept {
        if (call.bytesReturned != nullptr) *call.bytesReturned = needed_;
        if (result == abi::code::success && hasOut_ && needed_ <= out_.size() && needed_ != 0)
            std::memcpy(call.out, out_.data(), needed_);
        return result;
    }

private:
    // More than anybody answers; a buffer that claims to be larger is not copied whole.
    static constexpr std::size_t largest = 16U << 20U;

    abi::Dword code_;
    bool hasIn_;
    bool hasOut_;
    std::vector<abi::Byte> in_;
    std::vector<abi::Byte> out_;
    abi::Dword needed_{0};
};

}  // namespace holdfast::inline v1::adapters
