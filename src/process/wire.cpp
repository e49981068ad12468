// SPDX-License-Identifier: BSL-1.0

#include "wire.hpp"

#include <cstring>

namespace holdfast::inline v1::process {

void Reader::take(void* to, std::size_t size) noexcept {
    if (!good_ || rest_.size() < size) {
        fail();
        return;
    }
    std::memcpy(to, rest_.data(), size);
    rest_.remove_prefix(size);
}

bool Reader::flag() {
    const std::uint8_t value = u8();
    if (value > 1) fail();
    return value == 1;
}

std::string Reader::text() {
    const std::uint32_t size = u32();
    if (!good_ || rest_.size() < size) {
        fail();
        return {};
    }
    std::string value{rest_.substr(0, size)};
    rest_.remove_prefix(size);
    return value;
}

std::vector<std::string> Reader::texts() {
    const std::uint32_t count = u32();
    // Each takes its length at least: a count that cannot be true is found before memory is asked for.
    if (!good_ || rest_.size() / sizeof(std::uint32_t) < count) {
        fail();
        return {};
    }
    std::vector<std::string> values;
    values.reserve(count);
    for (std::uint32_t i = 0; i < count && good_; ++i) values.push_back(text());
    return values;
}

std::string encode(const Order& order) {
    Writer out;
    out.text(order.program).texts(order.arguments).texts(order.environment).text(order.directory);
    out.flag(order.changeUser).u32(order.uid).u32(order.gid);
    out.u32(static_cast<std::uint32_t>(order.groups.size()));
    for (const std::uint32_t group : order.groups) out.u32(group);
    out.u32(static_cast<std::uint32_t>(order.limits.size()));
    for (const Limit& limit : order.limits) out.i32(limit.resource).u64(limit.soft).u64(limit.hard);
    out.i32(order.umask).u32(order.outputBurst).u32(order.outputRate).flag(order.adoptable).text(order.fingerprint);
    return out.bytes();
}

std::optional<Order> decodeOrder(std::string_view bytes) {
    Reader in{bytes};
    Order order;
    order.program = in.text();
    order.arguments = in.texts();
    order.environment = in.texts();
    order.directory = in.text();
    order.changeUser = in.flag();
    order.uid = in.u32();
    order.gid = in.u32();
    const std::uint32_t groups = in.u32();
    for (std::uint32_t i = 0; i < groups && in.good(); ++i) order.groups.push_back(in.u32());
    const std::uint32_t limits = in.u32();
    for (std::uint32_t i = 0; i < limits && in.good(); ++i) {
        Limit limit;
        limit.resource = in.i32();
        limit.soft = in.u64();
        limit.hard = in.u64();
        order.limits.push_back(limit);
    }
    order.umask = in.i32();
    order.outputBurst = in.u32();
    order.outputRate = in.u32();
    order.adoptable = in.flag();
    order.fingerprint = in.text();
    if (!in.finished() || order.program.empty()) return std::nullopt;
    return order;
}

void put(Writer& writer, const ExitReport& exit) {
    writer.u8(static_cast<std::uint8_t>(exit.kind)).i32(exit.value).flag(exit.coreDumped).text(exit.note);
}

ExitReport getExit(Reader& reader) {
    ExitReport exit;
    const std::uint8_t kind = reader.u8();
    if (kind > static_cast<std::uint8_t>(ExitKind::unknown)) reader.fail();
    exit.kind = static_cast<ExitKind>(kind);
    exit.value = reader.i32();
    exit.coreDumped = reader.flag();
    exit.note = reader.text();
    return exit;
}

void put(Writer& writer, const Status& status) {
    writer.u8(static_cast<std::uint8_t>(status.phase)).i32(status.pid).u64(status.startTime);
    writer.flag(status.adoptable).flag(status.takenOver).text(status.fingerprint).text(status.program);
    put(writer, status.exit);
}

Status getStatus(Reader& reader) {
    Status status;
    const std::uint8_t phase = reader.u8();
    if (phase > static_cast<std::uint8_t>(Phase::exited)) reader.fail();
    status.phase = static_cast<Phase>(phase);
    status.pid = reader.i32();
    status.startTime = reader.u64();
    status.adoptable = reader.flag();
    status.takenOver = reader.flag();
    status.fingerprint = reader.text();
    status.program = reader.text();
    status.exit = getExit(reader);
    return status;
}

const char* stepText(Step step) noexcept {
    switch (step) {
        case Step::none: break;
        case Step::fork: return "making a process";
        case Step::output: return "connecting its output";
        case Step::session: return "making its session";
        case Step::limits: return "setting its limits";
        case Step::groups: return "setting its groups";
        case Step::user: return "changing the user";
        case Step::directory: return "changing to the working directory";
        case Step::program: return "executing the program";
        case Step::busy: return "making sure that nothing of the earlier run is left";
        case Step::order: return "reading the order";
    }
    return "starting";
}

}  // namespace holdfast::inline v1::process
