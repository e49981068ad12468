// SPDX-License-Identifier: BSL-1.0
#include "verify/process_view.hpp"

#include <holdfast/os/child.hpp>

#include <fmt/format.h>

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace holdfast::inline v1::verify {
namespace {

std::size_t entriesOf(const char* directory) {
    DIR* const open = ::opendir(directory);
    if (open == nullptr) return 0;
    std::size_t count = 0;
    while (const dirent* const entry = ::readdir(open)) {  // NOLINT(concurrency-mt-unsafe): a stream of our own
        if (entry->d_name[0] != '.') ++count;
    }
    ::closedir(open);
    return count;
}

/** Bytes that are allocated, over every arena: what `malloc_info` says of the whole. */
std::size_t heapInUse() {
    char* text = nullptr;
    std::size_t size = 0;
    FILE* const file = ::open_memstream(&text, &size);
    if (file == nullptr) return 0;
    const bool good = ::malloc_info(0, file) == 0;
    std::fclose(file);
    const std::string xml = good ? std::string{text, size} : std::string{};
    std::free(text);  // NOLINT: open_memstream's
    const auto lastOf = [&](std::string_view element) -> std::size_t {
        const auto at = xml.rfind(element);
        const auto from = at == std::string::npos ? at : xml.find("size=\"", at);
        return from == std::string::npos ? 0 : std::strtoull(xml.c_str() + from + 6, nullptr, 10);
    };
    const std::size_t taken = lastOf("<system type=\"current\"") + lastOf("<total type=\"mmap\"");
    const std::size_t free = lastOf("<total type=\"fast\"") + lastOf("<total type=\"rest\"");
    return taken > free ? taken - free : 0;
}

}  // namespace

Usage usage() {
    Usage now;
    now.threads = entriesOf("/proc/self/task");
    now.handles = entriesOf("/proc/self/fd");
    now.memory = heapInUse();
    return now;
}

std::map<std::string, std::string> processState() {
    std::map<std::string, std::string> state;
    std::error_code ignored;
    state["the working directory"] = std::filesystem::current_path(ignored).string();
    const char* const locale = std::setlocale(LC_ALL, nullptr);  // NOLINT(concurrency-mt-unsafe): it is only asked
    state["the locale"] = locale == nullptr ? "" : locale;
    const mode_t mask = ::umask(0);  // NOLINT: it cannot be asked without setting it
    ::umask(mask);
    state["the file mode mask"] = fmt::format("{:03o}", mask);
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view text{*variable};
        const auto equals = text.find('=');
        state["the environment variable " + std::string{text.substr(0, equals)}] =
            equals == std::string_view::npos ? "" : std::string{text.substr(equals + 1)};
    }
    for (int number = 1; number < SIGRTMIN; ++number) {
        struct sigaction action {};
        if (::sigaction(number, nullptr, &action) != 0) continue;
        state[fmt::format("the handler of SIG{}", ::sigabbrev_np(number) ? ::sigabbrev_np(number) : "?")] =
            fmt::format("{:#x}", reinterpret_cast<std::uintptr_t>(action.sa_handler));
    }
    return state;
}

std::uint64_t currentThread() noexcept { return static_cast<std::uint64_t>(::syscall(SYS_gettid)); }

HandleState waitFor(void* handle, std::chrono::milliseconds patience) noexcept {
    const auto number = static_cast<int>(reinterpret_cast<std::intptr_t>(handle));
    if (::fcntl(number, F_GETFD) < 0) return HandleState::invalid;
    pollfd watched{number, POLLIN, 0};
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
        const int ready = ::poll(&watched, 1, static_cast<int>(left > 0 ? left : 0));
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return HandleState::waiting;
        if (ready < 0 || (watched.revents & POLLNVAL) != 0) return HandleState::invalid;
        return HandleState::signalled;
    }
}

HandleIdentity::HandleIdentity(void* handle) noexcept
    : handle_{handle}, own_{[handle]() -> void* {
          const int copy = ::fcntl(static_cast<int>(reinterpret_cast<std::intptr_t>(handle)), F_DUPFD_CLOEXEC, 3);
          return copy < 0 ? nullptr : reinterpret_cast<void*>(static_cast<std::intptr_t>(copy));
      }()} {}

HandleIdentity::~HandleIdentity() {
    if (own_ != nullptr) ::close(static_cast<int>(reinterpret_cast<std::intptr_t>(own_)));
}

bool HandleIdentity::holds() const noexcept {
    if (own_ == nullptr) return true;
    // Their inodes are no help: every eventfd has the same.
    constexpr int sameFile = 0;  // KCMP_FILE
    const pid_t self = ::getpid();
    const long order =
        ::syscall(SYS_kcmp, self, self, sameFile, static_cast<unsigned long>(reinterpret_cast<std::intptr_t>(handle_)),
                  static_cast<unsigned long>(reinterpret_cast<std::intptr_t>(own_)));
    return order == 0 || (order < 0 && errno != EBADF);
}

std::optional<std::vector<std::string>> exportsOf(const std::filesystem::path& library) {
    std::ifstream file{library, std::ios::binary};
    const std::vector<char> bytes{std::istreambuf_iterator<char>{file}, {}};
    const auto read = [&](std::size_t offset, auto& into) {
        if (offset > bytes.size() || bytes.size() - offset < sizeof into) return false;
        std::memcpy(&into, bytes.data() + offset, sizeof into);
        return true;
    };
    Elf64_Ehdr header{};
    if (!read(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < header.e_shnum; ++i) {
        Elf64_Shdr section{};
        if (!read(header.e_shoff + i * header.e_shentsize, section)) return std::nullopt;
        if (section.sh_type != SHT_DYNSYM) continue;
        Elf64_Shdr strings{};
        if (!read(header.e_shoff + Elf64_Off{section.sh_link} * header.e_shentsize, strings)) return std::nullopt;
        std::vector<std::string> names;
        for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= section.sh_size; at += sizeof(Elf64_Sym)) {
            Elf64_Sym symbol{};
            if (!read(section.sh_offset + at, symbol)) return std::nullopt;
            if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE) continue;
            if (ELF64_ST_VISIBILITY(symbol.st_other) == STV_HIDDEN) continue;
            std::string name;
            for (std::size_t from = strings.sh_offset + symbol.st_name; from < bytes.size() && bytes[from] != 0; ++from)
                name.push_back(bytes[from]);
            if (!name.empty() && name != "_init" && name != "_fini") names.push_back(std::move(name));
        }
        return names;
    }
    return std::nullopt;
}

std::function<void(std::string_view)> privateOutput() {
    int fd = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 200);
    if (fd < 0) fd = STDOUT_FILENO;
    return [fd](std::string_view text) {
        while (!text.empty()) {
            const ::ssize_t count = ::write(fd, text.data(), text.size());
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
    };
}

void prepareScenarioProcess() noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    std::signal(SIGPIPE, SIG_IGN);
}

int runShell(const std::string& command) {
    os::ChildOrder order;
    order.program = "/bin/sh";
    order.arguments = {"-c", command};
    order.timeout = std::chrono::minutes{1};
    const auto outcome = os::runChild(order, [](std::string_view) {}, {});
    return outcome.kind == os::ChildOutcome::Kind::exited ? outcome.code : -1;
}

void leaveProcess(int status) noexcept { ::_exit(status); }

}  // namespace holdfast::inline v1::verify
