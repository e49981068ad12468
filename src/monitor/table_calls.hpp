// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/callback_table.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace holdfast::inline v1::monitor {

/** A control call's memory. It stays until the answer is there, however late (W-151). */
struct ControlBuffers {
    std::vector<abi::Byte> in;
    std::vector<abi::Byte> out;
    abi::Dword returned{0};
};

/**
 * An agent's function table of any version behind one set of calls (W-153). The version alone chooses the layout (W-022).
 *
 * @par Thread safety Immutable; the calls from any thread, as the agent allows it (W-101).
 */
class TableCalls {
public:
    TableCalls() = default;
    /** Copies the block of the table's version and nothing beyond it; the version must be one of the four. */
    explicit TableCalls(const abi::FunctionTable& table) noexcept;

    [[nodiscard]] abi::Dword version() const noexcept { return table_.version; }

    [[nodiscard]] abi::ResourceId open(const abi::WideChar* name, abi::KeyHandle key, abi::ResourceHandle handle) const;
    void close(abi::ResourceId id) const { table_.v1.close(id); }
    [[nodiscard]] abi::Dword online(abi::ResourceId id, abi::Handle* event) const;
    [[nodiscard]] abi::Dword offline(abi::ResourceId id) const;
    void terminate(abi::ResourceId id) const { table_.v1.terminate(id); }
    [[nodiscard]] abi::Bool looksAlive(abi::ResourceId id) const { return table_.v1.looksAlive(id); }
    [[nodiscard]] abi::Bool isAlive(abi::ResourceId id) const { return table_.v1.isAlive(id); }

    /** W-025: an agent may have no control function; then every code is ERROR_INVALID_FUNCTION. */
    [[nodiscard]] bool hasResourceControl() const noexcept { return table_.v1.resourceControl != nullptr; }
    [[nodiscard]] bool hasTypeControl() const noexcept { return table_.v1.resourceTypeControl != nullptr; }
    /**
     * Returns with the answer, also when it comes by EndControlCall; or with ERROR_RESOURCE_CALL_TIMED_OUT once nobody
     * waits for it any more (`goOn` answers false, asked every 50 ms).
     */
    [[nodiscard]] abi::Dword resourceControl(abi::ResourceId id, abi::Dword code,
                                             const std::shared_ptr<ControlBuffers>& buffers,
                                             const std::function<bool()>& goOn) const;
    [[nodiscard]] abi::Dword typeControl(const abi::WideChar* type, abi::Dword code,
                                         const std::shared_ptr<ControlBuffers>& buffers,
                                         const std::function<bool()>& goOn) const;

private:
    abi::FunctionTable table_{};
};

/** EndControlCall and EndTypeControlCall: false if no call with this context waits, for it was answered already. */
[[nodiscard]] bool endControlCall(std::int64_t context, abi::Dword status) noexcept;

}  // namespace holdfast::inline v1::monitor
