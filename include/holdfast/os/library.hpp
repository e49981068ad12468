// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <string>

namespace holdfast::inline v1::os {

/** Why a library could not be loaded. */
enum class LibraryProblem { none, missing, noLibrary, unresolved, other };

/**
 * A loaded shared library; unloaded with this object unless `pin()` was called.
 *
 * @par Thread safety One owner.
 */
class Library {
public:
    Library() noexcept = default;
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    Library(Library&& other) noexcept;
    Library& operator=(Library&& other) noexcept;
    ~Library();

    struct Opened;
    /** Loads with every symbol bound at once, so that what is missing shows now and not in the middle of an Online. */
    [[nodiscard]] static Opened open(const std::filesystem::path& path);

    [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }
    /** The address of an exported function, or null. */
    [[nodiscard]] void* symbol(const char* name) const noexcept;
    /** Leaves it loaded for ever: a call into it never returned. */
    void pin() noexcept { handle_ = nullptr; }

private:
    void* handle_{nullptr};
};

struct Library::Opened {
    Library library;
    LibraryProblem problem{LibraryProblem::none};
    std::string detail;  ///< what the system said
};

}  // namespace holdfast::inline v1::os
