// SPDX-License-Identifier: BSL-1.0
// What it costs to run commands: each once, one after the other, many times over.
//   monitor_cost TIMES "LABEL=[VARIABLE=value ...] PROGRAM [ARGUMENT ...]" ...
// Words are separated by spaces. Prints the medians of the time on the wall and of the processor time of the command and what
// it waited for. Fails if a command does not end with 0.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Command {
    std::string label;
    std::vector<std::string> environment, words;
    std::vector<double> wall, processor;  // microseconds
};

Command parse(const std::string& text) {
    const auto equals = text.find('=');
    Command command{text.substr(0, equals), {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}, {}, {}, {}};
    std::istringstream words{text.substr(equals + 1)};
    for (std::string word; words >> word;) {
        const bool variable = command.words.empty() && word.front() != '/';
        (variable ? command.environment : command.words).push_back(word);
    }
    return command;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> all;
    for (auto& word : words) all.push_back(word.data());
    all.push_back(nullptr);
    return all;
}

double microseconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
}

posix_spawn_file_actions_t* silent() {  // nobody reads here what they say
    static posix_spawn_file_actions_t actions = [] {
        posix_spawn_file_actions_t made;
        ::posix_spawn_file_actions_init(&made);
        for (const int fd : {0, 1, 2}) ::posix_spawn_file_actions_addopen(&made, fd, "/dev/null", O_RDWR, 0);
        return made;
    }();
    return &actions;
}

bool run(Command& command) {
    const auto arguments = pointers(command.words);
    const auto environment = pointers(command.environment);
    const auto begin = std::chrono::steady_clock::now();
    pid_t pid{};
    int status{};
    rusage used{};
    if (::posix_spawn(&pid, arguments[0], silent(), nullptr, arguments.data(), environment.data()) != 0) return false;
    if (::wait4(pid, &status, 0, &used) != pid || status != 0) {
        std::fprintf(stderr, "%s: status %d\n", command.label.c_str(), WEXITSTATUS(status));
        return false;
    }
    command.wall.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    command.processor.push_back(microseconds(used.ru_utime) + microseconds(used.ru_stime));
    return true;
}

double quantile(std::vector<double> values, double part) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * part)];
}

}  // namespace

int main(int count, char** texts) {
    if (count < 3) return 2;
    std::vector<Command> commands;
    for (int i = 2; i < count; ++i) commands.push_back(parse(texts[i]));
    for (int times = std::atoi(texts[1]); times > 0; --times) {
        for (auto& command : commands) {
            if (!run(command)) return 1;
        }
    }
    std::printf("%-40s %12s %12s %14s\n", "", "wall median", "wall p95", "CPU median, us");
    for (const auto& command : commands) {
        std::printf("%-40s %12.0f %12.0f %14.0f\n", command.label.c_str(), quantile(command.wall, 0.5),
                    quantile(command.wall, 0.95), quantile(command.processor, 0.5));
    }
    return 0;
}
