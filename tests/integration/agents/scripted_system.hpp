// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the scripted agent does by its system's own means.

#include <holdfast/abi/host.hpp>

#include <string>

namespace scripted {

/** Of the program that loaded the agent. */
[[nodiscard]] const holdfast::abi::HostFunctions& host();

/** The event an agent hands out (W-321), as its system has them. */
class Event {
public:
    Event();
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event();
    [[nodiscard]] holdfast::abi::Handle handle() const { return handle_; }
    void signal() const;
    void reset() const;
    [[nodiscard]] bool isSignalled() const;

private:
    holdfast::abi::Handle handle_{};
};

/** Whoever leaves a thread behind keeps its code mapped. */
void pin();
/** Ends this thread under its caller. */
[[noreturn]] void endThread();
void print(const char* text);
/** Ends the process in a way, or does another thing that only this system has; false: it knows no such way. */
bool crash(const std::string& how);

}  // namespace scripted
