// SPDX-License-Identifier: BSL-1.0
#include "verify/plan.hpp"

#include <boost/json.hpp>

namespace holdfast::inline v1::verify {
namespace {

namespace json = boost::json;

std::string_view nameOf(Injection::Fault fault) {
    switch (fault) {
        case Injection::Fault::hang: return "hang";
        case Injection::Fault::slow: return "slow";
        case Injection::Fault::fail: return "throw";
        case Injection::Fault::crash: return "crash";
    }
    return "hang";
}

std::chrono::milliseconds milliseconds(const json::value& value) {
    return std::chrono::milliseconds{value.to_number<std::int64_t>()};
}

}  // namespace

std::string Injection::text() const { return std::string{nameOf(fault)} + "@" + entry; }

std::string Plan::toJson() const {
    json::array values;
    for (const auto& [name, value] : properties) values.push_back(json::array{name, value});
    json::array faults;
    for (const Injection& injection : injections)
        faults.push_back(json::array{static_cast<int>(injection.fault), injection.entry});
    return json::serialize(json::object{{"library", library.string()},
                                        {"type", type},
                                        {"properties", values},
                                        {"seed", seed},
                                        {"callLimit", callLimit.count()},
                                        {"operationLimit", operationLimit.count()},
                                        {"pendingTimeout", pendingTimeout.count()},
                                        {"detectLimit", detectLimit.count()},
                                        {"break", breakCommand},
                                        {"mend", mendCommand},
                                        {"injections", faults},
                                        {"openCycles", openCycles},
                                        {"onlineCycles", onlineCycles}});
}

Plan Plan::fromJson(std::string_view text) {
    const json::value parsed = json::parse(text);
    const auto& object = parsed.as_object();
    const auto string = [&](const char* key) { return json::value_to<std::string>(object.at(key)); };
    Plan plan;
    plan.library = string("library");
    plan.type = string("type");
    for (const json::value& pair : object.at("properties").as_array()) {
        plan.properties.emplace_back(json::value_to<std::string>(pair.as_array().at(0)),
                                     json::value_to<std::string>(pair.as_array().at(1)));
    }
    plan.seed = object.at("seed").to_number<std::uint64_t>();
    plan.callLimit = milliseconds(object.at("callLimit"));
    plan.operationLimit = milliseconds(object.at("operationLimit"));
    plan.pendingTimeout = milliseconds(object.at("pendingTimeout"));
    plan.detectLimit = milliseconds(object.at("detectLimit"));
    plan.breakCommand = string("break");
    plan.mendCommand = string("mend");
    for (const json::value& pair : object.at("injections").as_array()) {
        plan.injections.push_back({static_cast<Injection::Fault>(pair.as_array().at(0).to_number<int>()),
                                   json::value_to<std::string>(pair.as_array().at(1))});
    }
    plan.openCycles = object.at("openCycles").to_number<std::uint32_t>();
    plan.onlineCycles = object.at("onlineCycles").to_number<std::uint32_t>();
    return plan;
}

}  // namespace holdfast::inline v1::verify
