// SPDX-License-Identifier: BSL-1.0
// Loading: section 1 of the contract.
#include "verify/scenario.hpp"
#include "verify/subject.hpp"
#include "verify/vanishing_memory.hpp"

#include <holdfast/abi/callback_table.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <thread>

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;

std::string versionText(Dword version) { return fmt::format("{:#06x}", version); }

std::string otherCase(std::string text) {
    for (char& c : text) {
        const auto byte = static_cast<unsigned char>(c);
        c = static_cast<char>(std::isupper(byte) != 0 ? std::tolower(byte) : std::toupper(byte));
    }
    return text;
}

/** The first version that StartupEx, or else Startup, can be asked for, up to the last. */
std::vector<Dword> versionsOf(const Stage& stage) {
    if (!stage.hasStartupEx()) return {abi::versionV1};
    return {abi::versionV1, abi::versionV2, abi::versionV3, abi::versionV4};
}

void loading(Stage& stage) {
    const auto names = exportsOf(stage.plan().library);
    if (!names) {
        stage.warns("load.exports", "the file's table of exports cannot be read");
    } else {
        std::string more;
        for (const std::string& name : *names) {
            if (name != "Startup" && name != "StartupEx") more += (more.empty() ? "" : ", ") + name;
        }
        if (more.size() > 300) more = more.substr(0, 300) + fmt::format("... ({} names)", names->size());
        if (more.empty()) {
            stage.keeps("load.exports");
        } else {
            stage.breaks("load.exports", "it also exports " + more);
        }
    }
    if (!stage.load()) stage.giveUp();
    const bool extended = stage.hasStartupEx();
    const Dword highest = extended ? abi::versionV4 : abi::versionV1;

    // W-014
    const std::string stranger = "no such type " + std::to_string(stage.random()() % 1'000'000);
    const auto unknown = stage.start(extended, stranger, abi::versionV1, highest);
    if (unknown.code != abi::code::resourceTypeNameNotFound) {
        stage.breaks("load.unknown-type",
                     fmt::format("Startup of \"{}\" returned {}, not 5080", stranger, unknown.code));
    } else if (unknown.table != nullptr) {
        stage.breaks("load.unknown-type", "Startup returned 5080 and a table");
    } else {
        stage.keeps("load.unknown-type");
    }

    const auto own = stage.start(extended, stage.plan().type, abi::versionV1, highest);
    if (own.code != abi::code::success || own.table == nullptr) {
        stage.breaks("load.type-name", fmt::format("Startup of \"{}\" returned {}{}", stage.plan().type, own.code,
                                                   own.code == 0 ? " without a table" : ""));
        stage.giveUp();
    }
    // Part of a name is no name.
    const auto part = stage.start(extended, stage.plan().type + "x", abi::versionV1, highest);
    const auto odd = stage.start(extended, otherCase(stage.plan().type), abi::versionV1, highest);
    if (odd.code != abi::code::success) {
        stage.breaks("load.type-name", fmt::format("Startup of \"{}\" returned {}: names are compared without case",
                                                   otherCase(stage.plan().type), odd.code));
    } else if (part.code == abi::code::success && unknown.code != abi::code::success) {
        stage.breaks("load.type-name", fmt::format("Startup of \"{}x\" returned 0", stage.plan().type));
    } else {
        stage.keeps("load.type-name");
    }

    // W-015
    const auto above = stage.start(extended, stage.plan().type, 0x7F00, 0x7F00);
    const auto below = stage.start(extended, stage.plan().type, 0x0001, 0x00FF);
    if (above.code != abi::code::revisionMismatch || below.code != abi::code::revisionMismatch) {
        stage.breaks(
            "load.version-mismatch",
            fmt::format("Startup for versions 0x7f00 to 0x7f00 returned {}, and for 0x0001 to 0x00ff {}; both must "
                        "be 1306",
                        above.code, below.code));
    } else {
        stage.keeps("load.version-mismatch");
    }
}

