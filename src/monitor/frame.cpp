// SPDX-License-Identifier: BSL-1.0
#include "monitor/frame.hpp"

#include <algorithm>

namespace holdfast::inline v1::monitor {

namespace {

void put(std::string& out, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xFFU));
}

std::uint64_t get(std::string_view in, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{static_cast<unsigned char>(in[i])} << (8 * i);
    return value;
}

}  // namespace

FrameWriter::FrameWriter(FrameKind kind, std::uint32_t request) {
    put(frame_, 0, 4);
    put(frame_, static_cast<std::uint16_t>(kind), 4);
    put(frame_, request, 4);
}

FrameWriter& FrameWriter::u8(std::uint8_t value) { return put(frame_, value, 1), *this; }
FrameWriter& FrameWriter::u32(std::uint32_t value) { return put(frame_, value, 4), *this; }
FrameWriter& FrameWriter::u64(std::uint64_t value) { return put(frame_, value, 8), *this; }

FrameWriter& FrameWriter::text(std::string_view value) {
    put(frame_, value.size(), 4);
    frame_.append(value);
    return *this;
}

FrameWriter& FrameWriter::bytes(std::span<const std::uint8_t> value) {
    return text({reinterpret_cast<const char*>(value.data()), value.size()});
}

std::string FrameWriter::take() {
    std::string length;
    put(length, frame_.size() - frameHeaderSize, 4);
    frame_.replace(0, 4, length);
    return std::move(frame_);
}

std::uint64_t FrameReader::number(std::size_t size) noexcept {
    if (rest_.empty()) return 0;
    if (rest_.size() < size) {
        good_ = false;
        rest_ = {};
        return 0;
    }
    const std::uint64_t value = get(rest_, size);
    rest_.remove_prefix(size);
    return value;
}

std::uint8_t FrameReader::u8() noexcept { return static_cast<std::uint8_t>(number(1)); }
std::uint32_t FrameReader::u32() noexcept { return static_cast<std::uint32_t>(number(4)); }
std::uint64_t FrameReader::u64() noexcept { return number(8); }

std::string_view FrameReader::take() noexcept {
    const std::size_t size = u32();
    if (size > rest_.size()) {
        good_ = false;
        rest_ = {};
        return {};
    }
    const auto field = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return field;
}

std::string FrameReader::text() { return std::string{take()}; }

std::vector<std::uint8_t> FrameReader::bytes() {
    const auto field = take();
    return {field.begin(), field.end()};
}

std::optional<Frame> FrameCutter::next() {
    const std::string_view rest = std::string_view{pending_}.substr(begin_);
    if (broken_ || rest.size() < frameHeaderSize) return std::nullopt;
    const std::size_t size = static_cast<std::size_t>(get(rest, 4));
    const auto kind = get(rest.substr(4), 4);
    if (size > largestFrameBody || kind == 0 || kind > 0xFFFF) {
        broken_ = true;
        return std::nullopt;
    }
    if (rest.size() < frameHeaderSize + size) return std::nullopt;
    Frame frame;
    frame.kind = static_cast<FrameKind>(kind);
    frame.request = static_cast<std::uint32_t>(get(rest.substr(8), 4));
    frame.body = rest.substr(frameHeaderSize, size);
    begin_ += frameHeaderSize + size;
    if (begin_ > 65'536 || begin_ == pending_.size()) {
        pending_.erase(0, begin_);
        begin_ = 0;
    }
    return frame;
}

}  // namespace holdfast::inline v1::monitor
