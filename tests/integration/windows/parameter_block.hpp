// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A parameter block with a member of each kind (W-532), and what a table says of them.

#include "clusapi/mingw_resapi.hpp"

#include <cstddef>

namespace fixture {

struct Block {
    DWORD port{0};
    LONG offset{0};
    LPWSTR path{nullptr};
    LPWSTR expanding{nullptr};
    BYTE* blob{nullptr};
    DWORD blobSize{0};
    LPWSTR names{nullptr};
    DWORD namesSize{0};
    ULARGE_INTEGER big{};
};

inline BYTE* bytesOf(Block& block) { return reinterpret_cast<BYTE*>(&block); }

// A table's names are not const.
inline wchar_t portName[] = L"Port";
inline wchar_t offsetName[] = L"Offset";
inline wchar_t pathName[] = L"Path";
inline wchar_t expandingName[] = L"Expanding";
inline wchar_t blobName[] = L"Blob";
inline wchar_t namesName[] = L"Names";
inline wchar_t bigName[] = L"Big";

inline RESUTIL_PROPERTY_ITEM item(LPWSTR name, DWORD format, DWORD_PTR standard, DWORD least, DWORD most,
                                  std::size_t offset, DWORD flags = 0) {
    RESUTIL_PROPERTY_ITEM result{};
    result.Name = name;
    result.Format = format;
    result.DefaultPtr = standard;
    result.Minimum = least;
    result.Maximum = most;
    result.Offset = static_cast<DWORD>(offset);
    result.Flags = flags;
    return result;
}

}  // namespace fixture
