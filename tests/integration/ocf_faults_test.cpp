// SPDX-License-Identifier: BSL-1.0
// What must not be said although it would be convenient: "stopped" without proof, "not running" beside remains, "dead" of what lives.
#include "ocf_bench.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace holdfast::test;
namespace ocf = holdfast::ocf;

namespace {

/** The pid that an agent's forked child wrote down. */
int forkedPid(const OcfRoom& room) {
    int pid = 0;
    REQUIRE(eventually([&] { return (std::ifstream{room.folder / "room" / "forked"} >> pid) && pid > 0; }));
    return pid;
}

}  // namespace

TEST_CASE("what an agent forks inherits no socket: a dead host is known at once", "[L-123][L-136]") {
    const OcfRoom room;
    room.tell("online-forks");
    REQUIRE(room.run("start").code == 0);
    const int forked = forkedPid(room);
    for (const auto& entry : fs::directory_iterator{"/proc/" + std::to_string(forked) + "/fd"}) {
        CHECK(fs::read_symlink(entry.path()).string().find("socket:") == std::string::npos);
    }
    room.killHost();
    CHECK_FALSE(ocf::reach(room.place.socket).socket);
}
