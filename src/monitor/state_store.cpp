// SPDX-License-Identifier: BSL-1.0
#include "monitor/state_store.hpp"

#include <holdfast/os/process.hpp>

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

constexpr auto pauseAfterFailure = std::chrono::seconds{2};
constexpr std::uintmax_t largestState = 64U << 20U;

/** What is in the file; nothing if it cannot be read. */
std::optional<std::string> contentOf(const std::filesystem::path& file) {
    std::error_code error;
    if (std::filesystem::file_size(file, error) > largestState || error) return std::nullopt;
    std::ifstream stream{file, std::ios::binary};
    if (!stream.is_open()) return std::nullopt;
    return std::string{std::istreambuf_iterator<char>{stream}, {}};
}

}  // namespace

StateStore::Opened StateStore::open(const std::filesystem::path& directory, Say say) {
    Opened opened;
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    const auto file = directory / "state.json";
    std::unique_ptr<StateStore> store{new StateStore{file, std::move(say)}};
    if (const auto refusal = store->lock_.take(directory / "lock")) {
        const std::string who = refusal->owner != 0 ? fmt::format("process {}", refusal->owner) : "another process";
        const bool taken = refusal->error == std::errc::resource_unavailable_try_again;
        opened.problem = Problem{
            {},
            taken ? fmt::format(
                        "another monitor ({}) runs on the state directory '{}'; give this one a [monitor] name or "
                        "state of its own, or stop that one",
                        who, directory.string())
                  : fmt::format("the state directory '{}' cannot be used: {}", directory.string(),
                                (error ? error : refusal->error).message())};
        return opened;
    }
    if (std::filesystem::exists(file, error)) {
        const auto text = contentOf(file);
        auto state = text ? readState(*text, StateClock::now()) : std::nullopt;
        if (state) {
            store->state_ = std::move(*state);
        } else {
            const auto aside = file.string() + ".damaged";
            std::filesystem::rename(file, aside, error);
            store->say_(true, fmt::format("the stored state '{}' cannot be read; it is kept as '{}', and everything "
                                          "starts as the file says",
                                          file.string(), aside));
        }
    }
    const os::BlockSignals blocked;
    store->writer_ = std::thread{[self = store.get()] { self->write(); }};
    opened.store = std::move(store);
    return opened;
}

StateStore::~StateStore() {
    {
        const std::lock_guard lock{mutex_};
        ending_ = true;
    }
    changed_.notify_all();
    if (writer_.joinable()) writer_.join();
}

StoredResource StateStore::resource(const std::string& name) const {
    const std::lock_guard lock{mutex_};
    const auto found = state_.resources.find(name);
    return found == state_.resources.end() ? StoredResource{} : found->second;
}

StoredGroup StateStore::group(const std::string& name) const {
    const std::lock_guard lock{mutex_};
    const auto found = state_.groups.find(name);
    return found == state_.groups.end() ? StoredGroup{} : found->second;
}

void StateStore::touch() {
    ++version_;
    changed_.notify_all();
}

void StateStore::change(const std::string& name, const std::function<void(StoredResource&)>& how) {
    const std::lock_guard lock{mutex_};
    auto stored = state_.resources[name];
    how(stored);
    if (stored == state_.resources[name]) return;
    state_.resources[name] = std::move(stored);
    touch();
}

void StateStore::changeGroup(const std::string& name, const std::function<void(StoredGroup&)>& how) {
    const std::lock_guard lock{mutex_};
    auto stored = state_.groups[name];
    how(stored);
    if (stored == state_.groups[name]) return;
    state_.groups[name] = std::move(stored);
    touch();
}

void StateStore::forget(const std::string& name) {
    const std::lock_guard lock{mutex_};
    if (state_.resources.erase(name) > 0) touch();
}

void StateStore::keepOnly(const std::set<std::string>& names) {
    const std::lock_guard lock{mutex_};
    if (std::erase_if(state_.resources, [&](const auto& entry) { return !names.contains(entry.first); }) > 0) touch();
}

bool StateStore::flush(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    const auto wanted = version_;
    return changed_.wait_for(lock, patience, [&] { return written_ >= wanted; });
}

/** The writer's thread: whatever changed while a file was being written is in the next one. */
void StateStore::write() {
    std::unique_lock lock{mutex_};
    for (;;) {
        changed_.wait(lock, [this] { return ending_ || version_ != written_; });
        if (version_ == written_) return;
        const auto version = version_;
        const auto text = writeState(state_, StateClock::now());
        const bool last = ending_;
        lock.unlock();
        const auto error = os::replaceFile(file_, text);
        lock.lock();
        const bool failed = static_cast<bool>(error);
        if (failed != std::exchange(failing_, failed)) {
            const auto said = failed ? fmt::format(
                                           "the state cannot be written to '{}': {}; the monitor goes on without, "
                                           "and tries again",
                                           file_.string(), error.message())
                                     : fmt::format("the state is written to '{}' again", file_.string());
            lock.unlock();
            say_(failed, said);
            lock.lock();
        }
        if (!failed) {
            written_ = version;
            changed_.notify_all();
            continue;
        }
        if (last) return;
        changed_.wait_for(lock, pauseAfterFailure, [this] { return ending_; });
    }
}

}  // namespace holdfast::inline v1::monitor
