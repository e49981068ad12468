// SPDX-License-Identifier: BSL-1.0
/// Any packet as one between a reaper and its clients: an order that decodes is encoded to the same bytes, and a status that reads
/// well is written to what was read.
#include "fuzz_target.hpp"

#include "process/wire.hpp"

#include <string>

using namespace holdfast::process;
using fuzz::promise;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::textOf(data, size);
    if (const auto order = decodeOrder(bytes)) {
        promise(encode(*order) == bytes, "an order that is encoded is what was decoded");
        for (const auto& text : order->arguments) promise(text.size() <= size, "a text is no longer than its packet");
    }
    Reader reader{bytes};
    const Status status = getStatus(reader);
    if (!reader.finished()) return 0;
    Writer writer;
    put(writer, status);
    Reader again{writer.bytes()};
    Writer twice;
    put(twice, getStatus(again));
    promise(again.finished() && twice.bytes() == writer.bytes(), "a status that is written is what was read");
    promise(*stepText(static_cast<Step>(size)) != '\0', "every step has a name");
    return 0;
}
