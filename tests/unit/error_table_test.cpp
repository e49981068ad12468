// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/error_table.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <cerrno>

using namespace holdfast;
using namespace holdfast::abi;

TEST_CASE("each error code has its row, in order") {
    struct Expected {
        ErrorCode code;
        Dword win32;
        int errnum, ocf;
    };
    const Expected expected[] = {
        {ErrorCode::failed, 5038, EIO, 1},
        {ErrorCode::configuration, 87, EINVAL, 6},
        {ErrorCode::notInstalled, 2, ENOENT, 5},
        {ErrorCode::permission, 5, EACCES, 4},
        {ErrorCode::busy, 170, EBUSY, 1},
        {ErrorCode::outOfResources, 1450, ENOSPC, 1},
        {ErrorCode::corrupted, 1392, EILSEQ, 1},
        {ErrorCode::timeout, 1460, ETIMEDOUT, 1},
        {ErrorCode::wrongNode, 5006, EHOSTUNREACH, 5},
    };
    REQUIRE(errorTable().size() == std::size(expected));
    for (std::size_t index = 0; index < std::size(expected); ++index) {
        const auto& row = errorTable()[index];
        CAPTURE(row.name);
        CHECK(row.code == expected[index].code);
        CHECK(static_cast<std::size_t>(row.code) == index);
        CHECK(row.win32 == expected[index].win32);
        CHECK(row.errnum == expected[index].errnum);
        CHECK(row.ocf == expected[index].ocf);
        CHECK(errorCodeOf(row.win32) == row.code);
        CHECK(win32Of(row.code) == row.win32);
    }
}

TEST_CASE("no error becomes success, pending or 'do your default' at the C boundary") {
    for (const auto& row : errorTable()) {
        CHECK(row.win32 != code::success);
        CHECK(row.win32 != code::ioPending);
        CHECK(row.win32 != code::invalidFunction);
        CHECK(row.win32 != code::moreData);
        CHECK(row.ocf != 0);
        CHECK(row.ocf != 7);  // "not running" is a success of sorts
    }
}

TEST_CASE("a code outside the table is a plain failure") {
    CHECK(errorCodeOf(4711) == ErrorCode::failed);
    CHECK(win32Of(static_cast<ErrorCode>(200)) == 5038);
    CHECK(win32Text(5) == "access denied (5)");
    CHECK(win32Text(4711) == "error 4711");
}