void versions(Stage& stage) {
    if (!stage.load()) stage.giveUp();
    const bool extended = stage.hasStartupEx();
    Dword last = 0;
    bool none = true;
    for (const Dword highest : versionsOf(stage)) {
        for (const Dword asked : {highest, highest + 0x50}) {  // W-016: between two versions the lower one counts
            const auto started = stage.start(extended, stage.plan().type, abi::versionV1, asked);
            if (started.code == abi::code::revisionMismatch && none) continue;  // it begins with a later version
            if (started.code != abi::code::success || started.table == nullptr) {
                stage.breaks("load.version-choice", fmt::format("Startup for versions 0x0100 to {} returned {}",
                                                                versionText(asked), started.code));
                continue;
            }
            none = false;
            const auto& table = *started.table;
            const Dword version = table.version;
            const std::size_t block = abi::functionBlockSize(version);
            if (version > asked || block == 0) {
                stage.breaks("load.version-choice",
                             fmt::format("asked for at most {}, it answered with a table of version {}",
                                         versionText(asked), versionText(version)));
                continue;
            }
            if (version < last)
                stage.breaks("load.version-choice",
                             fmt::format("asked for at most {}, it answered with version {}, although it has {}",
                                         versionText(asked), versionText(version), versionText(last)));
            last = std::max(last, version);
            if (table.tableSize == block + 8 || table.tableSize == sizeof(abi::FunctionTable)) {
                stage.warns("load.table-size",
                            fmt::format("TableSize of version {} is {}, of the whole table; {} is meant",
                                        versionText(version), table.tableSize, block));
            } else if (table.tableSize != block) {
                stage.breaks("load.table-size", fmt::format("TableSize of version {} is {}; it has {} bytes",
                                                            versionText(version), table.tableSize, block));
            }
            std::array<void*, 14> slots{};
            std::memcpy(slots.data(), &table.v1, block);
            constexpr std::array needed{"Open", "Close", "Online", "Offline", "Terminate", "LooksAlive", "IsAlive"};
            for (std::size_t i = 0; i < needed.size(); ++i) {
                if (slots[i] == nullptr)
                    stage.breaks("load.null-slots",
                                 fmt::format("{} is NULL in the table of version {}", needed[i], versionText(version)));
            }
            if ((slots[7] == nullptr) != (slots[8] == nullptr))
                stage.breaks("load.quorum-pair",
                             fmt::format("the table of version {} has {} without {}", versionText(version),
                                         slots[7] != nullptr ? "Arbitrate" : "Release",
                                         slots[7] != nullptr ? "Release" : "Arbitrate"));
            // W-027
            const std::vector<abi::Byte> bytes(reinterpret_cast<const abi::Byte*>(&table),
                                               reinterpret_cast<const abi::Byte*>(&table) + 8 + block);
            static_cast<void>(stage.start(extended, "another type", abi::versionV1, asked));
            const auto again = stage.start(extended, stage.plan().type, abi::versionV1, asked);
            if (again.table != started.table) {
                stage.breaks(
                    "load.table-static",
                    fmt::format("Startup gave two tables of version {}, at different places", versionText(version)));
            } else if (std::memcmp(bytes.data(), started.table, bytes.size()) != 0) {
                stage.breaks("load.table-static", fmt::format("the table of version {} changed after it was given out",
                                                              versionText(version)));
            }
        }
    }
    if (none) stage.breaks("load.version-choice", "no version from 0x0100 to 0x0400 was accepted");
    for (const auto* const rule :
         {"load.version-choice", "load.table-size", "load.null-slots", "load.quorum-pair", "load.table-static"})
        stage.keepsUnlessBroken(rule);
}

/** W-031: an engine of 2012 has five callbacks, and what follows them is nobody's. */
void oldEngine(Stage& stage) {
    if (!stage.load()) stage.giveUp();
    if (!stage.hasStartupEx()) return stage.isNotFor("load.callbacks-size", "it has no StartupEx");
    constexpr std::size_t entriesOf2012 = 5;
    auto* const memory = new VanishingMemory{&callbacks(), entriesOf2012 * sizeof(void*)};  // as long as the library
    memory->makeReadOnly();
    const Stage::Blame blame{stage, "load.callbacks-size"};
    const auto started = stage.start(true, stage.plan().type, abi::versionV1, abi::versionV2,
                                     static_cast<const abi::CallbackTable*>(memory->data()));
    if (started.code != abi::code::success || started.table == nullptr)
        return stage.isNotFor("load.callbacks-size",
                              fmt::format("StartupEx for versions up to 0x0200 returned {}", started.code));
    stage.take(*started.table);
    Subject subject{stage, "verify-a"};
    stage.useProperties();
    if (subject.open()) {
        if (subject.bringOnline()) static_cast<void>(subject.takeOffline());
        subject.close();
    }
    stage.keepsUnlessBroken("load.callbacks-size");
}

/** W-001, W-004: loaded, used, unloaded. */
void unloading(Stage& stage) {
    stage.begin();
    {
        Subject subject{stage, "verify-a"};
        subject.mustOpen();
        subject.mustComeOnline();
        static_cast<void>(subject.takeOffline());
        subject.close();
    }
    const Stage::Blame blame{stage, "load.library"};
    stage.unload();
    std::this_thread::sleep_for(300ms);  // a thread left behind would run in what is no longer there
    stage.keeps("load.library");
}

}  // namespace

void addLoadScenarios(std::vector<Scenario>& all) {
    all.push_back(
        {"loading", {"load.exports", "load.unknown-type", "load.type-name", "load.version-mismatch"}, {}, &loading});
    all.push_back(
        {"versions",
         {"load.version-choice", "load.table-size", "load.null-slots", "load.quorum-pair", "load.table-static"},
         {"loading"},
         &versions});
}

void addUnloadScenarios(std::vector<Scenario>& all) {
    all.push_back({"engine of 2012", {"load.callbacks-size"}, {"cycle"}, &oldEngine});
    all.push_back({"unloading", {"load.library"}, {"cycle"}, &unloading});
}

}  // namespace holdfast::inline v1::verify
