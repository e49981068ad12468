// SPDX-License-Identifier: BSL-1.0
// clusapi: the cluster and its resources, as far as a resource DLL asks for them in Open and Online. They are what lies in the registry
// under HKCU\Software\holdfast\Cluster\<instance>: this process's own, unless HOLDFAST_CLUSTER_INSTANCE names another.

#include "property_data.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <cwchar>
#include <memory>
#include <mutex>
#include <set>

using namespace holdfast::clusapi;

namespace {

/** What an HCLUSTER or an HRESOURCE is here. */
struct Object {
    bool resource{false};
    std::wstring key;  // of the resource, below Resources
};

std::mutex objectsLock;
std::set<Object*> objects;  // under objectsLock: the handles that are good

Object* add(std::unique_ptr<Object> object) {
    const std::lock_guard lock{objectsLock};
    objects.insert(object.get());
    return object.release();
}

bool remove(void* handle, bool resource) noexcept {
    const std::lock_guard lock{objectsLock};
    const auto found = objects.find(static_cast<Object*>(handle));
    if (found == objects.end() || (*found)->resource != resource) return false;
    delete *found;
    objects.erase(found);
    return true;
}

/** A copy, so that nobody holds what somebody else closes. */
std::optional<Object> get(void* handle, bool resource) {
    const std::lock_guard lock{objectsLock};
    const auto found = objects.find(static_cast<Object*>(handle));
    if (found == objects.end() || (*found)->resource != resource) return std::nullopt;
    return **found;
}

class Key {
public:
    Key() = default;
    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;
    ~Key() {
        if (key_ != nullptr) ::RegCloseKey(key_);
    }
    HKEY* out() noexcept { return &key_; }
    [[nodiscard]] HKEY get() const noexcept { return key_; }

private:
    HKEY key_{nullptr};
};

/** A host has a cluster of its own, named by its number and the time of its start: its successor's number may be the same. */
std::wstring ownInstance() {
    FILETIME made{};
    FILETIME other{};
    ::GetProcessTimes(::GetCurrentProcess(), &made, &other, &other, &other);
    std::array<wchar_t, 64> name{};
    const int size = std::swprintf(name.data(), name.size(), L"%lu-%llx", ::GetCurrentProcessId(),
                                   (ULONGLONG{made.dwHighDateTime} << 32) | made.dwLowDateTime);
    return {name.data(), static_cast<std::size_t>(std::max(size, 0))};
}

std::wstring instanceKey() {
    std::array<wchar_t, 256> name{};
    const DWORD size =
        ::GetEnvironmentVariableW(L"HOLDFAST_CLUSTER_INSTANCE", name.data(), static_cast<DWORD>(name.size()));
    return L"Software\\holdfast\\Cluster\\" +
           (size > 0 && size < name.size() ? std::wstring{name.data(), size} : ownInstance());
}

DWORD openResourceKey(const Object& resource, REGSAM access, HKEY* out) {
    return static_cast<DWORD>(
        ::RegOpenKeyExW(HKEY_CURRENT_USER, (instanceKey() + L"\\Resources\\" + resource.key).c_str(), 0, access, out));
}

std::wstring textOf(HKEY key, const wchar_t* name) {
    Stored stored = readValue(key, name);
    if (stored.code != ERROR_SUCCESS || stored.type != REG_SZ) return {};
    const Data data = normal(CLUSPROP_FORMAT_SZ, std::move(stored.data));
    return reinterpret_cast<const wchar_t*>(data.data());
}

/** By the key's own name, or by its value Name. */
std::optional<std::wstring> findResource(const std::wstring& name) {
    Key all;
    if (::RegOpenKeyExW(HKEY_CURRENT_USER, (instanceKey() + L"\\Resources").c_str(), 0, KEY_READ, all.out()) != 0) {
        return std::nullopt;
    }
    std::array<wchar_t, 256> found{};
    for (DWORD index = 0;; ++index) {
        auto size = static_cast<DWORD>(found.size());
        if (::RegEnumKeyExW(all.get(), index, found.data(), &size, nullptr, nullptr, nullptr, nullptr) != 0) break;
        Key one;
        if (::RegOpenKeyExW(all.get(), found.data(), 0, KEY_READ, one.out()) != 0) continue;
        if (sameName(found.data(), name) || sameName(textOf(one.get(), L"Name"), name))
            return std::wstring{found.data(), size};
    }
    return std::nullopt;
}

/** A name in characters, as clusapi gives them: 234 and the length without the NUL when it does not fit. */
DWORD giveName(const std::wstring& name, LPWSTR out, LPDWORD size) noexcept {
    if (size == nullptr) return out == nullptr ? ERROR_SUCCESS : ERROR_INVALID_PARAMETER;
    const DWORD room = *size;
    *size = static_cast<DWORD>(name.size());
    if (out == nullptr) return ERROR_SUCCESS;
    if (room <= name.size()) return ERROR_MORE_DATA;
    std::memcpy(out, name.c_str(), (name.size() + 1) * sizeof(wchar_t));
    return ERROR_SUCCESS;
}

std::wstring nodeName() {
    std::array<wchar_t, MAX_COMPUTERNAME_LENGTH + 1> name{};
    auto size = static_cast<DWORD>(name.size());
    return ::GetComputerNameW(name.data(), &size) != 0 ? std::wstring{name.data(), size} : std::wstring{L"localhost"};
}

template <typename Handle, typename Make>
Handle make(Make&& call) {
    Object* object = nullptr;
    const DWORD code = guarded([&]() -> DWORD { return call(object); });
    if (code != ERROR_SUCCESS) ::SetLastError(code);
    return reinterpret_cast<Handle>(object);
}

WINBOOL closed(bool good) noexcept {
    if (!good) ::SetLastError(ERROR_INVALID_HANDLE);
    return good ? TRUE : FALSE;
}

/** Checkpoints are kept by name, nothing is copied: with one node there is nobody to copy them to (W-803). */
DWORD checkpoint(const Object& resource, DWORD code, const void* in, DWORD inSize, void* out, DWORD outSize,
                 DWORD* returned) {
    const bool crypto = code == CLUSCTL_RESOURCE_ADD_CRYPTO_CHECKPOINT ||
                        code == CLUSCTL_RESOURCE_DELETE_CRYPTO_CHECKPOINT ||
                        code == CLUSCTL_RESOURCE_GET_CRYPTO_CHECKPOINTS;
    const bool get =
        code == CLUSCTL_RESOURCE_GET_REGISTRY_CHECKPOINTS || code == CLUSCTL_RESOURCE_GET_CRYPTO_CHECKPOINTS;
    Key own;
    if (const DWORD error = openResourceKey(resource, KEY_READ | KEY_WRITE, own.out())) return error;
    Key list;
    if (const LONG error = createKey(own.get(), crypto ? L"CryptoSync" : L"RegSync", 0, KEY_READ | KEY_WRITE, nullptr,
                                     list.out(), nullptr)) {
        return static_cast<DWORD>(error);
    }
    std::vector<NamedValue> known;
    if (const DWORD error = readAll(list.get(), known)) return error;
    const auto textIn = [](const Data& data) {
        const Data good = normal(CLUSPROP_FORMAT_SZ, data);
        return std::wstring{reinterpret_cast<const wchar_t*>(good.data())};
    };
    if (get) {
        Data names;
        for (const auto& value : known) {
            const Data text = textData(textIn(value.data));
            names.insert(names.end(), text.begin(), text.end());
        }
        names.resize(names.size() + sizeof(wchar_t));
        DWORD required = 0;
        DWORD size = 0;
        const DWORD result = answer(names, out, outSize, &size, &required);
        if (returned != nullptr) *returned = result == ERROR_MORE_DATA ? required : size;
        return result;
    }
    if (in == nullptr || inSize < 2 * sizeof(wchar_t) || inSize % sizeof(wchar_t) != 0) return ERROR_INVALID_PARAMETER;
    const auto* const bytes = static_cast<const BYTE*>(in);
    const std::wstring path = textIn(Data{bytes, bytes + inSize});
    const auto found =
        std::find_if(known.begin(), known.end(), [&](const auto& value) { return sameName(textIn(value.data), path); });
    const bool adding =
        code != CLUSCTL_RESOURCE_DELETE_REGISTRY_CHECKPOINT && code != CLUSCTL_RESOURCE_DELETE_CRYPTO_CHECKPOINT;
    if (!adding) {
        if (found == known.end()) return ERROR_FILE_NOT_FOUND;
        return static_cast<DWORD>(::RegDeleteValueW(list.get(), found->name.c_str()));
    }
    if (found != known.end()) return ERROR_ALREADY_EXISTS;
    for (DWORD number = 1;; ++number) {
        wchar_t name[16];
        std::swprintf(name, 16, L"%08x", static_cast<unsigned>(number));
        if (std::any_of(known.begin(), known.end(), [&](const auto& value) { return value.name == name; })) continue;
        const Data text = textData(path);
        return static_cast<DWORD>(
            ::RegSetValueExW(list.get(), name, 0, REG_SZ, text.data(), static_cast<DWORD>(text.size())));
    }
}

DWORD giveText(const std::wstring& text, void* out, DWORD size, DWORD* returned) noexcept {
    const Data data = textData(text);
    DWORD required = 0;
    DWORD given = 0;
    const DWORD code = answer(data, out, size, &given, &required);
    if (returned != nullptr) *returned = code == ERROR_MORE_DATA ? required : given;
    return code;
}

}  // namespace

