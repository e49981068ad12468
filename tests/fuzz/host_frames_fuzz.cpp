// SPDX-License-Identifier: BSL-1.0
/// Any stream of bytes as what a monitor and its hosts say to each other: the first byte says where the stream is cut. However it
/// is cut, the same frames come out, and what a frame says is said again by the frame that is written from it.
#include "fuzz_target.hpp"

#include "monitor/host_protocol.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::monitor;
using fuzz::promise;

namespace {

std::vector<Frame> framesOf(FrameCutter& cutter, std::string_view stream, std::size_t piece) {
    std::vector<Frame> frames;
    while (!stream.empty()) {
        cutter.add(stream.substr(0, piece));
        stream.remove_prefix(std::min(piece, stream.size()));
        while (auto frame = cutter.next()) frames.push_back(std::move(*frame));
    }
    return frames;
}

/** A frame of ours as its only reader sees it. */
Frame cut(const std::string& bytes) {
    FrameCutter cutter;
    cutter.add(bytes);
    auto frame = cutter.next();
    promise(frame.has_value() && !cutter.broken() && !cutter.next(), "what is written is one frame");
    return *frame;
}

/** Writes what `read` made of the body, reads that, and writes it again: nothing more is lost. */
template <typename Read, typename Write>
void settles(const Frame& frame, Read read, Write write) {
    FrameReader first{frame.body};
    const std::string once = write(read(first));
    const Frame said = cut(once);
    FrameReader second{said.body};
    const std::string twice = write(read(second));
    promise(second.good(), "what we write is good");
    promise(once == twice, "what is read from our own frame is what was written");
}

void check(const Frame& frame) {
    switch (frame.kind) {
        case FrameKind::hello:
            settles(frame, protocol::readHello, [](const auto& v) { return protocol::write(v); });
            return;
        case FrameKind::add:
            settles(frame, protocol::readAdd, [](const auto& v) { return protocol::writeAdd(v.first, v.second); });
            return;
        case FrameKind::store:
        case FrameKind::storeType:
        case FrameKind::changed:
            settles(frame, protocol::readStore,
                    [&](const auto& v) { return protocol::writeStore(frame.kind, v.resource, v.changes, v.number); });
            return;
        case FrameKind::depends:
            settles(frame, protocol::readDependencies,
                    [](const auto& v) { return protocol::writeDependencies(v.first, v.second); });
            return;
        case FrameKind::call:
            settles(frame, protocol::readOrder, [](const auto& v) { return protocol::write(v); });
            return;
        case FrameKind::returned:
            settles(frame, protocol::readResult, [](const auto& v) {
                promise(v.span.count() >= 0 && v.notes.size() < 1'000, "a host that lies overflows nothing");
                return protocol::write(v);
            });
            return;
        case FrameKind::status:
            settles(frame, protocol::readStatus,
                    [&](const auto& v) { return protocol::writeStatus(frame.request, v.first, v.second); });
            return;
        default:
            settles(frame, protocol::readEvent,
                    [&](const auto& v) { return protocol::writeEvent(frame.kind, v.first, v.second); });
            return;
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = data[0] == 0 ? size : data[0];
    const auto stream = fuzz::textOf(data + 1, size - 1);
    FrameCutter whole;
    FrameCutter pieces;
    const auto frames = framesOf(whole, stream, stream.size());
    const auto same = framesOf(pieces, stream, piece);
    promise(whole.broken() == pieces.broken(), "a broken stream is broken however it is cut");
    promise(frames.size() == same.size(), "the same frames however the stream is cut");
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        promise(
            frames[i].kind == same[i].kind && frames[i].request == same[i].request && frames[i].body == same[i].body,
            "a frame is the same however the stream is cut");
        bytes += frameHeaderSize + frames[i].body.size();
        check(frames[i]);
    }
    promise(bytes <= stream.size(), "frames hold no more than the stream");
    return 0;
}
