// SPDX-License-Identifier: BSL-1.0
/// Control calls through the C table (section 7): the input is up to eight calls on one resource, each any code with any input and
/// any size of output, and orders to go online and offline between them. The buffers end where memory ends.
#include "../unit/guard_page.hpp"
#include "fuzz_target.hpp"

#include <holdfast/abi/control_codes.hpp>
#include <holdfast/abi/property_list.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/adapters/wsfc.hpp>
#include <holdfast/exec/runtime.hpp>
#include <holdfast/monitor/memory_registry.hpp>
#include <holdfast/resource.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::abi;
using fuzz::promise;
using monitor::MemoryRegistry;
using V = PropertyValue;

namespace {

struct Settings {
    std::string path;
    std::uint16_t port{5432};
    bool fast{false};
    std::string password;
    std::int64_t offset{-1};
    std::chrono::milliseconds patience{5'000};
    std::vector<std::string> replicas;
    std::string edition;
};

class Server final : public Resource {
public:
    Server(Context&, Settings) {}
    void online(Operation&) override {}
    void terminate() noexcept override {}
    Verdict isAlive(Check&) override { return Verdict::alive(); }
};

const AgentTypes& types() {
    static const AgentTypes all = agentTypes(std::move(
        ResourceType<Server, Settings>{"Fuzzed Server"}
            .property("Path", &Settings::path, required)
            .property("Port", &Settings::port, range(1, 65'535))
            .property("Fast", &Settings::fast)
            .property("Password", &Settings::password, secret)
            .property("Offset", &Settings::offset)
            .property("Patience", &Settings::patience)
            .property("Replicas", &Settings::replicas)
            .property("Edition", &Settings::edition, readOnly)
            .validate([](const Settings& settings) {
                if (settings.port == 666) throw PropertyError{"Port", "666", "is the beast's"};
            })
            .requiresType("Network Name")
            .control(1, ControlAccess::read,
                     [](ControlRequest& request) { request.answer("hello " + request.resourceName()); })
            .control(2, ControlAccess::write,
                     [](ControlRequest&) {
                         throw Error{ErrorCode::busy, "refused on purpose"};
                     })
            .control(
                3, ControlAccess::any,
                [](ControlRequest& request) { request.answer(Bytes(request.input().begin(), request.input().end())); })
            .typeControl(1, ControlAccess::read, [](ControlRequest& request) { request.answer(request.typeName()); })));
    return all;
}

/** What the engine was told last. */
struct Heard {
    std::mutex mutex;  // guards both below
    std::condition_variable changed;
    ResourceState state{ResourceState::offline};
} heard;

Dword HOLDFAST_STDCALL setStatus(ResourceHandle, ResourceStatus* status) {
    const std::lock_guard lock{heard.mutex};
    heard.state = status->state;
    heard.changed.notify_all();
    return 0;
}

void HOLDFAST_STDCALL logEvent(ResourceHandle, Dword, const WideChar*, ...) {}

constexpr auto parameters = "Resources\\one\\Parameters";
constexpr auto typeParameters = "ResourceTypes\\Fuzzed Server\\Parameters";
constexpr Byte untouched = 0xA5;

/** Codes by a small number: what is known, then the author's own. */
const std::vector<Dword>& codes() {
    static const std::vector<Dword> all = [] {
        std::vector<Dword> known;
        for (const auto& one : controlNames()) known.push_back(one.code);
        for (const Dword own : {control::user(ControlObject::resource, 1, ControlAccess::read),
                                control::user(ControlObject::resource, 2, ControlAccess::write),
                                control::user(ControlObject::resource, 3, ControlAccess::any),
                                control::user(ControlObject::resourceType, 1, ControlAccess::read),
                                control::typeGetTraits, control::typeGetDescription})
            known.push_back(own);
        return known;
    }();
    return all;
}

class Hosted {
public:
    Hosted() {
        registry_.set(parameters, {{"Path", V::sz("/data")}, {"Nobody", V::sz("knows")}});
        key_ = registry_.open("Resources\\one");
        FunctionTable* table = nullptr;
        promise(adapters::startup(&types, toWide("Fuzzed Server").c_str(), versionV1, versionV1, setStatus, logEvent,
                                  &table) == code::success,
                "W-014 the table is there");
        f_ = &table->v1;
        id_ = f_->open(toWide("one").c_str(), key_.get(), reinterpret_cast<ResourceHandle>(std::uintptr_t{7}));
        promise(id_ != nullptr, "Open works");
    }
    Hosted(const Hosted&) = delete;
    Hosted& operator=(const Hosted&) = delete;
    ~Hosted() {
        f_->terminate(id_);
        f_->close(id_);
    }

    void online() {
        Handle event = nullptr;
        const Dword answer = f_->online(id_, &event);
        if (answer == code::ioPending) settle();
    }
    void offline() {
        if (f_->offline(id_) == code::ioPending) settle();
    }

    void call(fuzz::Picker& input) {
        const std::uint8_t which = input.byte();
        const Dword code = which < codes().size() ? codes()[which] : input.number<Dword>();
        // It would hold until phase 2, which an engine sends from another thread.
        if (code == control::typeStartingPhase1) return;
        const std::uint8_t how = input.byte();
        const auto outSize = static_cast<Dword>(input.number<std::uint16_t>() % (guarded::Buffer::room - 8));
        const auto in = input.take(input.number<std::uint16_t>());
        call(code, in, (how & 1U) != 0, outSize, (how & 2U) != 0, (how & 4U) != 0, (how & 8U) != 0 ? 1 : 0);
    }

private:
    void settle() {
        std::unique_lock lock{heard.mutex};
        const bool ended = heard.changed.wait_for(lock, std::chrono::seconds{20}, [] {
            return heard.state != ResourceState::onlinePending && heard.state != ResourceState::offlinePending;
        });
        promise(ended, "W-204 what is pending ends");
    }

    Dword send(Dword code, const void* in, Dword inSize, void* out, Dword outSize, Dword* returned) const {
        auto* const input = const_cast<void*>(in);
        if (control::objectOf(code) == ControlObject::resourceType)
            return f_->resourceTypeControl(toWide("fuzzed SERVER").c_str(), code, input, inSize, out, outSize,
                                           returned);
        return f_->resourceControl(id_, code, input, inSize, out, outSize, returned);
    }

    void call(Dword code, std::span<const std::uint8_t> given, bool noInput, Dword outSize, bool noOutput,
              bool noReturned, std::size_t shift) {
        static const guarded::Buffer inMemory;
        static const guarded::Buffer outMemory;
        // At the end of memory; one byte before it for a buffer that is not aligned.
        const std::size_t inSize = std::min(given.size(), guarded::Buffer::room - 8);
        Byte* const in = inMemory.before(inSize + shift);
        if (inSize != 0) std::memcpy(in, given.data(), inSize);
        Byte* const out = outMemory.before(outSize + shift);
        std::memset(out, untouched, outSize + shift);
        const auto before = registry_.values(parameters);
        const auto typeBefore = registry_.values(typeParameters);
        Dword returned = 0xEEEE'EEEE;

        const Dword answer = send(code, noInput ? nullptr : in, static_cast<Dword>(inSize), noOutput ? nullptr : out,
                                  outSize, noReturned ? nullptr : &returned);
        // D16: on a machine that is too slow nothing is known of the call.
        if (answer == code::timeout) return;
        promise(inSize == 0 || std::memcmp(in, given.data(), inSize) == 0, "W-140 input is only read");
        const auto isUntouched = [](Byte byte) { return byte == untouched; };
        std::size_t written = 0;
        if (!noReturned) {
            promise(returned != 0xEEEE'EEEE, "W-141 the size is always said");
            if (answer == code::moreData) {
                promise(returned > outSize || noOutput, "W-630 234 says a size that is larger");
            } else if (answer == code::success || answer == code::resourcePropertiesStored) {
                promise(returned <= outSize, "W-141 an answer fits its buffer");
                written = returned;
            } else {
                promise(returned == 0, "W-141 without an answer its size is 0");
            }
            promise(std::all_of(out + written, out + outSize + shift, isUntouched),
                    "W-141 nothing behind the answer is written");
        } else if (answer != code::success) {
            promise(std::all_of(out, out + outSize + shift, isUntouched), "W-630 without an answer nothing is written");
        }
        checkStore(code, {noInput ? nullptr : in, noInput ? 0 : inSize}, answer, before, typeBefore);
        if (answer == code::moreData && !noReturned && returned <= guarded::Buffer::room)
            askAgain(code, given, noInput, returned);
    }

    /** W-630: with the size that was said it fits. */
    void askAgain(Dword code, std::span<const std::uint8_t> in, bool noInput, Dword size) {
        std::vector<Byte> out(size + 1U, untouched);
        Dword returned = 0;
        const Dword answer =
            send(code, noInput ? nullptr : in.data(), static_cast<Dword>(in.size()), out.data(), size, &returned);
        if (answer == code::timeout) return;
        promise(answer == code::success && returned == size, "W-630 an answer fits where 234 said that it would");
        promise(out[size] == untouched, "W-141 nothing behind the answer is written");
    }

    /** W-501, W-640: what is refused changes nothing, what is taken is stored. */
    void checkStore(Dword code, std::span<const Byte> in, Dword answer, const PropertyBag& before,
                    const PropertyBag& typeBefore) const {
        const bool set = code == control::resourceSetPrivateProperties;
        const bool typeSet = code == control::typeSetPrivateProperties;
        const bool stored = answer == code::success || answer == code::resourcePropertiesStored;
        const auto now = registry_.values(parameters);
        const auto typeNow = registry_.values(typeParameters);
        if (!set || !stored) promise(now == before, "W-501 what is refused changes nothing");
        if (!typeSet || !stored) promise(typeNow == typeBefore, "W-501 what is refused changes nothing of the type");
        if (!set && !typeSet) return;
        const auto list = readPropertyList(in.data(), in.size());
        if (list.code != code::success) {
            promise(answer == list.code, "W-520 a malformed list is answered with its code");
            return;
        }
        if (!stored) return;
        for (const auto& property : list.properties) {
            promise(!samePropertyName(property.name, "Edition"), "W-520 what is read-only is not set");
            promise((set ? now : typeNow).contains(property.name), "W-640 what is set is stored");
        }
    }

    MemoryRegistry registry_;
    MemoryRegistry::Key key_;
    const FunctionsV1* f_{nullptr};
    ResourceId id_{nullptr};
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Picker input{data, size};
    // One that stays: the library's threads end with the last Close and would start anew for each input.
    static const Hosted stays;
    Hosted hosted;
    for (int calls = 0; calls < 8 && !input.empty(); ++calls) {
        const std::uint8_t order = input.byte();
        if (order == 'N') {
            hosted.online();
        } else if (order == 'F') {
            hosted.offline();
        } else {
            hosted.call(input);
        }
    }
    return 0;
}
