// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/error_table.hpp>

#include <array>
#include <cerrno>
#include <iterator>

namespace holdfast::inline v1::abi {
namespace {

// OCF: 5 and 6 are hard errors (another node, or none, is tried); 1 is retried here first.
constexpr std::array<ErrorRow, 9> rows{{
    {ErrorCode::failed, "failed", code::resourceFailed, EIO, 1},
    {ErrorCode::configuration, "configuration", code::invalidParameter, EINVAL, 6},
    {ErrorCode::notInstalled, "notInstalled", code::fileNotFound, ENOENT, 5},
    {ErrorCode::permission, "permission", code::accessDenied, EACCES, 4},
    {ErrorCode::busy, "busy", code::busy, EBUSY, 1},
    {ErrorCode::outOfResources, "outOfResources", code::noSystemResources, ENOSPC, 1},
    {ErrorCode::corrupted, "corrupted", code::fileCorrupt, EILSEQ, 1},
    {ErrorCode::timeout, "timeout", code::timeout, ETIMEDOUT, 1},
    {ErrorCode::wrongNode, "wrongNode", code::resourceNotAvailable, EHOSTUNREACH, 5},
}};

struct Win32Name {
    Dword number;
    std::string_view text;
    ErrorCode meaning;
};

// Codes beyond the table's own, as the registry, the loader and the monitor return them.
constexpr Win32Name names[] = {
    {code::success, "success", ErrorCode::failed},
    {code::invalidFunction, "invalid function", ErrorCode::failed},
    {code::fileNotFound, "not found", ErrorCode::notInstalled},
    {3, "path not found", ErrorCode::notInstalled},
    {code::accessDenied, "access denied", ErrorCode::permission},
    {6, "invalid handle", ErrorCode::failed},
    {code::notEnoughMemory, "not enough memory", ErrorCode::outOfResources},
    {code::invalidData, "invalid data", ErrorCode::configuration},
    {14, "out of memory", ErrorCode::outOfResources},
    {32, "in use by another process", ErrorCode::busy},
    {code::notSupported, "not supported", ErrorCode::failed},
    {code::invalidParameter, "invalid parameter", ErrorCode::configuration},
    {112, "disk full", ErrorCode::outOfResources},
    {code::insufficientBuffer, "insufficient buffer", ErrorCode::failed},
    {126, "module not found", ErrorCode::notInstalled},
    {127, "procedure not found", ErrorCode::notInstalled},
    {code::busy, "busy", ErrorCode::busy},
    {code::moreData, "more data", ErrorCode::failed},
    {code::noMoreItems, "no more items", ErrorCode::failed},
    {code::ioPending, "pending", ErrorCode::failed},
    {1018, "key marked for deletion", ErrorCode::failed},
    {code::revisionMismatch, "revision mismatch", ErrorCode::failed},
    {code::fileCorrupt, "file or directory corrupted", ErrorCode::corrupted},
    {code::noSystemResources, "not enough system resources", ErrorCode::outOfResources},
    {code::timeout, "timeout", ErrorCode::timeout},
    {1722, "the cluster service cannot be reached", ErrorCode::failed},
    {code::resourceNotAvailable, "resource not available on this node", ErrorCode::wrongNode},
    {code::resourceNotFound, "resource not found", ErrorCode::failed},
    {code::invalidState, "invalid state", ErrorCode::failed},
    {code::resourcePropertiesStored, "properties stored, effective at the next online", ErrorCode::failed},
    {code::resourceFailed, "resource failed", ErrorCode::failed},
    {code::resourceTypeNameNotFound, "no such resource type", ErrorCode::configuration},
    {code::resourceCallTimedOut, "resource call timed out", ErrorCode::timeout},
    {code::exceptionInResourceCall, "exception in a resource call", ErrorCode::failed},
};

const Win32Name* find(Dword number) noexcept {
    for (const auto& name : names) {
        if (name.number == number) return &name;
    }
    return nullptr;
}

}  // namespace

std::span<const ErrorRow> errorTable() noexcept { return rows; }

const ErrorRow& errorRow(ErrorCode code) noexcept {
    const auto index = static_cast<std::size_t>(code);
    return index < rows.size() ? rows[index] : rows.front();
}

Dword win32Of(ErrorCode code) noexcept { return errorRow(code).win32; }

ErrorCode errorCodeOf(Dword win32) noexcept {
    const auto* name = find(win32);
    return name ? name->meaning : ErrorCode::failed;
}

std::string win32Text(Dword win32) {
    const auto* name = find(win32);
    return name ? fmt::format("{} ({})", name->text, win32) : fmt::format("error {}", win32);
}

}  // namespace holdfast::inline v1::abi