DWORD WINAPI GetNodeClusterState(LPCWSTR /*node*/, DWORD* state) {
    if (state == nullptr) return ERROR_INVALID_PARAMETER;
    *state = ClusterStateRunning;
    return ERROR_SUCCESS;
}

HCLUSTER WINAPI OpenCluster(LPCWSTR name) {
    return make<HCLUSTER>([&](Object*& object) -> DWORD {
        // Only this one: a name is of a cluster somewhere else.
        if (name != nullptr && *name != L'\0' && !sameName(name, L"holdfast") && !sameName(name, nodeName())) {
            return ERROR_HOST_UNREACHABLE;
        }
        object = add(std::make_unique<Object>());
        return ERROR_SUCCESS;
    });
}
WINBOOL WINAPI CloseCluster(HCLUSTER cluster) { return closed(remove(cluster, false)); }

DWORD WINAPI GetClusterInformation(HCLUSTER cluster, LPWSTR name, LPDWORD size, LPCLUSTERVERSIONINFO version) {
    return guarded([&]() -> DWORD {
        if (!get(cluster, false)) return ERROR_INVALID_HANDLE;
        if (size == nullptr) return ERROR_INVALID_PARAMETER;
        if (version != nullptr) {
            if (version->dwVersionInfoSize < sizeof *version) return ERROR_INVALID_PARAMETER;
            const DWORD structureSize = version->dwVersionInfoSize;
            *version = CLUSTERVERSIONINFO{};
            version->dwVersionInfoSize = structureSize;
            version->MajorVersion = 10;
            std::memcpy(version->szVendorId, L"holdfast substitute", sizeof L"holdfast substitute");
        }
        return giveName(L"holdfast", name, size);
    });
}

