// SPDX-License-Identifier: BSL-1.0
// A program that a monitor runs in tests: hook VERB ARGUMENT
//   append FILE   adds what it was told in its environment as a line
//   sleep SECONDS
//   wait FILE     until the file is there
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

int main(int argc, char** argv) {
    using namespace std::chrono_literals;
    if (argc != 3) return 2;
    const std::string verb = argv[1];
    if (verb == "append") {
        std::string line;
        for (const char* name : {"EVENT", "MONITOR", "GROUP", "RESOURCE", "PREVIOUS", "STATE", "REASON"}) {
            const char* const value = std::getenv((std::string{"HOLDFAST_"} + name).c_str());
            if (!line.empty()) line += '|';
            if (value != nullptr) line += value;
        }
        std::ofstream{argv[2], std::ios::app | std::ios::binary} << (line + "\n");
        return 0;
    }
    if (verb == "sleep") {
        std::this_thread::sleep_for(std::chrono::seconds{std::atoi(argv[2])});
        return 0;
    }
    if (verb == "wait") {
        while (!std::filesystem::exists(argv[2])) std::this_thread::sleep_for(2ms);
        return 0;
    }
    return 2;
}
