// SPDX-License-Identifier: BSL-1.0
// A resource DLL that was written by hand lives its whole life beside the substitute libraries, without a cluster.
#include "cluster_key.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <mutex>

using fixture::Bytes;
using fixture::ClusterKey;
using fixture::List;

namespace {

/** What an engine would see. Written by any thread of the DLL. */
struct Engine {
    std::atomic<int> state{ClusterResourceOffline};
    std::atomic<int> reports{0};
    std::atomic<DWORD> checkPoint{0};
    std::atomic<bool> terminate{false};
    std::mutex mutex;  // guards what follows
    std::vector<std::wstring> lines;
} engine;

DWORD WINAPI setStatus(RESOURCE_HANDLE /*handle*/, PRESOURCE_STATUS status) {
    engine.state = status->ResourceState;
    engine.checkPoint = status->CheckPoint;
    ++engine.reports;
    return engine.terminate ? ResourceExitStateTerminate : ResourceExitStateContinue;
}

VOID WINAPI logEvent(RESOURCE_HANDLE /*handle*/, LOG_LEVEL /*level*/, LPCWSTR format, ...) {
    const std::lock_guard lock{engine.mutex};
    engine.lines.emplace_back(format);
}

bool becomes(int state) {
    for (int i = 0; i < 1'000 && engine.state != state; ++i) ::Sleep(5);
    return engine.state == state;
}

class Library {
public:
    Library() : module_{::LoadLibraryW(L"classic_dll.dll")} {
        REQUIRE(module_ != nullptr);
        const auto startup =
            reinterpret_cast<PSTARTUP_ROUTINE>(reinterpret_cast<void (*)()>(::GetProcAddress(module_, "Startup")));
        REQUIRE(startup != nullptr);
        REQUIRE(startup(L"Classic Counter", CLRES_VERSION_V1_00, CLRES_VERSION_V1_00, &setStatus, &logEvent, &table_) ==
                ERROR_SUCCESS);
        engine.state = ClusterResourceOffline;
        engine.reports = 0;
        engine.terminate = false;
    }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() { ::FreeLibrary(module_); }
    const CLRES_V1_FUNCTIONS* operator->() const { return &table_->V1Functions; }

private:
    HMODULE module_;
    PCLRES_FUNCTION_TABLE table_{nullptr};
};

std::wstring folderOf(const wchar_t* module) {
    wchar_t path[1024] = {};
    ::GetModuleFileNameW(module == nullptr ? nullptr : ::GetModuleHandleW(module), path, 1023);
    std::wstring text{path};
    return text.substr(0, text.rfind(L'\\'));
}

}  // namespace

TEST_CASE("a DLL that imports clusapi and resutils is given the substitutes beside the program") {
    const Library library;
    CHECK(folderOf(L"clusapi.dll") == folderOf(nullptr));
    CHECK(folderOf(L"resutils.dll") == folderOf(nullptr));
}

TEST_CASE("a classic resource DLL opens, pends, is alive, goes offline and closes, on its private properties") {
    const ClusterKey key;
    key.set(L"Steps", 4);
    key.set(L"StepTime", 10);
    const Library dll;
    int anything = 0;  // an engine's handle is opaque to the DLL
    const auto handle = reinterpret_cast<RESOURCE_HANDLE>(&anything);
    const RESID id = dll->Open(L"counter", key.get(), handle);
    REQUIRE(id != nullptr);
    CHECK_FALSE(dll->IsAlive(id));

    HANDLE event = nullptr;
    REQUIRE(dll->Online(id, &event) == ERROR_IO_PENDING);
    REQUIRE(becomes(ClusterResourceOnline));
    CHECK(engine.reports == 5);  // four steps and the final one
    CHECK(engine.checkPoint == 5);
    CHECK(dll->IsAlive(id));

    SECTION("W-533 what is set while it is online is stored, and is used by the next online") {
        const auto list = List{}.add(L"Steps", 2).add(L"Unknown", L"kept").bytes();
        DWORD returned = 0;
        Bytes in = list;
        CHECK(dll->ResourceControl(id, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, in.data(),
                                   static_cast<DWORD>(in.size()), nullptr, 0,
                                   &returned) == ERROR_RESOURCE_PROPERTIES_STORED);
        CHECK(key.number(L"Steps") == 2);
        CHECK_FALSE(key.stored(L"Unknown").empty());
        CHECK(key.stored(L"Title").empty());  // a default is not written
        CHECK(dll->Offline(id) == ERROR_SUCCESS);
        CHECK_FALSE(dll->IsAlive(id));
        engine.reports = 0;
        engine.state = ClusterResourceOffline;
        REQUIRE(dll->Online(id, &event) == ERROR_IO_PENDING);
        REQUIRE(becomes(ClusterResourceOnline));
        CHECK(engine.reports == 3);
    }
    SECTION("a list with a value out of range changes nothing (W-501)") {
        Bytes in = List{}.add(L"StepTime", 7).add(L"Steps", 1'000).bytes();
        DWORD returned = 0;
        CHECK(dll->ResourceControl(id, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, in.data(),
                                   static_cast<DWORD>(in.size()), nullptr, 0, &returned) == ERROR_INVALID_DATA);
        CHECK(key.number(L"StepTime") == 10);
    }
    SECTION("W-535 what it answers, at every size of the buffer") {
        for (const DWORD code : {static_cast<DWORD>(CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES),
                                 static_cast<DWORD>(CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES),
                                 static_cast<DWORD>(CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS)}) {
            DWORD needed = 0;
            REQUIRE(dll->ResourceControl(id, code, nullptr, 0, nullptr, 0, &needed) == ERROR_MORE_DATA);
            REQUIRE(needed > 0);
            for (DWORD size = 0; size <= needed; ++size) {
                Bytes out(needed + 8, 0xCC);
                DWORD returned = 0;
                const DWORD result = dll->ResourceControl(id, code, nullptr, 0, out.data(), size, &returned);
                REQUIRE(returned == needed);
                REQUIRE(result == (size < needed ? ERROR_MORE_DATA : ERROR_SUCCESS));
                for (std::size_t i = size < needed ? 0 : needed; i < out.size(); ++i) REQUIRE(out[i] == 0xCC);
            }
        }
    }
    dll->Terminate(id);
    CHECK_FALSE(dll->IsAlive(id));
    dll->Close(id);
}

TEST_CASE("W-206 W-231 terminate ends a pending online at once, and so does the engine's answer") {
    const ClusterKey key;
    key.set(L"Steps", 100);
    key.set(L"StepTime", 50);
    const Library dll;
    const RESID id = dll->Open(L"counter", key.get(), nullptr);
    REQUIRE(id != nullptr);
    HANDLE event = nullptr;
    REQUIRE(dll->Online(id, &event) == ERROR_IO_PENDING);
    SECTION("Terminate") {
        ::Sleep(120);
        const ULONGLONG since = ::GetTickCount64();
        dll->Terminate(id);
        CHECK(::GetTickCount64() - since < 1'000);
    }
    SECTION("ResourceExitStateTerminate") {
        engine.terminate = true;
        ::Sleep(300);
        const int reports = engine.reports;
        CHECK(reports >= 1);
        ::Sleep(300);
        CHECK(engine.reports <= reports + 1);
    }
    CHECK(engine.state != ClusterResourceOnline);
    CHECK_FALSE(dll->IsAlive(id));
    dll->Close(id);
}

TEST_CASE("W-539 a value of the wrong type in the registry fails the online, and the log names it") {
    const ClusterKey key;
    key.set(L"Steps", std::wstring{L"three"});
    const Library dll;
    const RESID id = dll->Open(L"counter", key.get(), nullptr);
    REQUIRE(id != nullptr);
    HANDLE event = nullptr;
    CHECK(dll->Online(id, &event) == ERROR_INVALID_DATA);
    const std::lock_guard lock{engine.mutex};
    CHECK(engine.lines.back().find(L"cannot be used") != std::wstring::npos);
    dll->Close(id);
}
