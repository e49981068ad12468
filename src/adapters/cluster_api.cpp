// SPDX-License-Identifier: BSL-1.0
#include "cluster_api.hpp"

#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/property_list.hpp>
#include <holdfast/abi/wide.hpp>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace holdfast::inline v1::adapters {
namespace {

using abi::Byte;
using abi::Dword;
using abi::Handle;
using abi::WideChar;

constexpr Dword enumDepends = 0x1;                       // CLUSTER_RESOURCE_ENUM_DEPENDS
constexpr Dword getResourceType = 0x0100'002D;           // CLUSCTL_RESOURCE_GET_RESOURCE_TYPE
constexpr Dword getPrivate = 0x0100'0081;                // CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES
constexpr Dword getDiskInfo = 0x0100'0191;               // CLUSCTL_RESOURCE_STORAGE_GET_DISK_INFO
constexpr Dword partitionInfo = 0x0008'0001;             // CLUSPROP_SYNTAX_PARTITION_INFO
constexpr std::size_t deviceNameOffset = sizeof(Dword);  // of CLUS_PARTITION_INFO, behind its flags
constexpr std::size_t deviceNameLength = 260;

constexpr std::size_t largestAnswer = 1U << 20U;
constexpr Dword mostDependencies = 1'000;
constexpr int attempts = 8;  // an answer may grow between two questions

[[noreturn]] void fail(std::string_view action, std::string_view what, Dword code) {
    throw Error::make(abi::errorCodeOf(code), "cannot {} \"{}\" in the cluster: {}", action, what,
                      abi::win32Text(code));
}

class Enumeration {
public:
    Enumeration(const ClusterFunctions& functions, Handle resource, std::string_view name)
        : functions_{functions}, handle_{functions.clusterResourceOpenEnum(resource, enumDepends)} {
        if (handle_ == nullptr) fail("list the dependencies of", name, functions.getLastError());
    }
    Enumeration(const Enumeration&) = delete;
    Enumeration& operator=(const Enumeration&) = delete;
    ~Enumeration() { functions_.clusterResourceCloseEnum(handle_); }

    /** False past the end. */
    bool next(std::string_view resource, std::string& name) {
        for (int attempt = 0; attempt < attempts; ++attempt) {
            Dword type = 0;
            auto size = static_cast<Dword>(buffer_.size());
            const Dword code = functions_.clusterResourceEnum(handle_, index_, &type, buffer_.data(), &size);
            if (code == abi::code::noMoreItems) return false;
            if (code == abi::code::success) {
                buffer_.back() = 0;
                name = abi::toUtf8(buffer_.data());
                ++index_;
                return true;
            }
            if (code != abi::code::moreData || size > largestAnswer) fail("list the dependencies of", resource, code);
            buffer_.resize(std::max<std::size_t>(size + std::size_t{1}, buffer_.size() * 2));
        }
        fail("list the dependencies of", resource, abi::code::moreData);
    }

private:
    const ClusterFunctions& functions_;
    const Handle handle_;
    Dword index_{0};
    std::vector<WideChar> buffer_ = std::vector<WideChar>(256);
};

/** The answer to a control code without input; empty if the resource has none. */
std::vector<Byte> ask(const ClusterFunctions& functions, Handle resource, Dword controlCode, Dword& code) {
    std::vector<Byte> answer(1'024);
    for (int attempt = 0; attempt < attempts; ++attempt) {
        Dword size = 0;
        code = functions.clusterResourceControl(resource, nullptr, controlCode, nullptr, 0, answer.data(),
                                                static_cast<Dword>(answer.size()), &size);
        if (code == abi::code::success && size <= answer.size()) {
            answer.resize(size);
            return answer;
        }
        if (code != abi::code::moreData || size > largestAnswer) break;
        answer.resize(std::max<std::size_t>(size, answer.size() * 2));
    }
    return {};
}

std::string textOf(const Byte* data, std::size_t size) {
    abi::WideString text(size / sizeof(WideChar), WideChar{});
    if (!text.empty()) std::memcpy(text.data(), data, text.size() * sizeof(WideChar));
    return abi::toUtf8(text.c_str());  // up to its NUL
}

PropertyBag privateProperties(const ClusterFunctions& functions, Handle resource) {
    PropertyBag bag;
    Dword code = 0;
    const auto answer = ask(functions, resource, getPrivate, code);
    for (const auto& property : abi::readPropertyList(answer.data(), answer.size(), largestAnswer).properties) {
        if (!property.values.empty()) bag.set(property.name, property.values.front());
    }
    return bag;
}

std::vector<std::string> driveLetters(const ClusterFunctions& functions, Handle resource) {
    std::vector<std::string> letters;
    Dword code = 0;
    const auto answer = ask(functions, resource, getDiskInfo, code);  // invalid function: no disk
    if (answer.empty()) return letters;
    for (const auto& entry : abi::readValueList(answer).entries) {
        if (entry.syntax != partitionInfo || entry.data.size() <= deviceNameOffset) continue;
        const auto length = std::min(entry.data.size() - deviceNameOffset, deviceNameLength * sizeof(WideChar));
        std::string name = textOf(entry.data.data() + deviceNameOffset, length);
        // A volume without a letter is named \\?\Volume{...}.
        if (name.size() == 2 && name[1] == ':') letters.push_back(std::move(name));
    }
    return letters;
}

std::string networkName(const ClusterFunctions& functions, Handle resource) {
    std::vector<WideChar> buffer(256);
    auto size = static_cast<Dword>(buffer.size());
    // It fails where there is no Network Name to depend on, which is no error.
    if (functions.getClusterResourceNetworkName(resource, buffer.data(), &size) == 0) return {};
    buffer.back() = 0;
    return abi::toUtf8(buffer.data());
}

}  // namespace

ClusterResource::ClusterResource(const ClusterFunctions& functions, std::string_view name)
    : functions_{functions}, cluster_{functions.openCluster(nullptr)} {
    if (cluster_ == nullptr) fail("open the cluster for", name, functions.getLastError());
    resource_ = functions.openClusterResource(cluster_, abi::toWide(name).c_str());
    if (resource_ == nullptr) {
        const Dword code = functions.getLastError();
        functions.closeCluster(cluster_);
        fail("open resource", name, code);
    }
}

ClusterResource::~ClusterResource() {
    functions_.closeClusterResource(resource_);
    functions_.closeCluster(cluster_);
}

Dependencies readClusterDependencies(const ClusterFunctions& functions, std::string_view resource) {
    const ClusterResource self{functions, resource};
    std::vector<std::string> names;
    {
        Enumeration enumeration{functions, self.get(), resource};
        for (std::string name; names.size() < mostDependencies && enumeration.next(resource, name);)
            names.push_back(name);
    }
    std::vector<Dependency> list;
    for (auto& name : names) {
        const ClusterResource provider{functions, name};
        Dword code = 0;
        const auto type = ask(functions, provider.get(), getResourceType, code);
        if (code != abi::code::success) fail("ask for the type of", name, code);
        list.push_back({std::move(name), textOf(type.data(), type.size()), privateProperties(functions, provider.get()),
                        driveLetters(functions, provider.get())});
    }
    return Dependencies{std::move(list), networkName(functions, self.get())};
}

}  // namespace holdfast::inline v1::adapters
