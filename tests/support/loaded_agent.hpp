// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/resapi.hpp>

namespace holdfast::tests {

/** An agent library, loaded and looked at by the system's own functions, as an engine does. */
class LoadedAgent {
public:
    explicit LoadedAgent(const char* path);
    LoadedAgent(const LoadedAgent&) = delete;
    LoadedAgent& operator=(const LoadedAgent&) = delete;
    ~LoadedAgent();

    /** False: `path` could not be loaded. */
    [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }
    template <typename Routine>
    [[nodiscard]] Routine routine(const char* name) const {
        return reinterpret_cast<Routine>(symbol(name));
    }
    /** Whether the process still has a library of this file name (without its ending). */
    [[nodiscard]] static bool mapped(const char* name);

private:
    using Symbol = void (*)();
    [[nodiscard]] Symbol symbol(const char* name) const;
    void* handle_;
};

/** Whether an event that an agent handed out is signalled, at the latest after that many milliseconds. */
[[nodiscard]] bool signalled(abi::Handle event, int milliseconds);

}  // namespace holdfast::tests
