// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/frame.hpp"

#include <holdfast/monitor/host.hpp>

#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor::protocol {

/** This program speaks versions lowest to highest. A host says which one of the monitor's it will use. */
inline constexpr std::uint32_t lowest = 1;
inline constexpr std::uint32_t highest = 1;

/** Where a host finds what its guard passes on. */
inline constexpr int socketDescriptor = 3;
inline constexpr int boardDescriptor = 4;

struct Hello {
    std::uint32_t lowest{0};
    std::uint32_t highest{0};
    std::string program;
    std::int64_t process{0};
};

[[nodiscard]] std::string write(const Hello& hello);
[[nodiscard]] Hello readHello(FrameReader& reader);

[[nodiscard]] std::string writeAdd(ResourceNumber resource, const HostedResource& description);
[[nodiscard]] std::pair<ResourceNumber, HostedResource> readAdd(FrameReader& reader);

struct Stored {
    ResourceNumber resource{};
    PropertyBag changes;
    StoreNumber number{0};  ///< of `store`, and in `changed` of the last one before it; 0 from who knows none
};

/** `store`, `storeType` or `changed`. */
[[nodiscard]] std::string writeStore(FrameKind kind, ResourceNumber resource, const PropertyBag& changes,
                                     StoreNumber number = 0);
[[nodiscard]] Stored readStore(FrameReader& reader);

[[nodiscard]] std::string writeDependencies(ResourceNumber resource,
                                            const std::vector<holdfast::Dependency>& dependencies);
[[nodiscard]] std::pair<ResourceNumber, std::vector<holdfast::Dependency>> readDependencies(FrameReader& reader);

[[nodiscard]] std::string write(const CallOrder& order);
[[nodiscard]] CallOrder readOrder(FrameReader& reader);

[[nodiscard]] std::string write(const CallResult& result);
[[nodiscard]] CallResult readResult(FrameReader& reader);

[[nodiscard]] std::string writeStatus(std::uint32_t request, ResourceNumber resource, const ReportedStatus& status);
[[nodiscard]] std::pair<ResourceNumber, ReportedStatus> readStatus(FrameReader& reader);

/** `watch`, `unwatch`, `signalled`, `remove`. */
[[nodiscard]] std::string writeEvent(FrameKind kind, ResourceNumber resource, core::Generation generation = 0);
[[nodiscard]] std::pair<ResourceNumber, core::Generation> readEvent(FrameReader& reader);

}  // namespace holdfast::inline v1::monitor::protocol
