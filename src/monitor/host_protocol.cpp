// SPDX-License-Identifier: BSL-1.0
#include "monitor/host_protocol.hpp"

#include <holdfast/abi/registry_value.hpp>
#include <holdfast/abi/wide.hpp>

#include <algorithm>

namespace holdfast::inline v1::monitor::protocol {

namespace {

constexpr std::uint32_t absent = 0xFFFF'FFFF;  // in place of a registry type: the value is deleted

constexpr std::uint64_t longestSpan = 1'000'000'000'000'000;  // ns, 11 days: a host that lies must not make us overflow

/** A host may say anything; records are UTF-8. */
std::string printable(const std::string& text) { return abi::toUtf8(abi::toWide(text)); }

/** Paths travel as UTF-8: the narrow encoding of a Windows process is another one, and has no sign for some names. */
std::string textOf(const std::filesystem::path& path) {
    const std::u8string text = path.u8string();
    return {text.begin(), text.end()};
}

std::filesystem::path pathOf(std::string text) {
    // A POSIX path is bytes; where paths are UTF-16, what is no UTF-8 would throw.
    if constexpr (sizeof(std::filesystem::path::value_type) > 1) text = printable(text);
    return std::u8string{text.begin(), text.end()};
}

ResourceNumber readNumber(FrameReader& reader) { return static_cast<ResourceNumber>(reader.u32()); }

FrameWriter& number(FrameWriter& writer, ResourceNumber resource) {
    return writer.u32(static_cast<std::uint32_t>(resource));
}

FrameWriter& bag(FrameWriter& writer, const PropertyBag& values) {
    writer.u32(static_cast<std::uint32_t>(values.size()));
    for (const auto& [name, value] : values) {
        writer.text(name);
        if (value.absent()) {
            writer.u32(absent).bytes({});
            continue;
        }
        const abi::RegistryValue stored = abi::toRegistry(value);
        writer.u32(static_cast<std::uint32_t>(stored.type)).bytes(stored.data);
    }
    return writer;
}

PropertyBag readBag(FrameReader& reader) {
    PropertyBag values;
    for (std::uint32_t left = reader.u32(); left > 0 && reader.good(); --left) {
        const std::string name = reader.text();
        const std::uint32_t type = reader.u32();
        const auto data = reader.bytes();
        if (name.empty()) break;
        values.set(name, type == absent
                             ? PropertyValue{}
                             : abi::fromRegistry(static_cast<abi::RegistryType>(type), data, PropertyFormat::unknown));
    }
    return values;
}

}  // namespace

std::string write(const Hello& hello) {
    FrameWriter writer{FrameKind::hello};
    writer.u32(hello.lowest).u32(hello.highest).text(hello.program).u64(static_cast<std::uint64_t>(hello.process));
    return writer.take();
}

Hello readHello(FrameReader& reader) {
    Hello hello;
    hello.lowest = reader.u32();
    hello.highest = reader.u32();
    hello.program = reader.text();
    hello.process = static_cast<std::int64_t>(reader.u64());
    return hello;
}

std::string writeAdd(ResourceNumber resource, const HostedResource& description) {
    FrameWriter writer{FrameKind::add};
    number(writer, resource)
        .text(description.name)
        .text(description.type)
        .text(textOf(description.library))
        .text(description.registryPath)
        .u32(description.rank);
    return writer.take();
}

std::pair<ResourceNumber, HostedResource> readAdd(FrameReader& reader) {
    const ResourceNumber resource = readNumber(reader);
    HostedResource description;
    description.name = reader.text();
    description.type = reader.text();
    description.library = pathOf(reader.text());
    description.registryPath = reader.text();
    description.rank = reader.u32();
    return {resource, std::move(description)};
}

std::string writeStore(FrameKind kind, ResourceNumber resource, const PropertyBag& changes, StoreNumber order) {
    FrameWriter writer{kind};
    bag(number(writer, resource), changes).u32(order);
    return writer.take();
}

Stored readStore(FrameReader& reader) {
    Stored stored;
    stored.resource = readNumber(reader);
    stored.changes = readBag(reader);
    stored.number = reader.u32();
    return stored;
}

std::string writeDependencies(ResourceNumber resource, const std::vector<holdfast::Dependency>& dependencies) {
    FrameWriter writer{FrameKind::depends};
    number(writer, resource).u32(static_cast<std::uint32_t>(dependencies.size()));
    for (const auto& dependency : dependencies) {
        writer.text(dependency.name).text(dependency.type);
        bag(writer, dependency.properties);
    }
    return writer.take();
}

std::pair<ResourceNumber, std::vector<holdfast::Dependency>> readDependencies(FrameReader& reader) {
    const ResourceNumber resource = readNumber(reader);
    std::vector<holdfast::Dependency> dependencies;
    for (std::uint32_t left = reader.u32(); left > 0 && reader.good(); --left) {
        holdfast::Dependency dependency;
        dependency.name = reader.text();
        if (dependency.name.empty()) break;
        dependency.type = reader.text();
        dependency.properties = readBag(reader);
        dependencies.push_back(std::move(dependency));
    }
    return {resource, std::move(dependencies)};
}

std::string write(const CallOrder& order) {
    FrameWriter writer{FrameKind::call};
    number(writer, order.resource)
        .u32(static_cast<std::uint32_t>(order.entryPoint))
        .u64(order.generation)
        .u32(order.controlCode)
        .bytes(order.input)
        .u32(static_cast<std::uint32_t>(order.outputCapacity));
    return writer.take();
}

CallOrder readOrder(FrameReader& reader) {
    CallOrder order;
    order.resource = readNumber(reader);
    order.entryPoint = static_cast<EntryPoint>(reader.u32());
    order.generation = static_cast<core::Generation>(reader.u64());
    order.controlCode = reader.u32();
    order.input = reader.bytes();
    order.outputCapacity = reader.u32();
    return order;
}

std::string write(const CallResult& result) {
    FrameWriter writer{FrameKind::returned};
    number(writer, result.resource)
        .u32(static_cast<std::uint32_t>(result.entryPoint))
        .u64(result.generation)
        .u32(result.controlCode)
        .u32(result.code)
        .u8(result.hasEvent ? 1 : 0)
        .u8(result.called ? 1 : 0)
        .u8(result.threw ? 1 : 0)
        .text(result.problem)
        .u32(static_cast<std::uint32_t>(result.notes.size()));
    for (const auto& note : result.notes) writer.text(note);
    writer.bytes(result.output)
        .u64(result.outputNeeded)
        .u64(result.thread)
        .u64(static_cast<std::uint64_t>(result.start.time_since_epoch().count()))  // one clock for the whole system
        .u64(static_cast<std::uint64_t>(result.span.count()));
    return writer.take();
}

CallResult readResult(FrameReader& reader) {
    CallResult result;
    result.resource = readNumber(reader);
    result.entryPoint = static_cast<EntryPoint>(reader.u32());
    result.generation = static_cast<core::Generation>(reader.u64());
    result.controlCode = reader.u32();
    result.code = reader.u32();
    result.hasEvent = reader.u8() != 0;
    result.called = reader.u8() != 0;
    result.threw = reader.u8() != 0;
    result.problem = printable(reader.text());
    for (std::uint32_t left = reader.u32(); left > 0 && reader.good() && left < 1'000; --left)
        result.notes.push_back(printable(reader.text()));
    result.output = reader.bytes();
    result.outputNeeded = static_cast<std::size_t>(reader.u64());
    result.thread = reader.u64();
    using Steady = std::chrono::steady_clock;
    result.start = Steady::time_point{Steady::duration{static_cast<Steady::rep>(reader.u64())}};
    result.span = std::chrono::nanoseconds{static_cast<std::int64_t>(std::min(reader.u64(), longestSpan))};
    return result;
}

std::string writeStatus(std::uint32_t request, ResourceNumber resource, const ReportedStatus& status) {
    FrameWriter writer{FrameKind::status, request};
    number(writer, resource)
        .u32(static_cast<std::uint32_t>(status.report.state))
        .u32(status.report.checkPoint)
        .u8(status.report.hasEvent ? 1 : 0)
        .u8(status.report.veto ? 1 : 0)
        .u32(status.waitHint);
    return writer.take();
}

std::pair<ResourceNumber, ReportedStatus> readStatus(FrameReader& reader) {
    const ResourceNumber resource = readNumber(reader);
    ReportedStatus status;
    status.report.state = static_cast<abi::ResourceState>(static_cast<std::int32_t>(reader.u32()));
    status.report.checkPoint = reader.u32();
    status.report.hasEvent = reader.u8() != 0;
    status.report.veto = reader.u8() != 0;
    status.waitHint = reader.u32();
    return {resource, status};
}

std::string writeEvent(FrameKind kind, ResourceNumber resource, core::Generation generation) {
    FrameWriter writer{kind};
    number(writer, resource).u64(generation);
    return writer.take();
}

std::pair<ResourceNumber, core::Generation> readEvent(FrameReader& reader) {
    const ResourceNumber resource = readNumber(reader);
    return {resource, static_cast<core::Generation>(reader.u64())};
}

}  // namespace holdfast::inline v1::monitor::protocol
