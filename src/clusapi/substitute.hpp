// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What both substitute libraries need. They stand in for clusapi.dll and resutils.dll on a machine without a cluster, so that a
/// resource DLL that imports those can be developed and tested there. They are not for a node of a cluster.

#include "mingw_resapi.hpp"

#include <atomic>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

namespace holdfast::clusapi {

/** One line for whoever looks: to the debugger, and to standard error, which a host passes on. */
void say(std::string_view text) noexcept;

/**
 * Tells a host that wants to know which function the cluster was asked for on this thread: one that exports
 * `HoldfastClusterCall`, as a verifier does (W-800).
 */
void noteCall(const char* function) noexcept;

/** For a function that is exported because a DLL may import it, and does nothing: says so once. */
void sayAbsent(const char* function, std::atomic<bool>& said) noexcept;

/** Nothing leaves a C function but a code. */
template <typename Call>
DWORD guarded(Call&& call) noexcept {
    try {
        return static_cast<DWORD>(call());
    } catch (const std::bad_alloc&) {
        return ERROR_NOT_ENOUGH_MEMORY;
    } catch (const std::length_error&) {
        return ERROR_NOT_ENOUGH_MEMORY;
    } catch (...) {
        return ERROR_INTERNAL_ERROR;
    }
}

/** Memory that the caller gives back with LocalFree (W-532); null only if there is none left. */
void* localCopy(const void* data, std::size_t size) noexcept;
/** With a NUL; throws std::bad_alloc. */
wchar_t* localText(std::wstring_view text);

/**
 * RegCreateKeyExW, also below a key that lives only until the machine stops: a monitor for tests may keep its cluster in one, and
 * whoever makes a key here knows nothing of that.
 */
LONG createKey(HKEY key, const wchar_t* subkey, DWORD options, REGSAM access, SECURITY_ATTRIBUTES* security,
               HKEY* result, DWORD* disposition) noexcept;

}  // namespace holdfast::clusapi
