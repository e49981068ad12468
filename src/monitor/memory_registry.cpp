// SPDX-License-Identifier: BSL-1.0
#include "memory_tree.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor {
namespace {

/** No number that the system could give a key of its own: those have 32 bits. */
constexpr std::uintptr_t firstHandle =
    sizeof(std::uintptr_t) > 4 ? std::uintptr_t{1} << (sizeof(std::uintptr_t) * 8 - 8) : 0x1000;

struct OpenKeys {
    std::mutex mutex;
    std::uintptr_t last{firstHandle};
    std::map<std::uintptr_t, HostAccess::Open> keys;
    std::vector<std::shared_ptr<HostAccess::Tree>> trees;  // of the registries that live, in the order they were made
};

OpenKeys& openTable() {
    // Never destroyed: libraries may still close keys while the program exits.
    static auto* const table = new OpenKeys;
    return *table;
}

}  // namespace

RegistryNode::Value* RegistryNode::value(std::string_view valueName) {
    for (auto& entry : values) {
        if (samePropertyName(entry.name, valueName)) return &entry;
    }
    return nullptr;
}

void RegistryNode::set(std::string_view valueName, abi::RegistryValue newValue) {
    if (auto* found = value(valueName)) {
        found->value = std::move(newValue);
    } else {
        values.push_back({std::string{valueName}, std::move(newValue)});
    }
}

bool RegistryNode::remove(std::string_view valueName) {
    return std::erase_if(values, [&](const Value& entry) { return samePropertyName(entry.name, valueName); }) != 0;
}

std::shared_ptr<RegistryNode> RegistryNode::child(std::string_view childName) const {
    for (const auto& node : children) {
        if (samePropertyName(node->name, childName)) return node;
    }
    return nullptr;
}

std::shared_ptr<RegistryNode> RegistryNode::descend(std::shared_ptr<RegistryNode> node, std::string_view path,
                                                    bool create) {
    while (node && !path.empty()) {
        const auto separator = path.find('\\');
        const auto step = path.substr(0, separator);
        path.remove_prefix(separator == std::string_view::npos ? path.size() : separator + 1);
        if (step.empty()) continue;
        auto next = node->child(step);
        if (!next && create) {
            next = std::make_shared<RegistryNode>(std::string{step});
            node->children.push_back(next);
        }
        node = std::move(next);
    }
    return node;
}

void RegistryNode::markErased() {
    erased = true;
    for (const auto& node : children) node->markErased();
}

abi::KeyHandle HostAccess::add(Open open) {
    auto& table = openTable();
    const std::lock_guard lock{table.mutex};
    table.last += 4;
    table.keys.emplace(table.last, std::move(open));
    return reinterpret_cast<abi::KeyHandle>(table.last);
}

HostAccess::Open HostAccess::find(abi::KeyHandle handle) {
    auto& table = openTable();
    const std::lock_guard lock{table.mutex};
    const auto found = table.keys.find(reinterpret_cast<std::uintptr_t>(handle));
    return found == table.keys.end() ? Open{} : found->second;
}

bool HostAccess::close(abi::KeyHandle handle) {
    auto& table = openTable();
    Open last;  // destroyed after the lock is released
    const std::lock_guard lock{table.mutex};
    const auto found = table.keys.find(reinterpret_cast<std::uintptr_t>(handle));
    if (found == table.keys.end()) return false;
    last = std::move(found->second);
    table.keys.erase(found);
    return true;
}

bool HostAccess::knows(abi::KeyHandle handle) noexcept {
    return handle == nullptr || reinterpret_cast<std::uintptr_t>(handle) >= firstHandle;
}

std::size_t HostAccess::count() {
    auto& table = openTable();
    const std::lock_guard lock{table.mutex};
    return table.keys.size();
}

std::shared_ptr<HostAccess::Tree> HostAccess::newest() {
    auto& table = openTable();
    const std::lock_guard lock{table.mutex};
    return table.trees.empty() ? nullptr : table.trees.back();
}

void HostAccess::enlist(const std::shared_ptr<Tree>& tree) {
    auto& table = openTable();
    const std::lock_guard lock{table.mutex};
    table.trees.push_back(tree);
}

void HostAccess::dismiss(const std::shared_ptr<Tree>& tree) noexcept {
    auto& table = openTable();
    const std::lock_guard lock{table.mutex};
    std::erase(table.trees, tree);
}

MemoryRegistry::Key::Key(Key&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}

MemoryRegistry::Key& MemoryRegistry::Key::operator=(Key&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
}

MemoryRegistry::Key::~Key() {
    if (handle_) hostFunctions().clusterRegCloseKey(handle_);
}

MemoryRegistry::MemoryRegistry() : tree_{std::make_shared<Tree>()} { HostAccess::enlist(tree_); }
MemoryRegistry::~MemoryRegistry() { HostAccess::dismiss(tree_); }

MemoryRegistry::Key MemoryRegistry::open(std::string_view path) {
    std::shared_ptr<RegistryNode> node;
    {
        const std::lock_guard lock{tree_->mutex};
        node = RegistryNode::descend(tree_->root, path, true);
    }
    return Key{HostAccess::add({tree_, std::move(node)})};
}

void MemoryRegistry::set(std::string_view path, std::string_view name, const PropertyValue& value) {
    PropertyBag bag;
    bag.set(name, value);
    set(path, bag);
}

void MemoryRegistry::setRaw(std::string_view path, std::string_view name, abi::RegistryValue value) {
    const std::lock_guard lock{tree_->mutex};
    RegistryNode::descend(tree_->root, path, true)->set(name, std::move(value));
}

void MemoryRegistry::set(std::string_view path, const PropertyBag& bag) {
    const std::lock_guard lock{tree_->mutex};
    const auto node = RegistryNode::descend(tree_->root, path, true);
    for (const auto& [name, value] : bag) {
        if (value.absent()) {
            node->remove(name);
        } else {
            node->set(name, abi::toRegistry(value));
        }
    }
}

PropertyBag MemoryRegistry::values(std::string_view path) const {
    const std::lock_guard lock{tree_->mutex};
    PropertyBag bag;
    if (const auto node = RegistryNode::descend(tree_->root, path, false)) {
        for (const auto& entry : node->values) {
            bag.set(entry.name, abi::fromRegistry(entry.value.type, entry.value.data, PropertyFormat::unknown));
        }
    }
    return bag;
}

void MemoryRegistry::erase(std::string_view path) {
    const std::lock_guard lock{tree_->mutex};
    const auto separator = path.rfind('\\');
    const bool nested = separator != std::string_view::npos;
    const auto parent =
        RegistryNode::descend(tree_->root, nested ? path.substr(0, separator) : std::string_view{}, false);
    const auto name = nested ? path.substr(separator + 1) : path;
    if (!parent) return;
    if (const auto node = parent->child(name)) {
        node->markErased();
        std::erase(parent->children, node);
    }
}

void MemoryRegistry::intercept(std::function<abi::Dword(std::string_view)> hook) {
    const std::lock_guard lock{tree_->mutex};
    tree_->hook = std::move(hook);
}

std::size_t MemoryRegistry::openKeys() { return HostAccess::count(); }

}  // namespace holdfast::inline v1::monitor
