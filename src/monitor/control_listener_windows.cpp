// SPDX-License-Identifier: BSL-1.0
// A named pipe of a random name; a file at the path that people know says which. The file is held open by the monitor and goes
// with it, however it ends, so it is the lock too. Whom the system lets in is decided by the pipe's security descriptor.
#include "monitor/control_listener.hpp"

#include "os/own_access_windows.hpp"
#include "os/pipe_windows.hpp"
#include "os/windows_handle.hpp"

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/windows/overlapped_ptr.hpp>

#include <array>
#include <charconv>
#include <system_error>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

namespace fs = std::filesystem;
using Error = boost::system::error_code;
using os::WindowsHandle;

constexpr DWORD bufferSize = 64 * 1024;

/** "process 17" of "17 \\.\pipe\…", if the file says so. */
std::string holderOf(const fs::path& path) {
    const WindowsHandle file{::CreateFileW(path.c_str(), GENERIC_READ,
                                           FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                           OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr)};
    std::array<char, 32> text{};
    DWORD count = 0;
    unsigned long process = 0;
    if (file && ::ReadFile(file.get(), text.data(), static_cast<DWORD>(text.size()), &count, nullptr) != 0)
        std::from_chars(text.data(), text.data() + count, process);
    return process == 0 ? std::string{} : fmt::format(" (process {})", process);
}

}  // namespace

struct ControlListener::State : std::enable_shared_from_this<State> {
    explicit State(boost::asio::io_context& context) : io{context} {}

    /** The next end that a client may find. Empty if the system has no more. */
    WindowsHandle instance(bool first) {
        os::OwnAccess own;
        return WindowsHandle{::CreateNamedPipeW(
            pipe.c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | (first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0),
            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, PIPE_UNLIMITED_INSTANCES,
            bufferSize, bufferSize, 0, own.get())};
    }

    boost::asio::io_context& io;
    std::wstring pipe;
    fs::path folder;
    WindowsHandle file;
    WindowsHandle next;               ///< made and not yet waited for
    ControlStream* waiting{nullptr};  ///< the handler's, while a client is waited for
    bool open{false};
    bool madeFolder{false};
};

ControlListener::ControlListener(boost::asio::io_context& io) : state_{std::make_shared<State>(io)} {}
ControlListener::~ControlListener() { remove(); }

std::string ControlListener::open(const fs::path& path) {
    State& state = *state_;
    state.folder = path.has_parent_path() ? path.parent_path() : fs::path{"."};
    std::error_code error;
    state.madeFolder = fs::create_directories(state.folder, error);
    if (error) return fmt::format("the folder {} cannot be made: {}", state.folder.string(), error.message());
    state.file.reset(::CreateFileW(path.c_str(), GENERIC_WRITE | DELETE, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr,
                                   OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_DELETE_ON_CLOSE, nullptr));
    if (!state.file) {
        const DWORD code = ::GetLastError();
        if (code == ERROR_SHARING_VIOLATION)
            return fmt::format("a monitor{} listens at {} already", holderOf(path), path.string());
        return fmt::format("{} cannot be written: {}", path.string(), os::windowsText(code));
    }
    try {
        state.pipe = os::randomPipeName(L"control");
        state.next = state.instance(true);
    } catch (const std::system_error& failure) {
        remove();
        return fmt::format("cannot listen at {}: {}", path.string(), failure.what());
    }
    const std::string text = fmt::format("{} {}\n", ::GetCurrentProcessId(), os::narrow(state.pipe));
    DWORD written = 0;
    if (!state.next || ::SetEndOfFile(state.file.get()) == 0 ||
        ::WriteFile(state.file.get(), text.data(), static_cast<DWORD>(text.size()), &written, nullptr) == 0) {
        const DWORD code = ::GetLastError();
        remove();
        return fmt::format("cannot listen at {}: {}", path.string(), os::windowsText(code));
    }
    state.open = true;
    return {};
}

void ControlListener::accept(Handler handler) {
    State& state = *state_;
    if (!state.next) {
        const DWORD code = ERROR_NO_SYSTEM_RESOURCES;
        boost::asio::post(state.io, [self = state_, code, handler = std::move(handler)] {
            self->next = self->instance(false);
            handler(Error{static_cast<int>(code), boost::system::system_category()}, ControlStream{self->io});
        });
        return;
    }
    auto stream = std::make_shared<ControlStream>(state.io);
    stream->assign(state.next.release());
    HANDLE const pipe = stream->native_handle();
    state.waiting = stream.get();
    boost::asio::windows::overlapped_ptr operation{
        state.io, [self = state_, stream, handler = std::move(handler)](const Error& error, std::size_t) {
            self->waiting = nullptr;
            // Before anybody hears of this one: who comes now finds an end that waits for him.
            if (self->open) self->next = self->instance(false);
            handler(error, std::move(*stream));
        }};
    const BOOL done = ::ConnectNamedPipe(pipe, operation.get());
    const DWORD code = ::GetLastError();
    if (done == 0 && code == ERROR_IO_PENDING) {
        operation.release();
    } else if (done != 0 || code == ERROR_PIPE_CONNECTED) {
        operation.complete(Error{}, 0);
    } else {
        operation.complete(Error{static_cast<int>(code), boost::system::system_category()}, 0);
    }
}

void ControlListener::close() {
    state_->open = false;
    state_->next.reset();
    boost::system::error_code ignored;
    if (state_->waiting != nullptr) state_->waiting->close(ignored);
}

bool ControlListener::isOpen() const noexcept { return state_->open; }

void ControlListener::remove() noexcept {
    state_->open = false;
    state_->next.reset();
    state_->file.reset();  // which deletes it
    std::error_code ignored;
    if (std::exchange(state_->madeFolder, false)) fs::remove(state_->folder, ignored);  // if nobody else uses it
}

/** The pipe's security descriptor has let in nobody else. */
std::string strangerAt(ControlStream& /*stream*/) { return {}; }

void sayWithoutWaiting(ControlStream& stream, const std::string& line) {
    boost::system::error_code ignored;
    static_cast<void>(stream.write_some(boost::asio::buffer(line), ignored));  // its buffer is empty
}

}  // namespace holdfast::inline v1::monitor
