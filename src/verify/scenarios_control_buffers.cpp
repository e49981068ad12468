// SPDX-License-Identifier: BSL-1.0
// Buffers of every size: W-141 and 7.5 of the contract.
#include "verify/addressee.hpp"
#include "verify/property_lists.hpp"
#include "verify/scenario.hpp"
#include "verify/vanishing_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;
namespace control = abi::control;
namespace code = abi::code;

/** What an answer is, so that a part of it can be told from a whole one. */
enum class Shape { number, names, properties, values };
struct GetCode {
    Dword code;
    Shape shape;
};
constexpr auto getCodes = std::to_array<GetCode>({
    {control::resourceUnknown, Shape::number},
    {control::resourceGetCharacteristics, Shape::number},
    {0x0100'0009, Shape::number},  // GET_FLAGS
    {control::resourceGetClassInfo, Shape::number},
    {control::resourceGetRequiredDependencies, Shape::values},
    {control::resourceEnumPrivateProperties, Shape::names},
    {control::resourceGetReadOnlyPrivateProperties, Shape::properties},
    {control::resourceGetPrivateProperties, Shape::properties},
    {control::resourceGetPrivatePropertyFormats, Shape::properties},
    {control::typeGetPrivateResourcePropertyFormats, Shape::properties},  // of a type only
});

constexpr abi::Byte guard{0xD6};
constexpr std::size_t guardSize = 256;

/** All sizes of small answers, and of large ones those where mistakes are made and some at random. */
std::set<Dword> sizesFor(Dword needed, std::mt19937_64& random) {
    std::set<Dword> sizes{needed, needed + 1};
    if (needed <= 32) {
        for (Dword size = 0; size < needed; ++size) sizes.insert(size);
        return sizes;
    }
    for (Dword size = 0; size <= 8; ++size) sizes.insert(size);
    for (Dword less = 1; less <= 8; ++less) sizes.insert(needed - less);
    for (int turn = 0; turn < 16; ++turn) sizes.insert(static_cast<Dword>(random() % needed));
    return sizes;
}

bool looksComplete(Shape shape, const ListBytes& part) {
    if (shape == Shape::names) {
        const auto names = readNameList(part);
        return names && !names->empty();
    }
    if (shape == Shape::values) {
        const auto list = abi::readValueList(part);
        return list.code == code::success && !list.entries.empty();
    }
    if (shape == Shape::properties) {
        const auto list = abi::readPropertyList(part.data(), part.size());
        return list.code == code::success && !list.properties.empty();
    }
    return false;  // a part of a number is smaller than the number
}

/** One code's answer into buffers of every size, with guard bytes behind them. */
class Sweep {
public:
    Sweep(Stage& stage, Addressee& whom, GetCode asked) : stage_{stage}, whom_{whom}, asked_{asked} {}

    void run() {
        whole_ = whom_.ask(asked_.code);
        if (whole_.code != code::success || !whole_.bytesReturnedSet || whole_.returned > 1U << 20U) return;
        if (whole_.out.size() != whole_.returned) {
            stage_.breaks("control.more-data", fmt::format("{} returned 0 and says that it wrote {} bytes, more than "
                                                           "the buffer has",
                                                           whom_.call(asked_.code), whole_.returned));
            return;
        }
        const auto sizes = sizesFor(whole_.returned, stage_.random());
        {
            const Stage::Blame blame{stage_, "control.overrun"};
            for (const Dword size : sizes) {
                soft(size);
                // Whoever ignores the size is wrong once, not at every size.
                if (overran_) return;
            }
            if (whole_.returned == 0) return;
            // Then without room for mistakes: a page that nobody may touch begins where the buffer ends.
            for (const Dword size : {Dword{0}, whole_.returned - 1, whole_.returned}) {
                const VanishingMemory memory{size};
                static_cast<void>(whom_.control({asked_.code, nullptr, 0, memory.data(), size}));
            }
        }
        withoutBuffers();
    }

private:
    void soft(Dword size) {
        ListBytes memory(std::size_t{whole_.returned} + 1 + guardSize, guard);
        const auto answer = whom_.control({asked_.code, nullptr, 0, memory.data(), size});
        const std::string what = fmt::format("{} with a buffer of {} bytes", whom_.call(asked_.code), size);
        const auto end = memory.begin() + size;
        if (const auto hit = std::find_if(end, memory.end(), [](abi::Byte one) { return one != guard; });
            hit != memory.end()) {
            overran_ = true;
            stage_.breaks("control.overrun",
                          fmt::format("{} wrote to byte {} behind its end (it returned {}, *BytesReturned {})", what,
                                      hit - end, answer.code, answer.returned));
            return;
        }
        if (!answer.bytesReturnedSet) return;  // said already
        if (size >= whole_.returned) {
            if (answer.code != code::success) {
                broken(fmt::format("{} returned {}; {} bytes are enough", what, answer.code, whole_.returned));
            } else if (answer.returned != whole_.returned) {
                broken(fmt::format("{} returned 0 and {} bytes, not {}", what, answer.returned, whole_.returned));
            } else if (answer.out != whole_.out) {
                broken(fmt::format("{} returned other bytes than with a large buffer", what));
            }
            return;
        }
        if (answer.code != code::moreData) {
            broken(fmt::format("{} returned {}, not 234: {} bytes are needed", what, answer.code, whole_.returned));
        } else if (answer.returned != whole_.returned) {
            broken(fmt::format("{} returned 234 and said that {} bytes are needed, not {}", what, answer.returned,
                               whole_.returned));
        } else if (looksComplete(asked_.shape, {memory.begin(), end})) {
            broken(fmt::format("{} returned 234, and left something that looks complete", what));
        }
    }

    /** W-630: NULL with size 0 may be answered with the size alone, or with 234 and the size. */
    void withoutBuffers() {
        const Stage::Blame blame{stage_, "control.null-buffers"};
        const auto answer = whom_.control({asked_.code, nullptr, 0, nullptr, 0});
        if (answer.code != code::success && answer.code != code::moreData)
            return stage_.breaks("control.null-buffers", fmt::format("{} without buffers returned {}, not 234",
                                                                     whom_.call(asked_.code), answer.code));
        // Who asks for the size wants to know it.
        if (answer.bytesReturnedSet && answer.returned != whole_.returned && !changes() &&
            !stage_.reporter().failed("control.more-data"))
            stage_.breaks("control.null-buffers",
                          fmt::format("{} without buffers returned {} and a size of {} bytes, not {}",
                                      whom_.call(asked_.code), answer.code, answer.returned, whole_.returned));
    }

    /** Nothing, if the answer itself is another one now: then there is nothing to compare with. */
    void broken(const std::string& evidence) {
        if (!changes()) stage_.breaks("control.more-data", evidence);
    }
    bool changes() {
        const auto now = whom_.ask(asked_.code);
        const bool same = now.code == whole_.code && now.out == whole_.out;
        whole_ = now;
        return !same;
    }

    Stage& stage_;
    Addressee& whom_;
    const GetCode asked_;
    ControlAnswer whole_;
    bool overran_{false};
};

/** No buffer at all where a list belongs: what is answered is 6.4's, here it must only not crash. */
void nothingToSet(Stage& stage, Addressee& whom) {
    const Stage::Blame blame{stage, "control.null-buffers"};
    for (const Dword asked : {control::resourceValidatePrivateProperties, control::resourceSetPrivateProperties}) {
        const auto answer = whom.control({asked, nullptr, 0, nullptr, 0});
        if (answer.code == 1783)
            stage.breaks("control.null-buffers",
                         fmt::format("{} without buffers returned 1783, which is the RPC layer's (W-520): 13 is meant",
                                     whom.call(asked)));
    }
}

void sweepAll(Stage& stage, Addressee& whom) {
    for (const GetCode asked : getCodes) {
        if (asked.code == control::typeGetPrivateResourcePropertyFormats && !whom.isType()) continue;
        Sweep{stage, whom, asked}.run();
    }
    nothingToSet(stage, whom);
}

void buffers(Stage& stage) {
    stage.begin();
    constexpr std::array rules{"control.more-data", "control.overrun", "control.null-buffers"};
    if (!stage.hasResourceControl() && !stage.hasTypeControl()) {
        for (const auto* const rule : rules) stage.isNotFor(rule, "it has no control functions (W-025)");
        return;
    }
    if (stage.hasTypeControl()) {
        Addressee type{stage};
        sweepAll(stage, type);
    }
    if (stage.hasResourceControl()) {
        Subject subject{stage, "verify-a"};
        subject.mustOpen();
        Addressee resource{stage, subject};
        resource.setState("offline");
        sweepAll(stage, resource);
        subject.mustComeOnline();
        resource.setState("online");
        sweepAll(stage, resource);
        static_cast<void>(subject.takeOffline());
        subject.close();
    }
    for (const auto* const rule : rules) stage.keepsUnlessBroken(rule);
}

}  // namespace

void addControlBufferScenarios(std::vector<Scenario>& all) {
    all.push_back(
        {"control buffers", {"control.more-data", "control.overrun", "control.null-buffers"}, {"cycle"}, &buffers});
}

}  // namespace holdfast::inline v1::verify
