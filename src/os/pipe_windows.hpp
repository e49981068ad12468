// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "os/windows_handle.hpp"

#include <string>

namespace holdfast::inline v1::os {

/** A pipe's name that nobody can have guessed: this process's number and 128 random bits. */
[[nodiscard]] std::wstring randomPipeName(std::wstring_view purpose);

/** Both ends of a pipe that nobody else can reach; ours is overlapped, theirs can be inherited. */
struct PipeEnds {
    WindowsHandle ours;
    WindowsHandle theirs;
};

/** Bytes both ways; their end is overlapped too, or a thread that reads would keep others from writing. */
[[nodiscard]] PipeEnds duplexPipe();
/** Bytes from them to us; their end is an ordinary standard output. */
[[nodiscard]] PipeEnds outputPipe();

}  // namespace holdfast::inline v1::os
