// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/process_view.hpp"
#include "verify/stage.hpp"

#include <memory>
#include <string>

namespace holdfast::inline v1::verify {

class VanishingMemory;

/**
 * One resource of the library, as an engine handles it.
 *
 * @par Thread safety The scenario's thread.
 */
class Subject {
public:
    Subject(Stage& stage, std::string name) : stage_{stage}, name_{std::move(name)} {}
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;

    /** Open; false and a finding if it gives no id. `poison`: the name's memory goes away after the call (W-109). */
    [[nodiscard]] bool open(bool poison = false);
    /** The same without a finding: a type may refuse a second instance. */
    [[nodiscard]] bool openQuietly();
    /** The same, and gives up if it fails. */
    void mustOpen();
    void close();

    /** Online and, if it pends, its final report; false and a finding if the resource is not online then. */
    [[nodiscard]] bool bringOnline(std::string_view rule = "lifecycle.online");
    void mustComeOnline(std::string_view rule = "lifecycle.online");
    /** The same for Offline; a finding belongs to `rule`. */
    [[nodiscard]] bool takeOffline(std::string_view rule = "lifecycle.offline");
    Answer terminate();
    [[nodiscard]] bool isAlive();
    [[nodiscard]] bool looksAlive();
    /** IsAlive within the time a verdict may need: true as soon as it says so. */
    [[nodiscard]] bool isAliveWithin(std::chrono::milliseconds patience);

    // --- calls that something else shall overlap ------------------------------------------------------------------------
    [[nodiscard]] std::shared_ptr<Stage::Running> startOnline();
    [[nodiscard]] std::shared_ptr<Stage::Running> startOffline();
    [[nodiscard]] std::shared_ptr<Stage::Running> startIsAlive();
    [[nodiscard]] std::shared_ptr<Stage::Running> startLooksAlive();
    [[nodiscard]] std::shared_ptr<Stage::Running> startControl(abi::Dword code);
    [[nodiscard]] std::shared_ptr<Stage::Running> startTerminate();

    ControlAnswer control(const ControlOrder& order) { return stage_.control(id_, name_, order); }
    /** Asks for an answer of whatever size. */
    ControlAnswer ask(abi::Dword code, const std::vector<abi::Byte>& in = {});

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] abi::ResourceId id() const noexcept { return id_; }
    [[nodiscard]] Line& line() noexcept { return *line_; }
    [[nodiscard]] abi::Handle event() const noexcept { return event_; }
    /** Waits for its event; `invalid` also if another object has its number by now. */
    [[nodiscard]] HandleState waitForEvent(std::chrono::milliseconds patience) const noexcept;
    [[nodiscard]] bool pended() const noexcept { return pended_; }
    [[nodiscard]] std::chrono::nanoseconds onlineTook() const noexcept { return onlineTook_; }

private:
    [[nodiscard]] bool openWith(bool poison, bool quietly);
    [[nodiscard]] bool finish(bool online, abi::Dword code, std::string_view rule);
    /** `; it logged: "..."`, or nothing. */
    [[nodiscard]] std::string words() const;

    Stage& stage_;
    const std::string name_;
    std::shared_ptr<Line> line_;
    std::shared_ptr<VanishingMemory>
        nameMemory_;  ///< stays where nothing is said of W-109, so that nothing else stumbles
    std::uint64_t handle_{0};
    abi::ResourceId id_{};
    std::shared_ptr<abi::Handle> online_{std::make_shared<abi::Handle>()};  ///< where Online writes, however late
    abi::Handle event_{};
    std::unique_ptr<HandleIdentity> identity_;  ///< of `event_`, since it came online
    bool pended_{false};
    std::chrono::nanoseconds onlineTook_{0};
};

}  // namespace holdfast::inline v1::verify
