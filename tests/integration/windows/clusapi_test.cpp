// SPDX-License-Identifier: BSL-1.0
// The functions of the substitute clusapi.dll.
#include "cluster_key.hpp"

#include <catch2/catch_test_macros.hpp>

using fixture::Bytes;
using fixture::ClusterKey;

namespace {

void name(const ClusterKey& key, const wchar_t* value, const std::wstring& text) {
    ::RegSetValueExW(key.get(), value, 0, REG_SZ, reinterpret_cast<const BYTE*>(text.c_str()),
                     static_cast<DWORD>((text.size() + 1) * sizeof(wchar_t)));
}

/** A function that MinGW's header does not declare. */
template <typename Function>
Function bind(const char* function) {
    return reinterpret_cast<Function>(
        reinterpret_cast<void (*)()>(::GetProcAddress(::GetModuleHandleW(L"clusapi.dll"), function)));
}

}  // namespace

TEST_CASE("the cluster registry is an ordinary key") {
    const ClusterKey key;
    HKEY sub = nullptr;
    DWORD disposition = 0;
    REQUIRE(ClusterRegCreateKey(key.get(), L"Sub", 0, KEY_ALL_ACCESS, nullptr, &sub, &disposition) == 0);
    CHECK(disposition == REG_CREATED_NEW_KEY);
    const DWORD value = 5;
    CHECK(ClusterRegSetValue(sub, L"Value", REG_DWORD, reinterpret_cast<const BYTE*>(&value), sizeof value) == 0);
    DWORD type = 0;
    DWORD read = 0;
    DWORD size = sizeof read;
    CHECK(ClusterRegQueryValue(sub, L"Value", &type, reinterpret_cast<BYTE*>(&read), &size) == 0);
    CHECK(read == 5);
    DWORD values = 0;
    CHECK(ClusterRegQueryInfoKey(sub, nullptr, nullptr, &values, nullptr, nullptr, nullptr, nullptr) == 0);
    CHECK(values == 1);
    CHECK(ClusterRegDeleteValue(sub, L"Value") == 0);
    CHECK(ClusterRegQueryValue(sub, L"Value", &type, nullptr, nullptr) == ERROR_FILE_NOT_FOUND);
    CHECK(ClusterRegCloseKey(sub) == 0);
    wchar_t found[64] = {};
    size = 64;
    CHECK(ClusterRegEnumKey(key.get(), 1, found, &size, nullptr) == 0);
    CHECK(ClusterRegDeleteKey(key.get(), L"Sub") == 0);
    CHECK(ClusterRegOpenKey(key.get(), L"Sub", KEY_READ, &sub) == ERROR_FILE_NOT_FOUND);
}

TEST_CASE("a batch changes all, or what was done is undone") {
    const ClusterKey key;
    key.set(L"Kept", 1);
    const auto create = bind<LONG(WINAPI*)(HKEY, void**)>("ClusterRegCreateBatch");
    const auto add = bind<LONG(WINAPI*)(void*, int, LPCWSTR, DWORD, const void*, DWORD)>("ClusterRegBatchAddCommand");
    const auto close = bind<LONG(WINAPI*)(void*, WINBOOL, INT*)>("ClusterRegCloseBatch");
    REQUIRE(create != nullptr);
    REQUIRE(add != nullptr);
    REQUIRE(close != nullptr);
    const DWORD two = 2;
    INT failed = 0;
    void* batch = nullptr;
    REQUIRE(create(key.parameters(), &batch) == 0);
    CHECK(add(batch, 1, L"Kept", REG_DWORD, &two, 4) == 0);  // CLUSREG_SET_VALUE
    CHECK(add(batch, 4, L"Missing", 0, nullptr, 0) == 0);    // CLUSREG_DELETE_VALUE
    CHECK(add(batch, 99, L"Missing", 0, nullptr, 0) == ERROR_INVALID_PARAMETER);
    CHECK(close(batch, TRUE, &failed) == ERROR_FILE_NOT_FOUND);
    CHECK(failed == 1);
    CHECK(key.number(L"Kept") == 1);
    REQUIRE(create(key.parameters(), &batch) == 0);
    CHECK(add(batch, 1, L"Kept", REG_DWORD, &two, 4) == 0);
    CHECK(close(batch, FALSE, &failed) == 0);  // thrown away
    CHECK(key.number(L"Kept") == 1);
    REQUIRE(create(key.parameters(), &batch) == 0);
    CHECK(add(batch, 1, L"Kept", REG_DWORD, &two, 4) == 0);
    CHECK(close(batch, TRUE, &failed) == 0);
    CHECK(failed == -1);
    CHECK(key.number(L"Kept") == 2);
}

