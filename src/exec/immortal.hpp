// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <new>

namespace holdfast::inline v1::exec {

/**
 * The one `T` of this library: made at the first use in storage of the library's own, never destroyed.
 *
 * A static destructor would run while wedged threads still use the object (W-004); an object on the heap would leak with
 * every unload.
 */
template <typename T>
T& immortal() {
    alignas(T) static std::byte storage[sizeof(T)];
    static T* const object = ::new (static_cast<void*>(storage)) T;
    return *object;
}

}  // namespace holdfast::inline v1::exec