HKEY WINAPI GetClusterKey(HCLUSTER cluster, REGSAM access) {
    HKEY key = nullptr;
    const DWORD code = guarded([&]() -> DWORD {
        if (!get(cluster, false)) return ERROR_INVALID_HANDLE;
        return static_cast<DWORD>(::RegOpenKeyExW(HKEY_CURRENT_USER, instanceKey().c_str(), 0, access, &key));
    });
    if (code != ERROR_SUCCESS) ::SetLastError(code);
    return key;
}

HRESOURCE WINAPI OpenClusterResource(HCLUSTER cluster, LPCWSTR name) {
    return make<HRESOURCE>([&](Object*& object) -> DWORD {
        if (!get(cluster, false)) return ERROR_INVALID_HANDLE;
        if (name == nullptr) return ERROR_INVALID_PARAMETER;
        auto found = findResource(name);
        if (!found) return ERROR_RESOURCE_NOT_FOUND;
        object = add(std::make_unique<Object>(Object{true, std::move(*found)}));
        return ERROR_SUCCESS;
    });
}
WINBOOL WINAPI CloseClusterResource(HRESOURCE resource) { return closed(remove(resource, true)); }

HKEY WINAPI GetClusterResourceKey(HRESOURCE resource, REGSAM access) {
    HKEY key = nullptr;
    const DWORD code = guarded([&]() -> DWORD {
        const auto object = get(resource, true);
        return object ? openResourceKey(*object, access, &key) : ERROR_INVALID_HANDLE;
    });
    if (code != ERROR_SUCCESS) ::SetLastError(code);
    return key;
}

