// SPDX-License-Identifier: BSL-1.0
// The functions of the substitute resutils.dll, group by group.
#include "cluster_key.hpp"
#include "parameter_block.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cstddef>
#include <thread>

using namespace fixture;

namespace {

wchar_t subName[] = L"InSubkey";
wchar_t subKey[] = L"Sub";
wchar_t fixedName[] = L"Fixed";
BYTE defaultBlob[] = {1, 2, 3};
RESUTIL_ULARGEINT_DATA bigRange{};

RESUTIL_PROPERTY_ITEM* table() {
    bigRange.Default.QuadPart = 5;
    bigRange.Maximum.QuadPart = 1'000'000'000'000;
    static RESUTIL_PROPERTY_ITEM items[] = {
        item(portName, CLUSPROP_FORMAT_DWORD, 80, 1, 65'535, offsetof(Block, port)),
        item(offsetName, CLUSPROP_FORMAT_LONG, 0, static_cast<DWORD>(-10), 10, offsetof(Block, offset),
             RESUTIL_PROPITEM_SIGNED),
        item(pathName, CLUSPROP_FORMAT_SZ, 0, 0, 0, offsetof(Block, path), RESUTIL_PROPITEM_REQUIRED),
        item(expandingName, CLUSPROP_FORMAT_EXPAND_SZ, 0, 0, 0, offsetof(Block, expanding)),
        item(blobName, CLUSPROP_FORMAT_BINARY, reinterpret_cast<DWORD_PTR>(defaultBlob), 3, 0, offsetof(Block, blob)),
        item(namesName, CLUSPROP_FORMAT_MULTI_SZ, 0, 0, 0, offsetof(Block, names)),
        item(bigName, CLUSPROP_FORMAT_ULARGE_INTEGER, reinterpret_cast<DWORD_PTR>(&bigRange), 0, 0,
             offsetof(Block, big)),
        RESUTIL_PROPERTY_ITEM{},
    };
    return items;
}

/** All that the key says, as a list. */
Bytes allOf(const ClusterKey& key) {
    DWORD returned = 0;
    DWORD required = 0;
    ResUtilGetAllProperties(key.parameters(), table(), nullptr, 0, &returned, &required);
    Bytes list(required);
    REQUIRE(ResUtilGetAllProperties(key.parameters(), table(), list.data(), required, &returned, &required) ==
            ERROR_SUCCESS);
    return list;
}

DWORD verify(Bytes list, bool unknown = true) {
    return ResUtilVerifyPropertyTable(table(), nullptr, unknown ? TRUE : FALSE, list.data(),
                                      static_cast<DWORD>(list.size()), nullptr);
}

}  // namespace

TEST_CASE("W-530 a property item is laid out as the header says") {
    STATIC_CHECK(sizeof(RESUTIL_PROPERTY_ITEM) == 48);
    STATIC_CHECK(offsetof(RESUTIL_PROPERTY_ITEM, Format) == 16);
    STATIC_CHECK(offsetof(RESUTIL_PROPERTY_ITEM, Minimum) == 32);
    STATIC_CHECK(offsetof(RESUTIL_PROPERTY_ITEM, Offset) == 44);
}

TEST_CASE("W-531 an item with a key name lies in that subkey, and Minimum is the size of a default's bytes") {
    const ClusterKey key;
    RESUTIL_PROPERTY_ITEM items[] = {item(subName, CLUSPROP_FORMAT_DWORD, 1, 0, 100, 0), RESUTIL_PROPERTY_ITEM{}};
    items[0].KeyName = subKey;
    DWORD value = 0;
    key.set(L"InSubkey", 50);  // of the same name, but not in the subkey
    REQUIRE(ResUtilGetPropertiesToParameterBlock(key.parameters(), items, reinterpret_cast<BYTE*>(&value), TRUE,
                                                 nullptr) == ERROR_SUCCESS);
    CHECK(value == 1);
    Bytes list = List{}.add(L"InSubkey", 7).bytes();
    REQUIRE(ResUtilSetPropertyTable(key.parameters(), items, nullptr, FALSE, list.data(),
                                    static_cast<DWORD>(list.size()), nullptr) == ERROR_SUCCESS);
    CHECK(key.number(L"InSubkey") == 50);
    HKEY sub = nullptr;
    REQUIRE(::RegOpenKeyExW(key.parameters(), L"Sub", 0, KEY_READ, &sub) == ERROR_SUCCESS);
    DWORD stored = 0;
    CHECK(ResUtilGetDwordValue(sub, L"InSubkey", &stored, 0) == ERROR_SUCCESS);
    CHECK(stored == 7);
    ::RegCloseKey(sub);

    Block block;
    REQUIRE(ResUtilGetPropertiesToParameterBlock(key.parameters(), table(), bytesOf(block), FALSE, nullptr) == 0);
    REQUIRE(block.blobSize == 3);
    CHECK(block.blob[2] == 3);
    ResUtilFreeParameterBlock(bytesOf(block), nullptr, table());
}

TEST_CASE("W-532 a block holds every format, is copied deeply, and gives back what it points to") {
    const ClusterKey key;
    key.set(L"Port", 8'080);
    key.set(L"Offset", static_cast<DWORD>(-3));
    key.set(L"Path", std::wstring{L"C:\\data"});
    key.set(L"Expanding", std::wstring{L"%SystemRoot%\\x"}, REG_EXPAND_SZ);
    key.set(L"Names", std::wstring{L"a\0bc\0", 5}, REG_MULTI_SZ);
    const ULONGLONG big = 0x1'0000'0001;
    ::RegSetValueExW(key.parameters(), L"Big", 0, REG_QWORD, reinterpret_cast<const BYTE*>(&big), sizeof big);
    Block block;
    REQUIRE(ResUtilGetPropertiesToParameterBlock(key.parameters(), table(), bytesOf(block), TRUE, nullptr) == 0);
    CHECK(block.port == 8'080);
    CHECK(block.offset == -3);
    CHECK(std::wstring{block.path} == L"C:\\data");
    CHECK(std::wstring{block.expanding} == L"%SystemRoot%\\x");
    REQUIRE(block.namesSize == 12);
    CHECK(std::wstring{block.names, 6} == std::wstring{L"a\0bc\0\0", 6});
    CHECK(block.big.QuadPart == big);
    // Read again: the old texts are given back, not lost.
    REQUIRE(ResUtilGetPropertiesToParameterBlock(key.parameters(), table(), bytesOf(block), TRUE, nullptr) == 0);

    Block copy;
    std::memset(static_cast<void*>(&copy), 0xCC, sizeof copy);  // as it comes from a stack
    REQUIRE(ResUtilDupParameterBlock(bytesOf(copy), bytesOf(block), table()) == ERROR_SUCCESS);
    CHECK(copy.path != block.path);
    CHECK(std::wstring{copy.path} == block.path);
    CHECK(copy.big.QuadPart == big);
    ResUtilFreeParameterBlock(bytesOf(copy), bytesOf(block), table());
    CHECK(copy.path == nullptr);
    CHECK(std::wstring{block.path} == L"C:\\data");

    // And back to the list that it came from.
    DWORD size = 0;
    DWORD returned = 0;
    DWORD required = 0;
    CHECK(ResUtilPropertyListFromParameterBlock(table(), nullptr, &size, bytesOf(block), &returned, &required) ==
          ERROR_MORE_DATA);
    Bytes list(required);
    size = required;
    CHECK(ResUtilPropertyListFromParameterBlock(table(), list.data(), &size, bytesOf(block), &returned, &required) ==
          0);
    CHECK(list == allOf(key));
    Block shared = block;  // what both point to stays the other's
    ResUtilFreeParameterBlock(bytesOf(shared), bytesOf(block), table());
    CHECK(std::wstring{block.path} == L"C:\\data");
    ResUtilFreeParameterBlock(bytesOf(block), nullptr, table());
}

TEST_CASE("a required property that is not set is named") {
    const ClusterKey key;
    Block block;
    LPWSTR wrong = nullptr;
    CHECK(ResUtilGetPropertiesToParameterBlock(key.parameters(), table(), bytesOf(block), TRUE, &wrong) ==
          ERROR_FILE_NOT_FOUND);
    REQUIRE(wrong != nullptr);
    CHECK(std::wstring{wrong} == L"Path");
    CHECK(ResUtilGetPropertiesToParameterBlock(key.parameters(), table(), bytesOf(block), FALSE, &wrong) == 0);
    CHECK(wrong == nullptr);
    CHECK(block.port == 80);
    key.set(L"Port", 70'000);  // W-539: edited by another tool
    CHECK(ResUtilGetPropertiesToParameterBlock(key.parameters(), table(), bytesOf(block), FALSE, &wrong) ==
          ERROR_INVALID_DATA);
    CHECK(std::wstring{wrong} == L"Port");
    ResUtilFreeParameterBlock(bytesOf(block), nullptr, table());
}

TEST_CASE("W-520 a list that is wrong is refused with the code for it") {
    CHECK(verify(List{}.add(L"Port", 81).bytes()) == ERROR_SUCCESS);
    CHECK(verify(List{}.add(L"pORT", 81).bytes()) == ERROR_SUCCESS);                             // W-509
    CHECK(verify(List{}.add(L"Port", 70'000).bytes()) == ERROR_INVALID_DATA);                    // out of range
    CHECK(verify(List{}.add(L"Offset", static_cast<DWORD>(-3)).bytes()) == ERROR_INVALID_DATA);  // DWORD, not LONG
    const LONG tooLow = -11;
    CHECK(verify(List{}.add(L"Offset", CLUSPROP_FORMAT_LONG, &tooLow, 4).bytes()) == ERROR_INVALID_DATA);
    const LONG lowest = -10;
    CHECK(verify(List{}.add(L"Offset", CLUSPROP_FORMAT_LONG, &lowest, 4).bytes()) == ERROR_SUCCESS);
    CHECK(verify(List{}.add(L"Port", L"81").bytes()) == ERROR_INVALID_DATA);  // another format
    CHECK(verify(List{}.add(L"Path", L"").bytes()) == ERROR_INVALID_DATA);    // required, and empty
    CHECK(verify(List{}.add(L"Prt", 1).bytes(), false) == ERROR_INVALID_PARAMETER);
    CHECK(verify(List{}.add(L"Prt", 1).bytes(), true) == ERROR_SUCCESS);
    CHECK(verify(List{}.add(L"Port", 1).add(L"Port", 2).bytes()) == ERROR_INVALID_DATA);
    CHECK(ResUtilVerifyPropertyTable(table(), nullptr, TRUE, nullptr, 0, nullptr) == ERROR_INVALID_DATA);
    const Bytes good = List{}.add(L"Port", 81).bytes();
    for (std::size_t size = 0; size < good.size(); ++size) {
        Bytes cut{good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)};
        INFO(size);
        CHECK(verify(cut) == (size < 4 ? ERROR_INVALID_DATA : ERROR_INSUFFICIENT_BUFFER));
    }
    RESUTIL_PROPERTY_ITEM fixed[] = {item(fixedName, CLUSPROP_FORMAT_DWORD, 0, 0, 9, 0, RESUTIL_PROPITEM_READ_ONLY),
                                     RESUTIL_PROPERTY_ITEM{}};
    Bytes list = List{}.add(L"Fixed", 1).bytes();
    CHECK(ResUtilVerifyPropertyTable(fixed, nullptr, TRUE, list.data(), static_cast<DWORD>(list.size()), nullptr) ==
          ERROR_INVALID_PARAMETER);
}

TEST_CASE("W-534 only what changed is written, unless it is forced") {
    const ClusterKey key;
    key.set(L"Port", 81);
    // Through a handle that may not write, an attempt to is seen.
    HKEY readOnly = nullptr;
    REQUIRE(::RegOpenKeyExW(key.get(), L"Parameters", 0, KEY_READ, &readOnly) == ERROR_SUCCESS);
    Bytes list = List{}.add(L"Port", 81).bytes();
    const auto size = static_cast<DWORD>(list.size());
    CHECK(ResUtilSetPropertyTable(readOnly, table(), nullptr, FALSE, list.data(), size, nullptr) == 0);
    CHECK(ResUtilSetPropertyTableEx(readOnly, table(), nullptr, FALSE, list.data(), size, TRUE, nullptr) ==
          ERROR_ACCESS_DENIED);
    Bytes other = List{}.add(L"Port", 82).bytes();
    CHECK(ResUtilSetPropertyTable(readOnly, table(), nullptr, FALSE, other.data(), size, nullptr) ==
          ERROR_ACCESS_DENIED);
    ::RegCloseKey(readOnly);
    CHECK(ResUtilSetPropertyTableEx(key.parameters(), table(), nullptr, FALSE, other.data(), size, TRUE, nullptr) == 0);
    CHECK(key.number(L"Port") == 82);
    Bytes standard = List{}.add(L"Offset", CLUSPROP_FORMAT_LONG, "\0\0\0", 4).bytes();  // the default, not set
    CHECK(ResUtilSetPropertyTable(key.parameters(), table(), nullptr, FALSE, standard.data(),
                                  static_cast<DWORD>(standard.size()), nullptr) == 0);
    CHECK(key.stored(L"Offset").empty());
}

TEST_CASE("W-535 W-537 W-538 every list at every size of the buffer") {
    const ClusterKey key;
    key.set(L"Path", std::wstring{L"C:\\data"});
    key.set(L"Stranger", 4);
    const auto sweep = [&](auto call) {
        DWORD returned = 1;
        DWORD needed = 0;
        REQUIRE(call(nullptr, 0, &returned, &needed) == ERROR_MORE_DATA);
        REQUIRE(returned == 0);
        Bytes whole;
        for (DWORD size = 1; size <= needed + 1; ++size) {
            Bytes out(needed + 16, 0xCC);
            DWORD required = 0;
            const DWORD code = call(out.data(), size, &returned, &required);
            REQUIRE(code == (size < needed ? ERROR_MORE_DATA : ERROR_SUCCESS));
            REQUIRE(returned == (size < needed ? 0 : needed));
            if (size < needed) REQUIRE(required == needed);
            for (std::size_t i = returned; i < out.size(); ++i) REQUIRE(out[i] == 0xCC);
            if (code == 0) whole.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(needed));
        }
        CHECK(call(nullptr, 0, nullptr, &needed) == ERROR_BAD_ARGUMENTS);
        return whole;
    };
    HKEY at = key.parameters();
    sweep([&](void* out, DWORD size, DWORD* returned, DWORD* required) {
        return ResUtilGetProperties(at, table(), out, size, returned, required);
    });
    const Bytes all = sweep([&](void* out, DWORD size, DWORD* returned, DWORD* required) {
        return ResUtilGetAllProperties(at, table(), out, size, returned, required);
    });
    DWORD stranger = 0;
    CHECK(ResUtilFindDwordProperty(const_cast<BYTE*>(all.data()), static_cast<DWORD>(all.size()), L"stranger",
                                   &stranger) == 0);
    CHECK(stranger == 4);
    const Bytes own = sweep([&](void* out, DWORD size, DWORD* returned, DWORD* required) {
        return ResUtilGetPrivateProperties(at, out, size, returned, required);
    });
    CHECK(own[0] == 2);  // the two that are set, no defaults
    const Bytes names = sweep([&](void* out, DWORD size, DWORD* returned, DWORD* required) {
        return ResUtilEnumProperties(table(), static_cast<LPWSTR>(out), size, returned, required);
    });
    const std::wstring text{reinterpret_cast<const wchar_t*>(names.data()), names.size() / 2};
    CHECK(text == std::wstring{L"Port\0Offset\0Path\0Expanding\0Blob\0Names\0Big\0\0", 43});
    sweep([&](void* out, DWORD size, DWORD* returned, DWORD* required) {
        return ResUtilEnumPrivateProperties(at, static_cast<LPWSTR>(out), size, returned, required);
    });
    const Bytes formats = sweep([&](void* out, DWORD size, DWORD* returned, DWORD* required) {
        return ResUtilGetPropertyFormats(table(), out, size, returned, required);
    });
    CHECK(ResUtilVerifyPrivatePropertyList(const_cast<BYTE*>(formats.data()), static_cast<DWORD>(formats.size())) == 0);
}

TEST_CASE("single values are read with their type, written, and a copy is kept") {
    const ClusterKey key;
    HKEY at = key.parameters();
    DWORD number = 0;
    CHECK(ResUtilGetDwordValue(at, L"None", &number, 7) == ERROR_SUCCESS);
    CHECK(number == 7);
    LPWSTR kept = nullptr;
    CHECK(ResUtilSetSzValue(at, L"Text", L"one", &kept) == ERROR_SUCCESS);
    CHECK(ResUtilSetSzValue(at, L"Text", L"two", &kept) == ERROR_SUCCESS);
    CHECK(std::wstring{kept} == L"two");
    ::LocalFree(kept);
    LPWSTR const read = ResUtilGetSzValue(at, L"Text");
    REQUIRE(read != nullptr);
    CHECK(std::wstring{read} == L"two");
    ::LocalFree(read);
    CHECK(ResUtilGetDwordValue(at, L"Text", &number, 7) == ERROR_INVALID_DATA);
    CHECK(ResUtilGetSzValue(at, L"None") == nullptr);
    CHECK(::GetLastError() == ERROR_FILE_NOT_FOUND);
    CHECK(ResUtilSetQwordValue(at, L"Big", 1ULL << 40, nullptr) == ERROR_SUCCESS);
    ULONGLONG big = 0;
    CHECK(ResUtilGetQwordValue(at, L"Big", &big, 0) == ERROR_SUCCESS);
    CHECK(big == 1ULL << 40);
    LPWSTR several = nullptr;
    DWORD size = 0;
    CHECK(ResUtilSetMultiSzValue(at, L"Several", L"a\0b\0", 10, nullptr, nullptr) == ERROR_SUCCESS);
    CHECK(ResUtilGetMultiSzValue(at, L"Several", &several, &size) == ERROR_SUCCESS);
    CHECK(size == 10);
    ::LocalFree(several);
    LPWSTR const where = ResUtilExpandEnvironmentStrings(L"%SystemRoot%");
    REQUIRE(where != nullptr);
    CHECK(std::wstring{where} != L"%SystemRoot%");
    ::LocalFree(where);
    CHECK(ResUtilIsPathValid(L"C:\\a\\b.txt"));
    CHECK_FALSE(ResUtilIsPathValid(L"C:\\a|b"));
    CHECK_FALSE(ResUtilIsPathValid(L"nonsense"));
}

TEST_CASE("a property is found in a list by name and format") {
    Bytes list = List{}.add(L"Port", 81).add(L"Path", L"C:\\x").bytes();
    const auto size = static_cast<DWORD>(list.size());
    DWORD port = 0;
    CHECK(ResUtilFindDwordProperty(list.data(), size, L"PORT", &port) == ERROR_SUCCESS);
    CHECK(port == 81);
    LPWSTR path = nullptr;
    REQUIRE(ResUtilFindSzProperty(list.data(), size, L"Path", &path) == ERROR_SUCCESS);
    CHECK(std::wstring{path} == L"C:\\x");
    ::LocalFree(path);
    CHECK(ResUtilFindSzProperty(list.data(), size, L"Port", &path) == ERROR_INVALID_DATA);
    CHECK(ResUtilFindSzProperty(list.data(), size, L"None", &path) == ERROR_FILE_NOT_FOUND);
}

namespace {

std::atomic<bool> obeyed{false};

DWORD WINAPI waitForTermination(PCLUS_WORKER worker, LPVOID) {
    obeyed = false;
    while (!ClusWorkerCheckTerminate(worker)) ::Sleep(20);
    ::Sleep(200);  // some last work
    obeyed = true;
    return 0;
}

DWORD WINAPI terminateMyself(PCLUS_WORKER worker, LPVOID) {
    ClusWorkerTerminate(worker);
    obeyed = true;
    return 0;
}

DWORD WINAPI neverEnds(PCLUS_WORKER, LPVOID) {
    ::Sleep(1'500);
    return 0;
}

}  // namespace

TEST_CASE("W-230 W-231 a worker is created, asked to end, and created again in the same block", "[W-234]") {
    CLUS_WORKER worker{};
    for (int i = 0; i < 2; ++i) {
        REQUIRE(ClusWorkerCreate(&worker, &waitForTermination, nullptr) == ERROR_SUCCESS);
        CHECK(ClusWorkerCreate(&worker, &waitForTermination, nullptr) != ERROR_SUCCESS);  // W-234
        CHECK_FALSE(ClusWorkerCheckTerminate(&worker));
        ClusWorkerTerminate(&worker);
        CHECK(obeyed);
        CHECK(worker.hThread == nullptr);
        ClusWorkerTerminate(&worker);  // twice is harmless
    }
}

TEST_CASE("W-232 two that end one worker at once both return after its end") {
    CLUS_WORKER worker{};
    REQUIRE(ClusWorkerCreate(&worker, &waitForTermination, nullptr) == ERROR_SUCCESS);
    ::Sleep(50);
    std::atomic<int> early{0};
    const auto terminate = [&] {
        ClusWorkerTerminate(&worker);
        if (!obeyed) ++early;
    };
    std::thread first{terminate};
    std::thread second{terminate};
    first.join();
    second.join();
    CHECK(early == 0);
}

TEST_CASE("W-232 a limit of time ends the wait, and the worker can be waited for again") {
    using EndFunction = DWORD(WINAPI*)(PCLUS_WORKER, DWORD, WINBOOL);
    const auto end = reinterpret_cast<EndFunction>(
        reinterpret_cast<void (*)()>(::GetProcAddress(::GetModuleHandleW(L"resutils.dll"), "ClusWorkerTerminateEx")));
    REQUIRE(end != nullptr);
    CLUS_WORKER worker{};
    REQUIRE(ClusWorkerCreate(&worker, &neverEnds, nullptr) == ERROR_SUCCESS);
    CHECK(end(&worker, 50, FALSE) == WAIT_TIMEOUT);
    CHECK(worker.hThread != nullptr);
    CHECK(end(&worker, 10'000, TRUE) == ERROR_SUCCESS);
    CHECK(worker.hThread == nullptr);
}

TEST_CASE("W-233 a worker that ends itself does not wait for itself for ever") {
    CLUS_WORKER worker{};
    obeyed = false;
    REQUIRE(ClusWorkerCreate(&worker, &terminateMyself, nullptr) == ERROR_SUCCESS);
    for (int i = 0; i < 200 && !obeyed; ++i) ::Sleep(10);
    CHECK(obeyed);
    ClusWorkerTerminate(&worker);
}

TEST_CASE("section 8: a service that does not exist is an error of the service control manager") {
    CHECK(ResUtilStopResourceService(L"holdfast-no-such-service") == ERROR_SERVICE_DOES_NOT_EXIST);
    CHECK(ResUtilVerifyResourceService(L"holdfast-no-such-service") == ERROR_SERVICE_DOES_NOT_EXIST);
    DWORD state = 0;
    CHECK(ResUtilTerminateServiceProcessFromResDll(0xFFFF'FFF0, TRUE, &state, nullptr, nullptr) == ERROR_SUCCESS);
    CHECK(state == static_cast<DWORD>(ClusterResourceOffline));
    CHECK(ResUtilGetEnvironmentWithNetName(nullptr) == nullptr);  // W-703: no network name to depend on
}

TEST_CASE("what is not provided says so, and returns that it failed") {
    CHECK(ResUtilGetClusterRoleState(nullptr, ClusterRoleDHCP) ==
          static_cast<CLUSTER_ROLE_STATE>(ERROR_CALL_NOT_IMPLEMENTED));
    CHECK(ResUtilGetResourceDependency(nullptr, L"Network Name") == nullptr);
    CHECK(::GetLastError() == ERROR_CALL_NOT_IMPLEMENTED);
}
