// SPDX-License-Identifier: BSL-1.0
#include <holdfast/detail/secret_reference.hpp>

#include <holdfast/abi/wide.hpp>

#include <filesystem>
#include <fstream>
#include <utility>

namespace holdfast::inline v1::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view textPrefix = "text:";
constexpr std::string_view filePrefix = "file:";
constexpr std::string_view credentialPrefix = "credential:";

fs::path pathOf(std::string_view text) { return fs::path{std::u8string{text.begin(), text.end()}}; }

std::string read(const SecretText& secret) {
    std::string content = secret.form == SecretForm::file ? readSecretFile(std::string{secret.rest})
                                                          : readCredential(std::string{secret.rest});
    // What editors and `echo` put there is no part of it.
    if (content.ends_with('\n')) content.pop_back();
    if (content.ends_with('\r')) content.pop_back();
    if (abi::toUtf8(abi::toWide(content)) != content)
        throw Error{ErrorCode::configuration, "what it refers to is no UTF-8 text"};
    return content;
}

}  // namespace

SecretText parseSecret(std::string_view value) noexcept {
    if (value.starts_with(filePrefix)) return {SecretForm::file, value.substr(filePrefix.size())};
    if (value.starts_with(credentialPrefix)) return {SecretForm::credential, value.substr(credentialPrefix.size())};
    if (value.starts_with(textPrefix)) value.remove_prefix(textPrefix.size());
    return {SecretForm::text, value};
}

std::string_view problemOfReference(const SecretText& secret) noexcept {
    if (secret.form == SecretForm::text) return {};
    if (secret.rest.find('\0') != std::string_view::npos) return "refers to a name with a NUL character";
    if (secret.form == SecretForm::file) {
        const bool drive = secret.rest.size() > 2 && secret.rest[1] == ':';
        const bool absolute = secret.rest.starts_with('/') || secret.rest.starts_with('\\') || drive;
        return absolute ? "" : "refers to a file by a path that is not absolute: file:/path/to/file";
    }
    const bool plain = !secret.rest.empty() && secret.rest.size() <= 255 &&
                       secret.rest.find('/') == std::string_view::npos && !secret.rest.starts_with('.');
    return plain ? "" : "refers to a credential by what can be no name: credential:NAME";
}

std::string readSecretFile(const std::string& path) {
    std::error_code error;
    // A pipe or a device might never end.
    const fs::file_status status = fs::status(pathOf(path), error);
    if (!fs::exists(status)) throw Error{ErrorCode::configuration, "the file it refers to does not exist"};
    if (!fs::is_regular_file(status)) throw Error{ErrorCode::configuration, "what it refers to is no regular file"};
    std::ifstream stream{pathOf(path), std::ios::binary};
    if (!stream) throw Error{ErrorCode::permission, "the file it refers to cannot be opened"};
    std::string content(largestSecret + 1, '\0');
    stream.read(content.data(), static_cast<std::streamsize>(content.size()));
    if (stream.bad()) throw Error{ErrorCode::failed, "the file it refers to cannot be read"};
    content.resize(static_cast<std::size_t>(stream.gcount()));
    if (content.size() > largestSecret)
        throw Error{ErrorCode::configuration, fmt::format("what it refers to is longer than {} bytes", largestSecret)};
    return content;
}

PropertyBag resolveSecrets(const std::vector<PropertyDescription>& properties, const PropertyBag& values) {
    PropertyBag resolved = values;
    for (const auto& property : properties) {
        if (!property.secret) continue;
        const PropertyValue* const value = values.find(property.name);
        const auto* const text = value == nullptr ? nullptr : value->as<std::string>();
        if (text == nullptr) continue;
        const SecretText secret = parseSecret(*text);
        if (secret.form == SecretForm::text || !problemOfReference(secret).empty()) continue;  // the rule says it
        std::string content;
        try {
            content = std::string{textPrefix} + read(secret);
        } catch (const Error& error) {
            throw PropertyError{property.name, {}, error.what()};
        }
        resolved.set(property.name, value->format() == PropertyFormat::expandSz ? PropertyValue::expandSz(content)
                                                                                : PropertyValue::sz(content));
    }
    return resolved;
}

}  // namespace holdfast::inline v1::detail
