// SPDX-License-Identifier: BSL-1.0
// The state's file on a disk of its own, and who may read it.
#include "state_place.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sys/mount.h>
#include <unistd.h>

using namespace holdfast;
using namespace holdfast::monitor;
using namespace std::chrono_literals;
using test::Place;

TEST_CASE("nobody else may read the state: properties may be secrets") {
    Place place;
    auto opened = place.open();
    REQUIRE(opened.store);
    opened.store->separate("r");
    REQUIRE(opened.store->flush(30s));
    CHECK((std::filesystem::status(place.path / "state.json").permissions() & std::filesystem::perms::others_read) ==
          std::filesystem::perms::none);
}

TEST_CASE("a full disk is said once, the old state stays whole, and writing goes on when there is room") {
    if (::geteuid() != 0) SKIP("a disk of its own needs root");
    Place place;
    if (::mount("tmpfs", place.path.c_str(), "tmpfs", 0, "size=64k") != 0)
        SKIP("no disk of its own can be mounted here");
    struct Unmount {
        std::filesystem::path path;
        ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
    };
    {
        const Unmount unmount{place.path};
        auto opened = place.open();
        REQUIRE(opened.store);
        opened.store->separate("before");
        REQUIRE(opened.store->flush(30s));
        const auto whole = place.content();
        {
            std::ofstream filler{place.path / "filler", std::ios::binary};
            const std::string block(4'096, 'x');
            while (filler << block << std::flush) {
            }
        }
        opened.store->separate("during");
        REQUIRE(place.eventually("warning: the state cannot be written"));
        opened.store->separate("more");
        CHECK_FALSE(opened.store->flush(2'500ms));  // over another attempt
        CHECK(place.times("cannot be written") == 1);
        CHECK(place.content() == whole);
        std::filesystem::remove(place.path / "filler");
        REQUIRE(place.eventually("is written to"));
        REQUIRE(opened.store->flush(30s));
        opened = {};
        auto next = place.open();
        REQUIRE(next.store);
        CHECK(next.store->isSeparate("before"));
        CHECK(next.store->isSeparate("during"));
        CHECK(next.store->isSeparate("more"));
    }
}
