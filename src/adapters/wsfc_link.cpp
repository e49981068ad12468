// SPDX-License-Identifier: BSL-1.0

#include "wsfc_link.hpp"

#include "abi/host_binding.hpp"
#include "cluster_api.hpp"
#include "dependency_reader.hpp"
#include "stored_properties.hpp"

#include <holdfast/abi/cluster_registry.hpp>
#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/agent_type.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace holdfast::inline v1::adapters {
namespace {

// W-204: a hint the monitor may ignore; our own reports come at least this often.
constexpr abi::Dword waitHintMs = 20'000;

abi::ResourceState toState(const exec::StatusReport& report) noexcept {
    switch (report.status) {
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
    CallbackLink(const Callbacks& callbacks, abi::ResourceHandle handle, abi::KeyHandle resourceKey,
                 std::shared_ptr<const AgentType> type)
        : callbacks_{callbacks},
          handle_{handle},
          resourceKey_{resourceKey},
          properties_{resourceKey, std::move(type)} {}

    bool report(const exec::StatusReport& status) noexcept override {
        const abi::ResourceState state = toState(status);
        abi::Dword answer = 0;
        if (callbacks_.setStatusEx != nullptr) {
            // Whole, though the form of 2012 ends before the hint: who reads less, reads less (W-033).
            abi::ResourceStatusEx block{state, status.checkPoint, status.eventHandle, 0, 0, waitHintMs};
            if (status.status == core::Status::failed) {
                block.applicationSpecificErrorCode = abi::win32Of(status.code);
                // W-207: so that the engine need not try here again. V1 knows no such state.
                if (status.code == ErrorCode::wrongNode && status.job == core::Job::online)
                    block.state = abi::ResourceState::cannotComeOnlineOnThisNode;
            }
            answer = callbacks_.setStatusEx(handle_, &block);
        } else {
            abi::ResourceStatus block{state, status.checkPoint, waitHintMs, status.eventHandle};
            answer = callbacks_.setStatus(handle_, &block);
        }
        return answer != static_cast<abi::Dword>(abi::ExitState::terminate);
    }

    void signalFailure(ErrorCode code) noexcept override {
        if (callbacks_.signalFailure == nullptr) return;
        static_cast<void>(callbacks_.signalFailure(handle_, abi::FailureType::general, abi::win32Of(code)));
    }

    [[nodiscard]] abi::EndControlCallRoutine endControlCall() const noexcept override {
        return callbacks_.endControlCall;
    }

    void log(LogLevel level, std::string_view text) noexcept override {
        logLine(callbacks_.logEvent, handle_, level, text);
    }

    void keepParameters() noexcept override {
        properties_.keepKeys();
        if (resourceKey_ == nullptr || !hostIsHoldfast()) return;
        try {
            auto own = std::make_shared<Key>();
            own->key = abi::ClusterRegistry::ofHost().open(resourceKey_, "");
            const std::lock_guard lock{mutex_};
            if (own->key) own_ = std::move(own);
        } catch (const std::exception&) {  // then nothing is known of dependencies, and who asks is told so
        }
    }
    [[nodiscard]] PropertyBag readProperties() override { return properties_.checked(); }
    [[nodiscard]] PropertyBag readStoredProperties() override { return properties_.stored(); }
    void writeProperties(const PropertyBag& changes) override { properties_.write(changes); }

    [[nodiscard]] Dependencies readDependencies(const std::string& name) override {
        if (const auto* const host = abi::hostExport()) {
            std::shared_ptr<Key> own;
            {
                const std::lock_guard lock{mutex_};
                own = own_;
            }
            return own ? readDependencyKeys(*host, own->key->get()) : Dependencies{};
        }
        std::string_view absence;
        if (const auto* const cluster = bindClusterApi(absence)) return readClusterDependencies(*cluster, name);
        throw Error{ErrorCode::notInstalled, "cannot tell what the resource depends on: " + std::string{absence}};
    }

    [[nodiscard]] Engine engine() const noexcept override {
        if (hostIsHoldfast()) return Engine::monitor;
#if defined(_WIN32)
        return Engine::failoverClustering;
#else
        return Engine::unknown;
#endif
    }

    void enterCall(const char* call) noexcept override {
        if (host_ != nullptr) host_->enterCall(handle_, call);
    }
    void leaveCall() noexcept override {
        if (host_ != nullptr) host_->leaveCall();
    }
    [[nodiscard]] bool injectedFault(const char* call) noexcept override {
        // Asked once: only a verifier's host has it, and that from the start.
        static const auto inject = abi::offered(abi::hostExport(), &abi::HostFunctions::injectedFault);
        return inject != nullptr && inject(handle_, call) != 0;
    }

    void flightAlarm(const char* reason) noexcept override {
        const auto alarm = abi::offered(abi::hostExport(), &abi::HostFunctions::flightAlarm);
        if (alarm != nullptr) alarm(handle_, reason);
    }

private:
    [[nodiscard]] static const abi::HostFunctions* hostThatTakesNotes() noexcept {
        static const abi::HostFunctions* const host = abi::bindHost();
        return abi::offersCallNotes(host) ? host : nullptr;
    }

    const abi::HostFunctions* const host_{hostThatTakesNotes()};
    const Callbacks callbacks_;
    const abi::ResourceHandle handle_;
    const abi::KeyHandle resourceKey_;
    StoredProperties properties_;

    struct Key {
        std::optional<abi::ClusterRegistry::Key> key;
    };
    std::mutex mutex_;          // guards the one below
    std::shared_ptr<Key> own_;  // the resource's key, opened anew; only under a host of our own monitor
};

}  // namespace

std::shared_ptr<WsfcLink> makeWsfcLink(const Callbacks& callbacks, abi::ResourceHandle handle,
                                       abi::KeyHandle resourceKey, std::shared_ptr<const AgentType> type) {
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
