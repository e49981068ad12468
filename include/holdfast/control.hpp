// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a type may tell the engine beyond its properties: its class, what it needs, and control codes of its own.
/// Included by resource.hpp; see docs/control-codes.md.

#include <holdfast/abi/control_codes.hpp>
#include <holdfast/property.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace holdfast::inline v1 {

using abi::ControlAccess;

/** CLUS_RESOURCE_CLASS (W-902). Numbers from 32768 on are an author's own. */
enum class ResourceClass : std::uint32_t { unknown = 0, storage = 1, network = 2, user = 32'768 };

/** GET_CLASS_INFO: who depends on a class is satisfied by any resource that reports it (W-902). */
struct ClassInfo {
    ResourceClass resourceClass{ResourceClass::unknown};
    std::uint32_t subclass{0};
};

/** Bits of GET_CHARACTERISTICS (W-903), without those that holdfast cannot keep (quorum, monitor detach, clones). */
enum class Characteristic : std::uint32_t {
    none = 0,
    deleteRequiresAllNodes = 0x2,        ///< deleting fails while a node is down
    requiresStateChangeReason = 0x10,    ///< the engine says why it moves the resource (W-650)
    broadcastDelete = 0x20,              ///< every node is told of a deletion
    singleClusterInstance = 0x40,        ///< one resource of the type per cluster
    singleGroupInstance = 0x80,          ///< one per group
    coexistInSharedVolumeGroup = 0x100,  ///< may share a group with a shared volume
    notPreemptable = 0x4000,             ///< is not moved away for a more important group
    notifyNewOwner = 0x8000,             ///< the new owner node is announced
};
[[nodiscard]] constexpr Characteristic operator|(Characteristic left, Characteristic right) noexcept {
    return static_cast<Characteristic>(static_cast<std::uint32_t>(left) | static_cast<std::uint32_t>(right));
}

/** One required dependency: a class, or the name of a resource type (W-660). */
using RequiredDependency = std::variant<ResourceClass, std::string>;

/**
 * One call of a control code that the author declared.
 *
 * @par Thread safety One owner: the handler, on the worker that runs it.
 */
class ControlRequest {
public:
    ControlRequest(std::string subject, std::string typeName, bool active, std::span<const std::byte> input)
        : subject_{std::move(subject)}, typeName_{std::move(typeName)}, active_{active}, input_{input} {}

    /** The resource's name; empty for a code of the type. */
    [[nodiscard]] const std::string& resourceName() const noexcept { return subject_; }
    [[nodiscard]] const std::string& typeName() const noexcept { return typeName_; }
    /** Whether the resource is online or pending; for a type, whether one of its resources in this process is. */
    [[nodiscard]] bool active() const noexcept { return active_; }
    /** What the caller sent: a copy, at no particular alignment, of any size and content. */
    [[nodiscard]] std::span<const std::byte> input() const noexcept { return input_; }

    /** Sets the whole answer. The caller gets all of it, or its size and ERROR_MORE_DATA (W-630). */
    void answer(Bytes bytes) { answer_ = std::move(bytes); }
    /** The same as text: UTF-16 with its NUL, as Windows callers expect. */
    void answer(std::string_view utf8);
    [[nodiscard]] const Bytes& answered() const noexcept { return answer_; }

private:
    std::string subject_;
    std::string typeName_;
    bool active_;
    std::span<const std::byte> input_;
    Bytes answer_;
};

/** One control code of the author's, with its C++ types erased. */
struct AuthorControl {
    abi::Dword code;
    bool readsSettings;  ///< `run` wants the stored values
    /** Runs the author's handler: a Win32 code, 0 for success. Throws what the handler throws. */
    std::function<std::uint32_t(const PropertyBag& values, ControlRequest& request)> run;
};

/** All of it, for one resource type. */
struct ControlDeclarations {
    ClassInfo classInfo;
    Characteristic characteristics{Characteristic::none};
    std::vector<RequiredDependency> dependencies;
    std::vector<AuthorControl> controls;      ///< of its resources
    std::vector<AuthorControl> typeControls;  ///< of the type itself
    std::size_t largestPropertyList{65'536};  ///< W-513
};

}  // namespace holdfast::inline v1
