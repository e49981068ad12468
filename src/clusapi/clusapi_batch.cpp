// SPDX-License-Identifier: BSL-1.0
// clusapi: several changes of the cluster registry at once. A cluster makes all of them or none; here what was done is undone when a
// later one fails, as far as an ordinary registry can: a deleted key does not come back.

#include "property_data.hpp"

#include <functional>
#include <memory>

using namespace holdfast::clusapi;

namespace {

// CLUSTER_REG_COMMAND; the part of MinGW's header that has it does not compile.
constexpr int setValue = 1;
constexpr int makeKey = 2;
constexpr int deleteKey = 3;
constexpr int deleteValue = 4;

struct Command {
    int what{0};
    std::wstring name;
    DWORD type{REG_NONE};
    Data data;
};

struct Batch {
    HKEY root{nullptr};
    std::vector<Command> commands;
};

class Change {
public:
    explicit Change(HKEY root) noexcept : key_{root} {}
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change() {
        if (!kept_) {
            for (auto i = undo_.rbegin(); i != undo_.rend(); ++i) (*i)();
        }
        for (HKEY key : opened_) ::RegCloseKey(key);
    }
    void keep() noexcept { kept_ = true; }

    LONG perform(HKEY root, const Command& command) {
        switch (command.what) {
            case makeKey: {
                DWORD disposition = 0;
                HKEY made = nullptr;
                const LONG code = holdfast::clusapi::createKey(root, command.name.c_str(), 0, KEY_READ | KEY_WRITE,
                                                               nullptr, &made, &disposition);
                if (code != ERROR_SUCCESS) return code;
                opened_.push_back(made);
                key_ = made;  // the values that follow belong to it
                if (disposition == REG_CREATED_NEW_KEY) {
                    undo_.emplace_back([root, name = command.name] { ::RegDeleteKeyExW(root, name.c_str(), 0, 0); });
                }
                return ERROR_SUCCESS;
            }
            case deleteKey: return ::RegDeleteTreeW(root, command.name.c_str());
            case setValue:
                remember(command.name);
                return ::RegSetValueExW(key_, command.name.c_str(), 0, command.type, command.data.data(),
                                        static_cast<DWORD>(command.data.size()));
            case deleteValue: remember(command.name); return ::RegDeleteValueW(key_, command.name.c_str());
            default: return ERROR_INVALID_PARAMETER;
        }
    }

private:
    void remember(const std::wstring& name) {
        Stored before = readValue(key_, name.c_str());
        undo_.emplace_back([key = key_, name, before = std::move(before)] {
            if (before.code == ERROR_SUCCESS) {
                ::RegSetValueExW(key, name.c_str(), 0, before.type, before.data.data(),
                                 static_cast<DWORD>(before.data.size()));
            } else {
                ::RegDeleteValueW(key, name.c_str());
            }
        });
    }

    HKEY key_;
    bool kept_{false};
    std::vector<HKEY> opened_;
    std::vector<std::function<void()>> undo_;
};

}  // namespace

// MinGW's own prototypes of these want types that it declares elsewhere; the handles are pointers either way.
extern "C" LONG WINAPI holdfast_ClusterRegCreateBatch(HKEY key, void** out) {
    return static_cast<LONG>(guarded([&]() -> DWORD {
        if (key == nullptr || out == nullptr) return ERROR_INVALID_PARAMETER;
        auto batch = std::make_unique<Batch>();
        batch->root = key;
        *out = batch.release();
        return ERROR_SUCCESS;
    }));
}

extern "C" LONG WINAPI holdfast_ClusterRegBatchAddCommand(void* handle, int what, LPCWSTR name, DWORD type,
                                                          const void* data, DWORD size) {
    return static_cast<LONG>(guarded([&]() -> DWORD {
        if (handle == nullptr || name == nullptr || (data == nullptr && size != 0)) return ERROR_INVALID_PARAMETER;
        if (what != setValue && what != makeKey && what != deleteKey && what != deleteValue) {
            return ERROR_INVALID_PARAMETER;
        }
        const auto* const bytes = static_cast<const BYTE*>(data);
        static_cast<Batch*>(handle)->commands.push_back({what, name, type, Data{bytes, bytes + size}});
        return ERROR_SUCCESS;
    }));
}

extern "C" LONG WINAPI holdfast_ClusterRegCloseBatch(void* handle, WINBOOL commit, INT* failed) {
    holdfast::clusapi::noteCall("ClusterRegCloseBatch");
    const std::unique_ptr<Batch> batch{static_cast<Batch*>(handle)};
    return static_cast<LONG>(guarded([&]() -> DWORD {
        if (failed != nullptr) *failed = -1;
        if (!batch) return ERROR_INVALID_PARAMETER;
        if (commit == FALSE) return ERROR_SUCCESS;
        Change change{batch->root};
        for (std::size_t i = 0; i < batch->commands.size(); ++i) {
            const LONG code = change.perform(batch->root, batch->commands[i]);
            if (code == ERROR_SUCCESS) continue;
            if (failed != nullptr) *failed = static_cast<INT>(i);
            return static_cast<DWORD>(code);
        }
        change.keep();
        return ERROR_SUCCESS;
    }));
}
