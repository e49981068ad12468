// SPDX-License-Identifier: BSL-1.0
#include "service/resource_utilities_windows.hpp"

#include "os/wine.hpp"
#include "service/environment_windows.hpp"
#include "service/scm_windows.hpp"

#include <holdfast/context.hpp>

#include <array>
#include <cstdarg>
#include <utility>

namespace holdfast::inline v1::service {
namespace {

template <typename Function>
bool bind(HMODULE library, const char* name, Function& function) {
    // Through a plain function pointer: both casts are between function types, whose real signature is Function's.
    function = reinterpret_cast<Function>(reinterpret_cast<void (*)()>(GetProcAddress(library, name)));
    return function != nullptr;
}

/** RHS has both loaded already; elsewhere only the system's own copies will do, never one beside the program. */
HMODULE systemLibrary(const wchar_t* name) noexcept {
    HMODULE library = GetModuleHandleW(name);
    if (library == nullptr) library = LoadLibraryExW(name, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    return library == nullptr || os::isWineBuiltin(library) ? nullptr : library;
}

/** W-703: what the cluster's library sets itself. */
bool isNetworkName(const std::string& variable) {
    return variable.starts_with("_CLUSTER_NETWORK_") || variable == "COMPUTERNAME";
}

class ClusterConfiguration final : public Configuration {
public:
    ClusterConfiguration(const ResourceUtilities& utilities, std::string name, Context& context,
                         std::unique_ptr<Configuration> beneath)
        : utilities_{utilities},
          name_{std::move(name)},
          wideName_{abi::toWide(name_)},
          context_{context},
          beneath_{std::move(beneath)} {}

    void setEnvironment(const std::vector<EnvironmentVariable>& variables) override {
        std::vector<EnvironmentVariable> further;
        bool named = false;
        for (const auto& variable : variables) {
            if (isNetworkName(variable.name)) {
                named = true;
            } else {
                further.push_back(variable);
            }
        }
        if (!named) return beneath_->setEnvironment(variables);
        setNetworkName();
        if (!further.empty()) addServiceEnvironment(name_, further);  // to what the cluster's library wrote
    }

    void removeEnvironment() override {
        const DWORD code = utilities_.removeServiceEnvironment(wideName_.c_str(), &logEvent, self());
        if (code != ERROR_SUCCESS && code != ERROR_FILE_NOT_FOUND)
            context_.warning("service \"{}\": its environment could not be removed: {}", name_, abi::win32Text(code));
        beneath_->removeEnvironment();
    }

    void setStartParameters() override {
        SC_HANDLE opened = nullptr;  // it must be null at the call
        const DWORD code = utilities_.setServiceStartParameters(wideName_.c_str(), nullptr, &opened, &logEvent, self());
        const ScmHandle service{opened};
        if (code != ERROR_SUCCESS) failScm("set the start parameters of", name_, code);
    }

private:
    /** Opaque to the library, which hands it back with each line. */
    abi::ResourceHandle self() noexcept { return reinterpret_cast<abi::ResourceHandle>(this); }

    void setNetworkName() {
        void* const cluster = utilities_.openCluster(nullptr);
        if (cluster == nullptr) failScm("open the cluster for", name_, GetLastError());
        void* const resource = utilities_.openClusterResource(cluster, abi::toWide(context_.resourceName()).c_str());
        DWORD code = GetLastError();
        if (resource != nullptr) {
            code = utilities_.setServiceEnvironment(wideName_.c_str(), resource, &logEvent, self());
            utilities_.closeClusterResource(resource);
        }
        utilities_.closeCluster(cluster);
        if (resource == nullptr || code != ERROR_SUCCESS) failScm("set the network name of", name_, code);
    }

    // The format is one of FormatMessage's, with its inserts behind it (W-905).
    static void WINAPI logEvent(abi::ResourceHandle handle, abi::Dword level, const abi::WideChar* format, ...) {
        std::array<wchar_t, 1'024> line{};
        va_list inserts;
        va_start(inserts, format);
        const DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_STRING, format, 0, 0, line.data(),
                                            static_cast<DWORD>(line.size()), &inserts);
        va_end(inserts);
        if (length == 0) return;
        try {
            auto text = abi::toUtf8(abi::WideView{line.data(), length});
            while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
            reinterpret_cast<ClusterConfiguration*>(handle)->context_.log(
                static_cast<LogLevel>(level > 3 ? abi::Dword{3} : level), text);
        } catch (const std::exception&) {  // out of memory: the line is lost
        }
    }

    const ResourceUtilities& utilities_;
    const std::string name_;
    const abi::WideString wideName_;
    Context& context_;
    const std::unique_ptr<Configuration> beneath_;
};

}  // namespace

const ResourceUtilities* bindResourceUtilities() noexcept {
    const HMODULE utilities = systemLibrary(L"resutils.dll");
    const HMODULE cluster = systemLibrary(L"clusapi.dll");
    if (utilities == nullptr || cluster == nullptr) return nullptr;
    static std::mutex mutex;  // guards the two below until they are filled; then they are only read
    static ResourceUtilities functions{};
    static bool complete = false;
    const std::lock_guard lock{mutex};
    if (complete) return &functions;
    complete = bind(utilities, "ResUtilSetResourceServiceEnvironment", functions.setServiceEnvironment) &&
               bind(utilities, "ResUtilRemoveResourceServiceEnvironment", functions.removeServiceEnvironment) &&
               bind(utilities, "ResUtilSetResourceServiceStartParameters", functions.setServiceStartParameters) &&
               bind(cluster, "OpenClusterResource", functions.openClusterResource) &&
               bind(cluster, "CloseClusterResource", functions.closeClusterResource) &&
               bind(cluster, "OpenCluster", functions.openCluster) &&
               bind(cluster, "CloseCluster", functions.closeCluster);
    return complete ? &functions : nullptr;
}

std::unique_ptr<Configuration> makeClusterConfiguration(const ResourceUtilities& utilities, std::string name,
                                                        Context& context, std::unique_ptr<Configuration> beneath) {
    return std::make_unique<ClusterConfiguration>(utilities, std::move(name), context, std::move(beneath));
}

}  // namespace holdfast::inline v1::service
