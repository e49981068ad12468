// SPDX-License-Identifier: BSL-1.0

/// The DLL of an agent as a file: what it is built for, what it exports, and what it wants from the system.

#include <holdfast/abi/wide.hpp>

#include <windows.h>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <set>
#include <string>

namespace {

/** A loaded DLL, read by its headers. */
class Image {
public:
    explicit Image(const char* path) : module_{LoadLibraryW(holdfast::abi::toWide(path).c_str())} {
        REQUIRE(module_ != nullptr);
        const auto& dos = at<IMAGE_DOS_HEADER>(0);
        REQUIRE(dos.e_magic == IMAGE_DOS_SIGNATURE);
        headers_ = &at<IMAGE_NT_HEADERS64>(static_cast<DWORD>(dos.e_lfanew));
        REQUIRE(headers_->Signature == IMAGE_NT_SIGNATURE);
    }
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
    ~Image() { FreeLibrary(module_); }

    [[nodiscard]] const IMAGE_NT_HEADERS64& headers() const { return *headers_; }
    template <typename T>
    [[nodiscard]] const T& at(DWORD address) const {
        return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(module_) + address);
    }
    template <typename T>
    [[nodiscard]] const T& directory(int which) const {
        const IMAGE_DATA_DIRECTORY& entry = headers_->OptionalHeader.DataDirectory[which];
        REQUIRE(entry.Size != 0);
        return at<T>(entry.VirtualAddress);
    }

private:
    HMODULE module_;
    const IMAGE_NT_HEADERS64* headers_{nullptr};
};

}  // namespace

TEST_CASE("W-005 an agent is a 64-bit DLL") {
    const Image image{TABLE_AGENT};
    CHECK(image.headers().OptionalHeader.Magic == IMAGE_NT_OPTIONAL_HDR64_MAGIC);
    CHECK((image.headers().FileHeader.Machine == IMAGE_FILE_MACHINE_AMD64 ||
           image.headers().FileHeader.Machine == IMAGE_FILE_MACHINE_ARM64));
    CHECK((image.headers().FileHeader.Characteristics & IMAGE_FILE_DLL) != 0);
}

TEST_CASE("W-010 an agent exports its start-up routines and nothing else, by name or by number") {
    const Image image{TABLE_AGENT};
    const auto& table = image.directory<IMAGE_EXPORT_DIRECTORY>(IMAGE_DIRECTORY_ENTRY_EXPORT);
    std::set<std::string> names;
    for (DWORD i = 0; i < table.NumberOfNames; ++i)
        names.insert(&image.at<char>(image.at<DWORD>(table.AddressOfNames + i * DWORD{sizeof(DWORD)})));
    CHECK(names == std::set<std::string>{"Startup", "StartupEx"});
    CHECK(table.NumberOfFunctions == 2);
}

TEST_CASE("an agent imports only from DLLs that every Windows has") {
    const Image image{TABLE_AGENT};
    const std::set<std::string> system{"kernel32.dll", "advapi32.dll", "msvcrt.dll", "ws2_32.dll", "mswsock.dll",
                                       "bcrypt.dll",   "user32.dll",   "ntdll.dll",  "ole32.dll",  "shell32.dll"};
    const auto* import = &image.directory<IMAGE_IMPORT_DESCRIPTOR>(IMAGE_DIRECTORY_ENTRY_IMPORT);
    int count = 0;
    for (; import->Name != 0; ++import, ++count) {
        std::string name = &image.at<char>(import->Name);
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        CAPTURE(name);
        CHECK((system.count(name) == 1 || name.rfind("api-ms-win-", 0) == 0));
    }
    CHECK(count > 0);
}
