// SPDX-License-Identifier: BSL-1.0
/// Any bytes as a property list for the substitute resutils.dll, which hand-written resource DLLs call (section 6). The list ends
/// where the memory ends: a byte read behind it is an access violation.
#include "../integration/windows/cluster_key.hpp"
#include "../integration/windows/parameter_block.hpp"
#include "fuzz_target.hpp"

#include <array>
#include <cstddef>
#include <span>

using namespace fixture;
using fuzz::promise;

namespace {

RESUTIL_ULARGEINT_DATA bigRange{};

RESUTIL_PROPERTY_ITEM* table() {
    bigRange.Maximum.QuadPart = 1'000'000'000'000;
    static RESUTIL_PROPERTY_ITEM items[] = {
        item(portName, CLUSPROP_FORMAT_DWORD, 0, 0, 65'535, offsetof(Block, port)),
        item(offsetName, CLUSPROP_FORMAT_LONG, 0, static_cast<DWORD>(-10), 10, offsetof(Block, offset),
             RESUTIL_PROPITEM_SIGNED),
        item(pathName, CLUSPROP_FORMAT_SZ, 0, 0, 0, offsetof(Block, path), RESUTIL_PROPITEM_REQUIRED),
        item(expandingName, CLUSPROP_FORMAT_EXPAND_SZ, 0, 0, 0, offsetof(Block, expanding)),
        item(blobName, CLUSPROP_FORMAT_BINARY, 0, 0, 0, offsetof(Block, blob)),
        item(namesName, CLUSPROP_FORMAT_MULTI_SZ, 0, 0, 0, offsetof(Block, names)),
        item(bigName, CLUSPROP_FORMAT_ULARGE_INTEGER, reinterpret_cast<DWORD_PTR>(&bigRange), 0, 0,
             offsetof(Block, big)),
        RESUTIL_PROPERTY_ITEM{},
    };
    return items;
}

/** A block that gives back what it points to. */
struct OwnedBlock : Block {
    OwnedBlock() = default;
    OwnedBlock(const OwnedBlock&) = delete;
    OwnedBlock& operator=(const OwnedBlock&) = delete;
    ~OwnedBlock() { ResUtilFreeParameterBlock(bytesOf(*this), nullptr, table()); }
};

/** Bytes that end where the memory ends. */
class AtTheEdge {
public:
    static constexpr std::size_t most = 64 * 1024;

    AtTheEdge() {
        memory_ = static_cast<BYTE*>(::VirtualAlloc(nullptr, most + page, MEM_RESERVE, PAGE_NOACCESS));
        promise(memory_ != nullptr && ::VirtualAlloc(memory_, most, MEM_COMMIT, PAGE_READWRITE) != nullptr,
                "there is memory");
    }
    BYTE* put(std::span<const std::uint8_t> data) const noexcept {
        BYTE* const place = memory_ + most - data.size();
        if (!data.empty()) std::memcpy(place, data.data(), data.size());
        return place;
    }

private:
    static constexpr std::size_t page = 4'096;
    BYTE* memory_{nullptr};
};

bool isRefusal(DWORD code) {
    return code == ERROR_INVALID_DATA || code == ERROR_INVALID_PARAMETER || code == ERROR_INSUFFICIENT_BUFFER;
}

Bytes listOf(Block& block) {
    DWORD size = 0;
    DWORD returned = 0;
    DWORD required = 0;
    promise(ResUtilPropertyListFromParameterBlock(table(), nullptr, &size, bytesOf(block), &returned, &required) ==
                    ERROR_MORE_DATA &&
                returned == 0,
            "W-535 no room: 234");
    for (const DWORD less : {DWORD{1}, required / 2, required}) {
        constexpr BYTE guard = 0xA5;
        Bytes list(required + 1, guard);
        size = required - less;
        DWORD needed = 0;
        promise(ResUtilPropertyListFromParameterBlock(table(), list.data(), &size, bytesOf(block), &returned,
                                                      &needed) == ERROR_MORE_DATA &&
                    needed == required,
                "W-535 too little room: the size that suffices");
        promise(list == Bytes(required + 1, guard), "W-535 an answer is whole or none");
    }
    Bytes list(required);
    size = required;
    promise(ResUtilPropertyListFromParameterBlock(table(), list.data(), &size, bytesOf(block), &returned, &required) ==
                    ERROR_SUCCESS &&
                returned == list.size(),
            "W-535 the size it named suffices");
    return list;
}

/** A text that somebody else frees ends with NUL inside what was allocated. */
void checkText(LPWSTR text, std::size_t size) {
    promise(size >= sizeof(wchar_t) && ::LocalSize(text) >= size, "W-512 all of a text is allocated");
    promise(text[size / sizeof(wchar_t) - 1] == L'\0', "W-512 a text ends with NUL");
}

void find(void* list, DWORD size, DWORD malformed) {
    const auto fits = [&](DWORD code) {
        promise(malformed != ERROR_SUCCESS ? code == malformed
                                           : code == ERROR_SUCCESS || code == ERROR_FILE_NOT_FOUND || isRefusal(code),
                "what is looked up in a malformed list is answered with the list's code");
        return code == ERROR_SUCCESS;
    };
    DWORD number = 0;
    LONG signedNumber = 0;
    FILETIME time{};
    fits(ResUtilFindDwordProperty(list, size, portName, &number));
    fits(ResUtilFindLongProperty(list, size, offsetName, &signedNumber));
    fits(ResUtilFindFileTimeProperty(list, size, bigName, &time));
    LPWSTR text = nullptr;
    if (fits(ResUtilFindSzProperty(list, size, pathName, &text))) {
        checkText(text, (std::wcslen(text) + 1) * sizeof(wchar_t));
        ::LocalFree(text);
    }
    if (fits(ResUtilFindExpandedSzProperty(list, size, expandingName, &text))) {
        checkText(text, (std::wcslen(text) + 1) * sizeof(wchar_t));
        ::LocalFree(text);
    }
    DWORD length = 0;
    if (fits(ResUtilFindMultiSzProperty(list, size, namesName, &text, &length))) {
        checkText(text, length);
        ::LocalFree(text);
    }
    BYTE* bytes = nullptr;
    if (fits(ResUtilFindBinaryProperty(list, size, blobName, &bytes, &length))) {
        promise(::LocalSize(bytes) >= length, "all of the bytes are allocated");
        ::LocalFree(bytes);
    }
}

/** What the key holds as the table says; nothing of it left afterwards. */
Bytes stored(const fixture::ClusterKey& key) {
    OwnedBlock block;
    promise(ResUtilGetPropertiesToParameterBlock(key.parameters(), table(), bytesOf(block), FALSE, nullptr) ==
                ERROR_SUCCESS,
            "W-539 what was written is read");
    return listOf(block);
}

void forget(const fixture::ClusterKey& key) {
    std::array<wchar_t, 16'384> name{};
    for (;;) {
        auto length = static_cast<DWORD>(name.size());
        if (::RegEnumValueW(key.parameters(), 0, name.data(), &length, nullptr, nullptr, nullptr, nullptr) != 0) return;
        promise(::RegDeleteValueW(key.parameters(), name.data()) == 0, "a value can be deleted");
    }
}

bool isEmpty(const fixture::ClusterKey& key) {
    DWORD values = 0;
    return ::RegQueryInfoKeyW(key.parameters(), nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, &values, nullptr,
                              nullptr, nullptr, nullptr) == 0 &&
           values == 0;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const AtTheEdge edge;
    static const fixture::ClusterKey key{L"fuzz"};
    if (size > AtTheEdge::most) return 0;
    BYTE* const list = edge.put({data, size});
    const auto length = static_cast<DWORD>(size);

    const DWORD malformed = ResUtilVerifyPrivatePropertyList(list, length);
    promise(malformed == ERROR_SUCCESS || malformed == ERROR_INVALID_DATA || malformed == ERROR_INSUFFICIENT_BUFFER,
            "W-520 13 or 122");
    find(list, length, malformed);

    OwnedBlock block;
    const DWORD code = ResUtilVerifyPropertyTable(table(), nullptr, TRUE, list, length, bytesOf(block));
    promise(malformed == ERROR_SUCCESS ? code == ERROR_SUCCESS || isRefusal(code) : code == malformed,
            "W-520 a table refuses what is no list with its code");
    promise(std::memcmp(list, data, size) == 0, "what is sent is only read");
    if (code != ERROR_SUCCESS) {
        constexpr Block untouched;
        promise(std::memcmp(static_cast<const Block*>(&block), &untouched, sizeof(Block)) == 0,
                "W-533 what is refused changes no parameter block");
        promise(ResUtilSetPropertyTable(key.parameters(), table(), nullptr, TRUE, list, length, nullptr) == code,
                "W-501 what does not verify is not set");
        promise(isEmpty(key), "W-501 what is refused writes nothing");
        return 0;
    }
    Bytes written = listOf(block);
    OwnedBlock again;
    const DWORD read = ResUtilVerifyPropertyTable(table(), nullptr, FALSE, written.data(),
                                                  static_cast<DWORD>(written.size()), bytesOf(again));
    if (block.expanding != nullptr) {
        promise(read == ERROR_INVALID_DATA, "W-511 what is expanded is said, and not taken");
    } else {
        promise(read == ERROR_SUCCESS && listOf(again) == written, "W-535 a block is the same through a list");
    }
    OwnedBlock copy;
    promise(
        ResUtilDupParameterBlock(bytesOf(copy), bytesOf(block), table()) == ERROR_SUCCESS && listOf(copy) == written,
        "W-532 a copy is the same");
    const DWORD set = ResUtilSetPropertyTable(key.parameters(), table(), nullptr, TRUE, list, length, nullptr);
    if (set == ERROR_SUCCESS) promise(stored(key) == written, "W-534 what is set is what is read");
    forget(key);
    return 0;
}