TEST_CASE("a resource is opened by its key's name or its own, and is what the registry says") {
    const ClusterKey key{L"counter"};
    name(key, L"Name", L"The Counter");
    name(key, L"Type", L"Classic Counter");
    HCLUSTER const cluster = OpenCluster(nullptr);
    REQUIRE(cluster != nullptr);
    CHECK(OpenCluster(L"another.example.com") == nullptr);
    DWORD state = 0;
    CHECK(GetNodeClusterState(nullptr, &state) == ERROR_SUCCESS);
    CHECK(state == static_cast<DWORD>(ClusterStateRunning));
    wchar_t clusterName[32] = {};
    DWORD size = 32;
    CHECK(GetClusterInformation(cluster, clusterName, &size, nullptr) == ERROR_SUCCESS);
    CHECK(std::wstring{clusterName} == L"holdfast");
    CHECK(OpenClusterResource(cluster, L"nobody") == nullptr);
    CHECK(::GetLastError() == ERROR_RESOURCE_NOT_FOUND);
    for (const auto* const by : {L"counter", L"the counter"}) {
        HRESOURCE const resource = OpenClusterResource(cluster, by);
        REQUIRE(resource != nullptr);
        HKEY const own = GetClusterResourceKey(resource, KEY_READ);
        CHECK(own != nullptr);
        ClusterRegCloseKey(own);
        wchar_t text[32] = {};
        DWORD returned = 0;
        CHECK(ClusterResourceControl(resource, nullptr, CLUSCTL_RESOURCE_GET_NAME, nullptr, 0, text, sizeof text,
                                     &returned) == ERROR_SUCCESS);
        CHECK(std::wstring{text} == L"The Counter");
        CHECK(returned == 24);
        CHECK(ClusterResourceControl(resource, nullptr, CLUSCTL_RESOURCE_GET_RESOURCE_TYPE, nullptr, 0, text, 4,
                                     &returned) == ERROR_MORE_DATA);
        CHECK(returned == 32);
        CHECK(GetClusterResourceState(resource, nullptr, nullptr, nullptr, nullptr) == ClusterResourceStateUnknown);
        const DWORD online = ClusterResourceOnline;
        ::RegSetValueExW(key.get(), L"State", 0, REG_DWORD, reinterpret_cast<const BYTE*>(&online), sizeof online);
        CHECK(GetClusterResourceState(resource, nullptr, nullptr, nullptr, nullptr) == ClusterResourceOnline);
        ::RegDeleteValueW(key.get(), L"State");
        CHECK(CloseClusterResource(resource));
        CHECK_FALSE(CloseClusterResource(resource));  // twice
        CHECK(::GetLastError() == ERROR_INVALID_HANDLE);
    }
    CHECK(CloseCluster(cluster));
    CHECK(GetClusterKey(cluster, KEY_READ) == nullptr);
}

TEST_CASE("W-803 checkpoints are added once, listed and deleted") {
    const ClusterKey key;
    HCLUSTER const cluster = OpenCluster(nullptr);
    HRESOURCE const resource = OpenClusterResource(cluster, L"counter");
    REQUIRE(resource != nullptr);
    wchar_t path[] = L"Software\\Example";
    const auto control = [&](DWORD code, void* in, DWORD inSize, void* out, DWORD outSize, DWORD& returned) {
        return ClusterResourceControl(resource, nullptr, code, in, inSize, out, outSize, &returned);
    };
    DWORD returned = 0;
    CHECK(control(CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT, path, sizeof path, nullptr, 0, returned) == 0);
    CHECK(control(CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT, path, sizeof path, nullptr, 0, returned) ==
          ERROR_ALREADY_EXISTS);
    wchar_t list[64] = {};
    CHECK(control(CLUSCTL_RESOURCE_GET_REGISTRY_CHECKPOINTS, nullptr, 0, list, sizeof list, returned) == 0);
    CHECK(returned == sizeof path + sizeof(wchar_t));
    CHECK(std::wstring{list} == path);
    CHECK(control(CLUSCTL_RESOURCE_DELETE_REGISTRY_CHECKPOINT, path, sizeof path, nullptr, 0, returned) == 0);
    CHECK(control(CLUSCTL_RESOURCE_DELETE_REGISTRY_CHECKPOINT, path, sizeof path, nullptr, 0, returned) ==
          ERROR_FILE_NOT_FOUND);
    CHECK(control(CLUSCTL_RESOURCE_GET_CHARACTERISTICS, nullptr, 0, list, sizeof list, returned) ==
          ERROR_INVALID_FUNCTION);
    CloseClusterResource(resource);
    CloseCluster(cluster);
}
