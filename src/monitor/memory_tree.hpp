// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The inside of MemoryRegistry, shared with the host functions.

#include <holdfast/monitor/memory_registry.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace holdfast::inline v1::monitor {

struct RegistryNode {
    struct Value {
        std::string name;
        abi::RegistryValue value;
    };

    explicit RegistryNode(std::string itsName) : name{std::move(itsName)} {}

    /** The value's slot, or null. */
    [[nodiscard]] Value* value(std::string_view valueName);
    void set(std::string_view valueName, abi::RegistryValue newValue);
    /** False if there is no such value. */
    bool remove(std::string_view valueName);
    [[nodiscard]] std::shared_ptr<RegistryNode> child(std::string_view childName) const;
    /** The node at `path` below this one, or null; creates what is missing if told to. */
    [[nodiscard]] static std::shared_ptr<RegistryNode> descend(std::shared_ptr<RegistryNode> node,
                                                               std::string_view path, bool create);
    void markErased();

    std::string name;
    std::vector<Value> values;
    std::vector<std::shared_ptr<RegistryNode>> children;
    bool erased{false};
};

struct MemoryRegistry::Tree {
    mutable std::mutex mutex;
    std::shared_ptr<RegistryNode> root = std::make_shared<RegistryNode>("");
    std::function<abi::Dword(std::string_view)> hook;
};

/** What an open handle stands for. Handles are numbers that are never used twice, so a stale one is known as such. */
struct HostAccess {
    using Tree = MemoryRegistry::Tree;
    struct Open {
        std::shared_ptr<Tree> tree;
        std::shared_ptr<RegistryNode> node;
    };

    static abi::KeyHandle add(Open open);
    /** Empty pointers for a handle that is not open. */
    static Open find(abi::KeyHandle handle);
    static bool close(abi::KeyHandle handle);
    /** Whether it is one of ours, open or not any more, and no handle of the system's. */
    static bool knows(abi::KeyHandle handle) noexcept;
    static std::size_t count();
    /** The tree of the registry made last of those that live; null if there is none. */
    static std::shared_ptr<Tree> newest();
    static void enlist(const std::shared_ptr<Tree>& tree);
    static void dismiss(const std::shared_ptr<Tree>& tree) noexcept;
};

}  // namespace holdfast::inline v1::monitor
