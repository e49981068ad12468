// SPDX-License-Identifier: BSL-1.0

#include "settings.hpp"
#include "proc.hpp"

#include "names.hpp"

#include <fmt/format.h>

#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>

extern char** environ;  // NOLINT(readability-redundant-declaration): not every libc declares it

namespace holdfast::inline v1 {
namespace process {
namespace {

struct User {
    uid_t uid{0};
    gid_t gid{0};
    std::string name;
    std::string home;
    std::string shell;
};

std::optional<std::uint32_t> number(const std::string& text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<User> findUser(const std::string& name) {
    std::vector<char> buffer(std::size_t{64} * 1024);
    passwd entry{};
    passwd* found = nullptr;
    const auto id = number(name);
    const int error = id ? ::getpwuid_r(*id, &entry, buffer.data(), buffer.size(), &found)
                         : ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error != 0 || found == nullptr) return std::nullopt;
    return User{entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir, entry.pw_shell};
}

std::optional<gid_t> findGroup(const std::string& name) {
    if (const auto id = number(name)) return *id;
    std::vector<char> buffer(std::size_t{256} * 1024);
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        return std::nullopt;
    }
    return entry.gr_gid;
}

void applyUser(const ProcessSettings& settings, Order& order, std::map<std::string, std::string>& variables) {
    if (settings.user.empty() && settings.group.empty()) return;
    order.uid = ::geteuid();
    order.gid = ::getegid();
    std::vector<gid_t> groups;
    if (!settings.user.empty()) {
        const auto user = findUser(settings.user);
        const auto id = number(settings.user);
        if (!user && !id) throw Error::make(ErrorCode::configuration, "there is no user \"{}\"", settings.user);
        if (!user && settings.group.empty()) {
            throw Error::make(ErrorCode::configuration, "user {} has no entry, so a group must be named",
                              settings.user);
        }
        order.uid = user ? user->uid : *id;
        if (user) {
            order.gid = user->gid;
            int count = 256;
            groups.resize(static_cast<std::size_t>(count));
            while (::getgrouplist(user->name.c_str(), user->gid, groups.data(), &count) < 0 && count < 65'536) {
                count = std::max(count, static_cast<int>(groups.size()) * 2);
                groups.resize(static_cast<std::size_t>(count));
            }
            groups.resize(static_cast<std::size_t>(std::max(count, 0)));
            variables["USER"] = variables["LOGNAME"] = user->name;
            variables["HOME"] = user->home;
            variables["SHELL"] = user->shell;
        }
    }
    if (!settings.group.empty()) {
        const auto group = findGroup(settings.group);
        if (!group) throw Error::make(ErrorCode::configuration, "there is no group \"{}\"", settings.group);
        order.gid = *group;
        if (groups.empty()) groups.push_back(*group);
    }
    order.groups.assign(groups.begin(), groups.end());
    // Who is that user already needs no right to become him.
    order.changeUser = ::geteuid() == 0 || order.uid != ::geteuid() || order.gid != ::getegid();
}

void addLimits(const ProcessLimits& limits, Order& order) {
    const auto add = [&](int resource, const std::optional<std::uint64_t>& value) {
        if (value) order.limits.push_back({resource, *value, *value});
    };
    add(RLIMIT_NOFILE, limits.openFiles);
    add(RLIMIT_NPROC, limits.processes);
    add(RLIMIT_AS, limits.addressSpace);
    add(RLIMIT_CORE, limits.coreSize);
    add(RLIMIT_FSIZE, limits.fileSize);
    add(RLIMIT_MEMLOCK, limits.lockedMemory);
}

}  // namespace

Order makeOrder(const ProcessSettings& settings) {
    if (settings.program.empty()) throw Error{ErrorCode::configuration, "no program is given"};
    Order order;
    order.program = settings.program;
    order.arguments = settings.arguments;
    order.directory = settings.workingDirectory.string();
    std::map<std::string, std::string> variables{
        {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}};
    for (char** entry = environ; settings.inheritEnvironment && *entry != nullptr; ++entry) {
        const std::string_view text{*entry};
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos || equals == 0) continue;
        variables[std::string{text.substr(0, equals)}] = text.substr(equals + 1);
    }
    // What runs under a supervisor tells that one, not us: it would announce a readiness that is not its own.
    for (const auto* const foreign : {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
        variables.erase(foreign);
    }
    applyUser(settings, order, variables);
    for (const auto& [name, value] : settings.environment) {
        if (name.empty() || name.find('=') != std::string::npos) {
            throw Error::make(ErrorCode::configuration, "\"{}\" is no name of an environment variable", name);
        }
        variables[name] = value;
    }
    for (const auto& [name, value] : variables) order.environment.push_back(fmt::format("{}={}", name, value));
    for (const auto* texts : {&order.arguments, &order.environment}) {
        for (const auto& text : *texts) {
            if (text.find('\0') != std::string::npos) {
                throw Error{ErrorCode::configuration, "an argument or a variable contains a NUL character"};
            }
        }
    }
    addLimits(settings.limits, order);
    if (settings.umask) order.umask = static_cast<std::int32_t>(*settings.umask & 0777U);
    order.outputBurst = settings.outputBurst;
    order.outputRate = settings.outputRate;
    order.adoptable = settings.adoptable;
    order.fingerprint = settings.fingerprint.empty() ? fingerprintOf(settings) : settings.fingerprint;
    return order;
}

Error startError(const ProcessSettings& settings, Step step, int error, const std::string& text) {
    ErrorCode code = ErrorCode::failed;
    switch (error) {
        case ENOENT:
        case ENOTDIR:
        case ENOEXEC: code = ErrorCode::notInstalled; break;
        case EACCES:
        case EPERM: code = ErrorCode::permission; break;
        case EBUSY: code = ErrorCode::busy; break;
        case EAGAIN:
        case ENOMEM:
        case EMFILE:
        case ENFILE: code = ErrorCode::outOfResources; break;
        default: break;
    }
    std::string what;
    if (step == Step::directory) what = fmt::format(" \"{}\"", settings.workingDirectory.string());
    if (step == Step::user) what = fmt::format(" to \"{}\"", settings.user);
    return Error::make(code, "cannot start {}: {}{}: {}", settings.program, stepText(step), what,
                       text.empty() ? errorText(error) : text);
}

}  // namespace process

}  // namespace holdfast::inline v1
