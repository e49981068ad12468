// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/addressee.hpp"
#include "verify/property_lists.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::inline v1::verify {

/**
 * The private properties of one resource, as its library shows and takes them. Nothing here tells their values.
 *
 * @par Thread safety The scenario's thread.
 */
class PropertySheet {
public:
    PropertySheet(Stage& stage, Subject& subject) : stage_{stage}, subject_{subject}, resource_{stage, subject} {}

    /** Whether it can be worked with: if not, every rule of `rules` is told why. */
    [[nodiscard]] bool ready(const std::vector<std::string_view>& rules);
    [[nodiscard]] Addressee& resource() noexcept { return resource_; }
    [[nodiscard]] bool validates() const noexcept { return validates_; }

    /** What GET_PRIVATE_PROPERTIES answers; each with the first of its values (W-511). */
    [[nodiscard]] std::optional<std::vector<abi::ListedProperty>> read();
    /** The value that GET shows. */
    [[nodiscard]] std::optional<PropertyValue> shown(std::string_view name);
    /** What is stored, and what is shown: equal if nothing changed. */
    struct State {
        PropertyBag stored;
        std::vector<std::pair<std::string, PropertyValue>> shown;
        friend bool operator==(const State&, const State&) = default;
    };
    [[nodiscard]] State state();

    [[nodiscard]] abi::Dword validate(const ListBytes& list) { return send(validateCode(), list); }
    [[nodiscard]] abi::Dword set(const ListBytes& list) { return send(setCode(), list); }
    /** VALIDATE, or SET where that is not answered. */
    [[nodiscard]] abi::Dword check(const ListBytes& list) { return validates_ ? validate(list) : set(list); }
    [[nodiscard]] static abi::Dword validateCode() noexcept { return abi::control::resourceValidatePrivateProperties; }
    [[nodiscard]] static abi::Dword setCode() noexcept { return abi::control::resourceSetPrivateProperties; }
    [[nodiscard]] static bool wasTaken(abi::Dword code) noexcept {
        return code == abi::code::success || code == abi::code::resourcePropertiesStored;
    }

    /** Properties whose shown value is accepted, at most one of each format. */
    [[nodiscard]] std::vector<abi::ListedProperty> settable();
    struct Change {
        std::string name;
        PropertyValue before;
        PropertyValue after;
        [[nodiscard]] ListBytes list() const;
        [[nodiscard]] ListBytes back() const;
        /** Name and format, for evidence. */
        [[nodiscard]] std::string text() const;
    };
    /** Changes that VALIDATE accepts, at most one of each format and not more than `most`. */
    [[nodiscard]] std::vector<Change> changes(std::size_t most);

private:
    [[nodiscard]] abi::Dword send(abi::Dword code, const ListBytes& list) { return resource_.send(code, list).code; }

    Stage& stage_;
    Subject& subject_;
    Addressee resource_;
    bool validates_{true};
};

/** The list of one property. */
[[nodiscard]] ListBytes listOf(const std::string& name, const PropertyValue& value);

}  // namespace holdfast::inline v1::verify
