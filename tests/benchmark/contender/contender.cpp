// SPDX-License-Identifier: BSL-1.0
/// The function table of the library to compare with (see resource.hpp).
#include "resource.hpp"

#include <holdfast/abi/control_codes.hpp>
#include <holdfast/abi/wide.hpp>

#include <dlfcn.h>

#include <new>
#include <set>
#include <system_error>

namespace contender {

std::mutex& everything() {
    static std::mutex one;
    return one;
}

Engine& engine() {
    static Engine one;
    return one;
}

const bench::Stage& stage() {
    static const bench::Stage* const one =
        reinterpret_cast<bench::StageFunction>(::dlsym(RTLD_DEFAULT, bench::stageFunction))();
    return *one;
}

namespace {

/** Who owns the resources; an id is an address, as usual. Guarded by everything(). */
std::set<std::shared_ptr<Resource>>& resources() {
    static std::set<std::shared_ptr<Resource>> all;
    return all;
}

Resource& of(abi::ResourceId id) { return *reinterpret_cast<Resource*>(id); }

abi::ResourceId open(const abi::WideChar* name, abi::KeyHandle /*key*/, abi::ResourceHandle handle) {
    try {
        auto one = std::make_shared<Resource>(holdfast::abi::toUtf8(name), handle);
        auto* const id = reinterpret_cast<abi::ResourceId>(one.get());
        const std::lock_guard lock{everything()};
        resources().insert(std::move(one));
        return id;
    } catch (const std::exception&) {
        return nullptr;
    }
}

void close(abi::ResourceId id) {
    of(id).terminate();
    const auto one = of(id).shared_from_this();
    const std::lock_guard lock{everything()};
    resources().erase(one);
}

abi::Dword online(abi::ResourceId id, abi::Handle* event) { return of(id).online(event); }
abi::Dword offline(abi::ResourceId id) { return of(id).offline(); }
void terminate(abi::ResourceId id) { of(id).terminate(); }
abi::Bool alive(abi::ResourceId id) { return of(id).alive() ? 1 : 0; }
abi::Dword control(abi::ResourceId id, abi::Dword code, void* /*in*/, abi::Dword /*inSize*/, void* out,
                   abi::Dword outSize, abi::Dword* returned) {
    if (code != abi::control::resourceGetCharacteristics) return abi::code::invalidFunction;
    return of(id).characteristics(out, outSize, returned);
}
abi::Dword typeControl(const abi::WideChar*, abi::Dword, void*, abi::Dword, void*, abi::Dword, abi::Dword*) {
    return abi::code::invalidFunction;
}

abi::FunctionTable& table() {
    static abi::FunctionTable one = [] {
        abi::FunctionTable made{};
        made.tableSize = static_cast<abi::Dword>(abi::functionBlockSize(abi::versionV1));
        made.version = abi::versionV1;
        made.v1 = {&open,  &close,  &online, &offline, &terminate,  &alive,
                   &alive, nullptr, nullptr, &control, &typeControl};
        return made;
    }();
    return one;
}

}  // namespace
}  // namespace contender

extern "C" __attribute__((visibility("default"))) holdfast::abi::Dword Startup(
    const holdfast::abi::WideChar* /*type*/, holdfast::abi::Dword minVersion, holdfast::abi::Dword maxVersion,
    holdfast::abi::SetResourceStatusRoutine setStatus, holdfast::abi::LogEventRoutine /*log*/,
    holdfast::abi::FunctionTable** table) {
    using namespace holdfast::abi;
    if (minVersion > versionV1 || maxVersion < versionV1) return code::revisionMismatch;
    contender::engine().setStatus = setStatus;
    *table = &contender::table();
    return code::success;
}
