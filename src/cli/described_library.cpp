// SPDX-License-Identifier: BSL-1.0
#include "cli/described_library.hpp"

#include "monitor/agent_callbacks.hpp"
#include "monitor/agent_library.hpp"
#include "monitor/log_format.hpp"

#include <holdfast/abi/control_codes.hpp>
#include <holdfast/abi/property_list.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/adapters/library_description.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdarg>
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace holdfast::inline v1::cli {
namespace {

using abi::Dword;

constexpr std::size_t largestAnswer = std::size_t{1} << 22U;

/** What the library logs meanwhile, from whatever thread. */
struct Log {
    std::mutex mutex;  // guards lines
    Strings lines;
};
Log& log() {
    static Log lines;
    return lines;
}

void HOLDFAST_STDCALL logEvent(abi::ResourceHandle, Dword, const abi::WideChar* format, ...) {
    if (format == nullptr) return;
    std::va_list arguments;
    va_start(arguments, format);
    const std::string line = monitor::formatLogLine(format, arguments);
    va_end(arguments);
    const std::lock_guard lock{log().mutex};
    if (log().lines.size() < 20) log().lines.push_back("it logged: " + line);
}

/** The monitor's callbacks, but what is logged ends in our notes. Lives as long as the library may ask (W-027). */
const abi::CallbackTable& callbacks() {
    static const abi::CallbackTable table = [] {
        auto ours = monitor::agentCallbacks();
        ours.logEvent = &logEvent;
        return ours;
    }();
    return table;
}

/** One type's ResourceTypeControl. */
class TypeControl {
public:
    TypeControl(monitor::TableCalls calls, abi::WideString name) : calls_{calls}, name_{std::move(name)} {}

    /** The answer to a "get" code; nothing if the code is not answered. */
    [[nodiscard]] std::optional<std::vector<abi::Byte>> get(Dword controlCode) const {
        if (!calls_.hasTypeControl()) return std::nullopt;  // W-025
        std::size_t size = 4096;
        for (int attempt = 0; attempt < 4; ++attempt) {
            const auto buffers = std::make_shared<monitor::ControlBuffers>();
            buffers->out.resize(size);
            const Dword result = calls_.typeControl(name_.c_str(), controlCode, buffers, [] { return true; });
            if (result == abi::code::success && buffers->returned <= size) {
                buffers->out.resize(buffers->returned);
                return std::move(buffers->out);
            }
            if (result != abi::code::moreData || buffers->returned <= size || buffers->returned > largestAnswer) break;
            size = buffers->returned;
        }
        return std::nullopt;
    }
    [[nodiscard]] std::optional<Dword> number(Dword controlCode) const {
        const auto answer = get(controlCode);
        Dword value = 0;
        if (!answer || answer->size() < sizeof value) return std::nullopt;
        std::memcpy(&value, answer->data(), sizeof value);
        return value;
    }

private:
    monitor::TableCalls calls_;
    abi::WideString name_;
};

std::optional<TypeControl> start(const monitor::AgentLibrary& library, const abi::WideString& name,
                                 monitor::StartupOutcome& outcome) {
    abi::FunctionTable* table = nullptr;
    const Dword result = library.start(name.c_str(), callbacks(), &table);
    outcome = {};
    outcome.code = result;
    if (result != abi::code::success) return std::nullopt;
    outcome = monitor::checkTable(table, abi::versionV1, library.highestVersion());
    if (outcome.code != abi::code::success) return std::nullopt;
    return TypeControl{outcome.functions, name};
}

std::vector<RequiredDependency> readDependencies(const std::vector<abi::Byte>& answer) {
    std::vector<RequiredDependency> dependencies;
    for (const auto& entry : abi::readValueList(answer).entries) {
        RequiredDependency dependency;
        if (entry.syntax == abi::syntax::resourceClass && entry.data.size() == sizeof dependency.resourceClass) {
            std::memcpy(&dependency.resourceClass, entry.data.data(), sizeof dependency.resourceClass);
        } else if (entry.syntax == abi::syntax::name && entry.data.size() >= sizeof(abi::WideChar)) {
            abi::WideString name(entry.data.size() / sizeof(abi::WideChar), abi::WideChar{});
            std::memcpy(name.data(), entry.data.data(), name.size() * sizeof(abi::WideChar));
            dependency.type = abi::toUtf8(name.c_str());
        } else {
            continue;
        }
        dependencies.push_back(std::move(dependency));
    }
    return dependencies;
}

/** What the cluster's own codes say of a type: all there is about a library made without holdfast. */
void askClusterCodes(DescribedType& type, const TypeControl& control) {
    type.resourceClass = control.number(abi::control::typeGetClassInfo);
    type.characteristics = control.number(abi::control::typeGetCharacteristics);
    if (const auto answer = control.get(abi::control::typeGetRequiredDependencies))
        type.dependencies = readDependencies(*answer);
    if (!type.properties.empty()) return;
    const auto formats = control.get(abi::control::typeGetPrivateResourcePropertyFormats);
    if (!formats) return;
    for (const auto& listed : abi::readPropertyList(formats->data(), formats->size()).properties) {
        DescribedProperty property;
        property.name = listed.name;
        // W-538: the format's number stands as a WORD.
        if (!listed.values.empty()) {
            if (const auto* const number = listed.values.front().as<std::uint32_t>()) {
                property.format = static_cast<PropertyFormat>(*number);
            }
        }
        type.properties.push_back(std::move(property));
    }
}

std::string refusal(const std::filesystem::path& file, const std::string& type,
                    const monitor::StartupOutcome& outcome) {
    std::string text = outcome.problem.empty()
                           ? fmt::format("{}: Startup of \"{}\" answered code {}", file.string(), type, outcome.code)
                           : fmt::format("{}: \"{}\": {}", file.string(), type, outcome.problem);
    const std::lock_guard lock{log().mutex};
    for (const auto& line : log().lines) text += "; " + line;
    return text;
}

}  // namespace

DescribedLibrary describeLibraryFile(const std::filesystem::path& file, const Strings& types) {
    monitor::StartupOutcome outcome;
    const auto library = monitor::AgentLibrary::load(file, outcome);
    if (!library) throw std::runtime_error{file.string() + ": " + outcome.problem};

    DescribedLibrary described;
    if (const auto whole = start(*library, adapters::libraryTypeName, outcome)) {
        if (const auto answer = whole->get(abi::control::typeGetDescription)) {
            described = readDescription({reinterpret_cast<const char*>(answer->data()), answer->size()});
        }
    }
    if (outcome.code == abi::code::invalidData) throw std::runtime_error{refusal(file, "holdfast\\library", outcome)};
    if (described.holdfast.empty() && types.empty()) {
        throw std::runtime_error{
            file.string() +
            ": it was made without holdfast and cannot say which resource types it has: name them with --type"};
    }
    if (described.holdfast.empty()) {
        const std::lock_guard lock{log().mutex};
        log().lines.clear();  // what it thinks of holdfast's own question tells nobody anything
        for (const auto& name : types) described.types.emplace_back().name = name;
        described.notes.emplace_back("made without holdfast: the formats of its properties are all that it can tell");
    } else if (!types.empty()) {
        for (const auto& name : types) {
            if (std::none_of(described.types.begin(), described.types.end(),
                             [&](const DescribedType& type) { return abi::equalsIgnoringCase(type.name, name); })) {
                throw std::runtime_error{file.string() + ": it has no resource type \"" + name + '"'};
            }
        }
        std::erase_if(described.types, [&](const DescribedType& type) {
            return std::none_of(types.begin(), types.end(),
                                [&](const auto& name) { return abi::equalsIgnoringCase(type.name, name); });
        });
    }
    described.file = file;
    for (auto& type : described.types) {
        if (const auto control = start(*library, abi::toWide(type.name), outcome)) {
            askClusterCodes(type, *control);
            described.notes.insert(described.notes.end(), outcome.notes.begin(), outcome.notes.end());
        } else if (outcome.code == abi::code::resourceTypeNameNotFound) {
            throw std::runtime_error{fmt::format("{}: it has no resource type \"{}\"", file.string(), type.name)};
        } else {
            throw std::runtime_error{refusal(file, type.name, outcome)};
        }
    }
    const std::lock_guard lock{log().mutex};
    described.notes.insert(described.notes.end(), log().lines.begin(), log().lines.end());
    return described;
}

}  // namespace holdfast::inline v1::cli
