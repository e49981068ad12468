// SPDX-License-Identifier: BSL-1.0
#include "support/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <thread>

namespace holdfast::tests {

using namespace std::chrono_literals;

struct Program::State {
    pid_t child{-1};
    int output{-1};
};

Program::Program(const std::string& program, std::vector<std::string> arguments, const Options& options)
    : state_{std::make_unique<State>()} {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
    std::vector<char*> argv;
    arguments.insert(arguments.begin(), program);
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    state_->child = ::fork();
    if (state_->child == 0) {
        for (const auto& [name, value] : options.environment) {
            if (value.empty())
                ::unsetenv(name.c_str());
            else
                ::setenv(name.c_str(), value.c_str(), 1);
        }
        ::dup2(ends[1], 1);
        ::dup2(ends[1], 2);
        ::execv(program.c_str(), argv.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    state_->output = ends[0];
}

Program::~Program() {
    kill();
    if (state_->child > 0) ::waitpid(state_->child, nullptr, 0);
    ::close(state_->output);
}

bool Program::reads(const std::string& text, std::size_t after) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (all.find(text, after) == std::string::npos) {
        pollfd poll{state_->output, POLLIN, 0};
        if (std::chrono::steady_clock::now() > deadline) return false;
        if (::poll(&poll, 1, 100) <= 0) continue;
        char buffer[4096];
        const ssize_t count = ::read(state_->output, buffer, sizeof buffer);
        if (count <= 0) return all.find(text, after) != std::string::npos;
        all.append(buffer, static_cast<std::size_t>(count));
    }
    return true;
}

std::int64_t Program::process() const { return state_->child; }

void Program::tell(Tell what) const {
    ::kill(state_->child, what == Tell::stop ? SIGTERM : what == Tell::interrupt ? SIGINT : SIGHUP);
}

void Program::kill() {
    if (state_->child > 0) ::kill(state_->child, SIGKILL);
}

int Program::ends() {
    static_cast<void>(reads("\x01 nothing says this", 0));
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    int status = 0;
    while (::waitpid(state_->child, &status, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() > deadline) return -1;
        std::this_thread::sleep_for(5ms);
    }
    state_->child = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace holdfast::tests
