// SPDX-License-Identifier: BSL-1.0

#include "wsfc_link.hpp"

#include "abi/host_binding.hpp"
#include "stored_properties.hpp"

#include <holdfast/abi/cluster_registry.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/agent_type.hpp>

#include <utility>

namespace holdfast::inline v1::adapters {
namespace {

// W-204: a hint the monitor may ignore; our own reports come at least this often.
constexpr abi::Dword waitHintMs = 20'000;

abi::ResourceState toState(core::Status status) noexcept {
    switch (status) {
        case core::Status::onlinePending: return abi::ResourceState::onlinePending;
        case core::Status::offlinePending: return abi::ResourceState::offlinePending;
        case core::Status::online: return abi::ResourceState::online;
        case core::Status::offline: return abi::ResourceState::offline;
        case core::Status::failed: return abi::ResourceState::failed;
    }
    return abi::ResourceState::failed;
}

class CallbackLink final : public WsfcLink {
public:
    CallbackLink(Callbacks callbacks, abi::ResourceHandle handle, abi::KeyHandle resourceKey,
                 std::shared_ptr<const AgentType> type)
        : callbacks_{callbacks}, handle_{handle}, properties_{resourceKey, std::move(type)} {}

    bool report(const exec::StatusReport& status) noexcept override {
        abi::ResourceStatus block{toState(status.status), status.checkPoint, waitHintMs, status.eventHandle};
        return callbacks_.setStatus(handle_, &block) != static_cast<abi::Dword>(abi::ExitState::terminate);
    }

    void log(LogLevel level, std::string_view text) noexcept override {
        logLine(callbacks_.logEvent, handle_, level, text);
    }

    void keepParameters() noexcept override { properties_.keepKeys(); }
    [[nodiscard]] PropertyBag readProperties() override { return properties_.checked(); }
    [[nodiscard]] PropertyBag readStoredProperties() override { return properties_.stored(); }
    void writeProperties(const PropertyBag& changes) override { properties_.write(changes); }

    void enterCall(const char* call) noexcept override {
        if (host_ != nullptr) host_->enterCall(handle_, call);
    }
    void leaveCall() noexcept override {
        if (host_ != nullptr) host_->leaveCall();
    }

private:
    [[nodiscard]] static const abi::HostFunctions* hostThatTakesNotes() noexcept {
        static const abi::HostFunctions* const host = abi::bindHost();
        return abi::offersCallNotes(host) ? host : nullptr;
    }

    const abi::HostFunctions* const host_{hostThatTakesNotes()};
    const Callbacks callbacks_;
    const abi::ResourceHandle handle_;
    StoredProperties properties_;
};

}  // namespace

std::shared_ptr<WsfcLink> makeWsfcLink(Callbacks callbacks, abi::ResourceHandle handle, abi::KeyHandle resourceKey,
                                       std::shared_ptr<const AgentType> type) {
    return std::make_shared<CallbackLink>(callbacks, handle, resourceKey, std::move(type));
}

void logLine(abi::LogEventRoutine routine, abi::ResourceHandle handle, LogLevel level, std::string_view text) noexcept {
    static constexpr abi::WideChar format[] = {'%', '1', '!', 'w', 's', '!', '\n', 0};
    try {
        routine(handle, static_cast<abi::Dword>(level), format, abi::toWide(text).c_str());
    } catch (const std::exception&) {  // out of memory: the line is lost
    }
}

}  // namespace holdfast::inline v1::adapters