CLUSTER_RESOURCE_STATE WINAPI GetClusterResourceState(HRESOURCE resource, LPWSTR node, LPDWORD nodeSize, LPWSTR group,
                                                      LPDWORD groupSize) {
    holdfast::clusapi::noteCall("GetClusterResourceState");
    auto state = ClusterResourceStateUnknown;
    const DWORD code = guarded([&]() -> DWORD {
        const auto object = get(resource, true);
        if (!object) return ERROR_INVALID_HANDLE;
        Key key;
        if (const DWORD error = openResourceKey(*object, KEY_READ, key.out())) return error;
        if (const DWORD error = giveName(nodeName(), node, nodeSize)) return error;
        const std::wstring groupName = textOf(key.get(), L"Group");
        if (const DWORD error = giveName(groupName.empty() ? L"holdfast" : groupName, group, groupSize)) return error;
        const Stored stored = readValue(key.get(), L"State");  // by a monitor that keeps it there
        if (stored.code != ERROR_SUCCESS) return ERROR_RESOURCE_NOT_AVAILABLE;
        if (stored.type != REG_DWORD || stored.data.size() != sizeof(DWORD)) return ERROR_INVALID_DATA;
        DWORD value = 0;
        std::memcpy(&value, stored.data.data(), sizeof value);
        state = static_cast<CLUSTER_RESOURCE_STATE>(value);
        return ERROR_SUCCESS;
    });
    if (code != ERROR_SUCCESS) ::SetLastError(code);
    return code == ERROR_SUCCESS ? state : ClusterResourceStateUnknown;
}

DWORD WINAPI ClusterResourceControl(HRESOURCE resource, HNODE /*node*/, DWORD code, LPVOID in, DWORD inSize, LPVOID out,
                                    DWORD outSize, LPDWORD returned) {
    // W-803: checkpoint codes are allowed everywhere.
    constexpr DWORD firstCheckpointFunction = 40;
    constexpr DWORD lastCheckpointFunction = 48;
    const DWORD function = (code >> 2U) & 0x3FFFU;
    if (function < firstCheckpointFunction || function > lastCheckpointFunction)
        holdfast::clusapi::noteCall("ClusterResourceControl");
    if (returned != nullptr) *returned = 0;
    return guarded([&]() -> DWORD {
        const auto object = get(resource, true);
        if (!object) return ERROR_INVALID_HANDLE;
        switch (code) {
            case CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT:
            case CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT_32BIT:
            case CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT_64BIT:
            case CLUSCTL_RESOURCE_DELETE_REGISTRY_CHECKPOINT:
            case CLUSCTL_RESOURCE_GET_REGISTRY_CHECKPOINTS:
            case CLUSCTL_RESOURCE_ADD_CRYPTO_CHECKPOINT:
            case CLUSCTL_RESOURCE_DELETE_CRYPTO_CHECKPOINT:
            case CLUSCTL_RESOURCE_GET_CRYPTO_CHECKPOINTS:
                return checkpoint(*object, code, in, inSize, out, outSize, returned);
            case CLUSCTL_RESOURCE_GET_NAME:
            case CLUSCTL_RESOURCE_GET_RESOURCE_TYPE: {
                Key key;
                if (const DWORD error = openResourceKey(*object, KEY_READ, key.out())) return error;
                const bool name = code == CLUSCTL_RESOURCE_GET_NAME;
                const std::wstring text = textOf(key.get(), name ? L"Name" : L"Type");
                return giveText(text.empty() && name ? object->key : text, out, outSize, returned);
            }
            default: return ERROR_INVALID_FUNCTION;
        }
    });
}
