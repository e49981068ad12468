// SPDX-License-Identifier: BSL-1.0
// A host for tests to kill: it runs one program as an agent would, says its pid, and waits.
//   process_host start|adoptable RESOURCE SCRIPT     starts it
//   process_host find RESOURCE                       takes over what is there: "pid N", or "nothing"
//   process_host bomb                                doubles as fast as it may
//   process_host fork SCRIPT                         runs it without a reaper, as careless agents do
#include "process_fixture.hpp"

#include <cstdio>
#include <iostream>

namespace {

void say(const std::string& text) { std::cout << text << std::endl; }  // NOLINT(performance-avoid-endl): read at once

void wait() {
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words{argv + 1, argv + argc};
    try {
        fixture::TestOperation operation;
        while (words.at(0) == "bomb") static_cast<void>(::fork());
        if (words[0] == "fork") {
            const pid_t child = ::fork();
            if (child == 0) {
                ::execl("/bin/sh", "sh", "-c", words.at(1).c_str(), nullptr);
                ::_exit(127);
            }
            say("pid " + std::to_string(child));
            wait();
            return 0;
        }
        fixture::TestContext context{words.at(1)};
        if (words[0] == "find") {
            const auto found = holdfast::Process::find(context);
            say(found ? (found->running() ? "pid " + std::to_string(found->pid()) : found->exit()->text()) : "nothing");
            if (found) wait();
            return 0;
        }
        auto settings = fixture::shell(words.at(2));
        settings.adoptable = words[0] == "adoptable";
        const auto process = holdfast::Process::start(context, settings, operation);
        say("pid " + std::to_string(process.pid()));
        wait();
    } catch (const std::exception& error) {
        say(std::string{"error: "} + error.what());
        return 1;
    }
    return 0;
}
