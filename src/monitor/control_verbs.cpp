// SPDX-License-Identifier: BSL-1.0
// What peers of the control socket may ask. Nothing here waits: what an agent must answer comes back later.
#include "monitor/control_core.hpp"
#include "monitor/metrics.hpp"
#include "monitor/reason_text.hpp"
#include "monitor/snapshot_json.hpp"

#include <holdfast/os/process.hpp>
#include <holdfast/version.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include <utility>

namespace holdfast::inline v1::monitor {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

namespace {

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines) out += (out.empty() ? "" : "; ") + line;
    return out;
}

}  // namespace

void ControlServer::Core::answer(const Peer& peer, const ControlRequest& request, json::value result) {
    peer->answer(answerLine(request.id, std::move(result)));
}

void ControlServer::Core::refuse(const Peer& peer, const ControlRequest& request, std::string_view code,
                                 std::string text, std::uint32_t win32) {
    ControlRefusal refusal;
    refusal.id = request.id;
    refusal.code = code;
    refusal.text = std::move(text);
    refusal.win32 = win32;
    peer->answer(refusalLine(refusal));
}

std::unique_ptr<ResourceSnapshot> ControlServer::Core::find(const Peer& peer, const ControlRequest& request) {
    const auto all = monitor_->snapshot();
    for (const auto& snapshot : all) {
        if (snapshot.name == request.resource) return std::make_unique<ResourceSnapshot>(snapshot);
    }
    std::vector<std::string_view> names;
    for (const auto& snapshot : all) names.push_back(snapshot.name);
    ControlRefusal refusal;
    refusal.id = request.id;
    refusal.code = "unknownResource";
    refusal.text = fmt::format("there is no resource '{}'", request.resource);
    refusal.suggestion = suggestion(request.resource.substr(0, 256), names);
    peer->answer(refusalLine(refusal));
    return nullptr;
}

void ControlServer::Core::perform(const Peer& peer, const ControlRequest& request) {
    switch (request.verb) {
        case ControlVerb::ping:
            return answer(peer, request,
                          json::object{{"protocol", controlProtocol},
                                       {"program", fmt::format("holdfast {}", version())},
                                       {"process", os::processId()}});
        case ControlVerb::list: return list(peer, request);
        case ControlVerb::show: return show(peer, request);
        case ControlVerb::online: return want(peer, request, true);
        case ControlVerb::offline: return want(peer, request, false);
        case ControlVerb::fail: return fail(peer, request);
        case ControlVerb::set: return set(peer, request);
        case ControlVerb::properties: return properties(peer, request);
        case ControlVerb::events: return follow(peer, request);
        case ControlVerb::metrics: return metrics(peer, request);
        case ControlVerb::reload: return reload(peer, request);
        case ControlVerb::stop: return stop(peer, request);
    }
}

void ControlServer::Core::list(const Peer& peer, const ControlRequest& request) {
    const auto now = Clock::now();
    json::array rows;
    for (const auto& snapshot : monitor_->snapshot()) rows.push_back(toJsonObject(snapshot, now));
    answer(peer, request, json::object{{"resources", std::move(rows)}});
}

void ControlServer::Core::show(const Peer& peer, const ControlRequest& request) {
    const auto snapshot = find(peer, request);
    if (snapshot) answer(peer, request, toJsonObject(*snapshot, Clock::now()));
}

void ControlServer::Core::want(const Peer& peer, const ControlRequest& request, bool online) {
    const auto before = find(peer, request);
    if (!before) return;
    static_cast<void>(online ? monitor_->online(request.resource) : monitor_->offline(request.resource));
    answer(peer, request, toJsonObject(*before, Clock::now()));  // what it was when it was asked
}

void ControlServer::Core::fail(const Peer& peer, const ControlRequest& request) {
    const auto snapshot = find(peer, request);
    if (!snapshot) return;
    if (snapshot->external != abi::ResourceState::online) {
        return refuse(peer, request, "invalidState",
                      fmt::format("'{}' is {}: only an online resource can be declared failed", request.resource,
                                  stateName(snapshot->external)));
    }
    static_cast<void>(
        monitor_->fail(request.resource, request.reason.empty() ? "on request" : std::string_view{request.reason}));
    answer(peer, request, toJsonObject(*snapshot, Clock::now()));
}

void ControlServer::Core::set(const Peer& peer, const ControlRequest& request) {
    if (!find(peer, request)) return;
    monitor_->setProperties(
        request.resource, request.settings, [self = shared_from_this(), peer, request](const PropertyAnswer& told) {
            boost::asio::post(self->io_, [peer, request, told] {
                if (!told.problems.empty()) {
                    return refuse(peer, request, "refused", joined(told.problems), told.code);
                }
                const bool later = told.code == abi::code::resourcePropertiesStored;  // W-640
                answer(peer, request, json::object{{"code", told.code}, {"usedAtNextOnline", later}});
            });
        });
}

void ControlServer::Core::properties(const Peer& peer, const ControlRequest& request) {
    if (!find(peer, request)) return;
    monitor_->visibleProperties(
        request.resource, [self = shared_from_this(), peer, request](const VisibleProperties& visible) {
            boost::asio::post(self->io_, [peer, request, out = toJsonObject(visible)]() mutable {
                answer(peer, request, std::move(out));
            });
        });
}

void ControlServer::Core::follow(const Peer& peer, const ControlRequest& request) {
    if (!request.resource.empty() && !find(peer, request)) return;
    auto& filter = peer->filter();
    if (filter.following) return refuse(peer, request, "invalidState", "this connection follows already");
    drain();  // what happened so far is for those before it
    const auto missed = feed_.follow(request.calls, request.history);
    filter = {true, request.calls, request.resource};
    answer(peer, request, json::object{{"following", true}});
    for (const auto& record : missed) {
        if (filter.resource.empty() || filter.resource == record->resource) peer->show(eventLine(toJson(*record)));
    }
}

void ControlServer::Core::metrics(const Peer& peer, const ControlRequest& request) {
    answer(peer, request,
           json::object{{"contentType", "text/plain; version=0.0.4; charset=utf-8"},
                        {"text", metricsText({monitor_->snapshot(), monitor_->histograms(), Clock::now(), started_})}});
}

void ControlServer::Core::reload(const Peer& peer, const ControlRequest& request) {
    if (!options_.reload) return refuse(peer, request, "unavailable", "this monitor cannot reload its configuration");
    if (reloads_.exchange(true)) return refuse(peer, request, "busy", "a reload is under way already");
    if (reloading_.joinable()) reloading_.join();  // it has ended
    const os::BlockSignals blocked;
    reloading_ = std::thread{[this, peer, request] {
        const auto problems = options_.reload();
        boost::asio::post(io_, [this, peer, request, problems] {
            reloads_ = false;
            if (!problems.empty()) return refuse(peer, request, "refused", joined(problems));
            answer(peer, request, json::object{{"reloaded", true}});
        });
    }};
}

void ControlServer::Core::stop(const Peer& peer, const ControlRequest& request) {
    answer(peer, request, json::object{{"stopping", true}});
    if (options_.stop) return options_.stop();
    monitor_->stop();
}

}  // namespace holdfast::inline v1::monitor
