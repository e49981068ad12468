// SPDX-License-Identifier: BSL-1.0
#include "support/program.hpp"

#include "os/spawn_windows.hpp"
#include "os/windows_handle.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace holdfast::tests {

using namespace std::chrono_literals;

namespace {

/** What a test ends a program with: no exit code of its own. */
constexpr UINT killed = 1'009;

}  // namespace

struct Program::State {
    std::string program;
    std::string control;
    os::Spawned child;
    os::WindowsHandle output;
};

Program::Program(const std::string& program, std::vector<std::string> arguments, const Options& options)
    : state_{std::make_unique<State>()} {
    state_->program = program;
    state_->control = options.control;
    HANDLE ends[2]{};
    if (::CreatePipe(&ends[0], &ends[1], nullptr, 64 * 1024) == 0) throw std::runtime_error{"no pipe"};
    state_->output.reset(ends[0]);
    const os::WindowsHandle theirs{ends[1]};
    ::SetHandleInformation(theirs.get(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    std::vector<std::pair<std::wstring, std::wstring>> variables;
    for (const auto& [name, value] : options.environment) variables.emplace_back(os::widen(name), os::widen(value));
    os::SpawnOrder order;
    order.program = program;
    for (const auto& argument : arguments) order.arguments.push_back(os::widen(argument));
    order.environment = os::environmentBlock(variables);
    order.output = theirs.get();
    order.flags = CREATE_NO_WINDOW;
    state_->child = os::spawnProcess(order);
}

Program::~Program() { kill(); }

bool Program::reads(const std::string& text, std::size_t after) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (all.find(text, after) == std::string::npos) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        DWORD there = 0;
        if (::PeekNamedPipe(state_->output.get(), nullptr, 0, nullptr, &there, nullptr) == 0)
            return all.find(text, after) != std::string::npos;
        if (there == 0) {
            std::this_thread::sleep_for(5ms);
            continue;
        }
        char buffer[4096];
        DWORD count = 0;
        if (::ReadFile(state_->output.get(), buffer, std::min<DWORD>(there, sizeof buffer), &count, nullptr) == 0)
            return all.find(text, after) != std::string::npos;
        // A text's lines end as everywhere.
        std::copy_if(buffer, buffer + count, std::back_inserter(all), [](char c) { return c != '\r'; });
    }
    return true;
}

std::int64_t Program::process() const { return state_->child.number; }

void Program::tell(Tell what) const {
    Program ctl{state_->program, {"ctl", "--control", state_->control, what == Tell::reload ? "reload" : "stop"}, {}};
    static_cast<void>(ctl.ends());
}

void Program::kill() {
    if (state_->child.process) ::TerminateProcess(state_->child.process.get(), killed);
}

int Program::ends() {
    static_cast<void>(reads("\x01 nothing says this", 0));
    if (::WaitForSingleObject(state_->child.process.get(), 30'000) != WAIT_OBJECT_0) return -1;
    DWORD status = 0;
    ::GetExitCodeProcess(state_->child.process.get(), &status);
    return static_cast<int>(status);
}

}  // namespace holdfast::tests
