// SPDX-License-Identifier: BSL-1.0
#pragma once

// `holdfast run` on files of scripted agents.

#include "support/program.hpp"

#include <holdfast/os/process.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::test {

using tests::Tell;

/** Where the programs under test keep their state. */
inline std::string stateHome() {
    return (std::filesystem::temp_directory_path() / ("holdfast-cli-state-" + std::to_string(os::processId())))
        .string();
}

/** Where those that listen do so. */
inline std::string controlPath() { return stateHome() + ".control"; }

/** A running `holdfast`. */
class Program : public tests::Program {
public:
    explicit Program(std::vector<std::string> arguments)
        : tests::Program{HOLDFAST_PROGRAM,
                         withControl(std::move(arguments)),
                         {{{"XDG_STATE_HOME", stateHome()}, {"LOCALAPPDATA", stateHome()}, {"STATE_DIRECTORY", ""}},
                          controlPath()}} {}

private:
    /** Where there are no signals people reach it by `ctl`. */
    static std::vector<std::string> withControl(std::vector<std::string> arguments) {
#if defined(_WIN32)
        if (arguments.size() >= 2 && arguments[0] == "run" && arguments[1] != "--help" && arguments[1] != "--check")
            arguments.insert(arguments.begin() + 1, {"--control", controlPath()});
#endif
        return arguments;
    }
};

inline std::string resource(const std::string& name, const std::string& script, const std::string& more = "") {
    return "[[resource]]\nname = \"" + name + "\"\ntype = \"Scripted\"\nagent = '" +
           std::filesystem::absolute(SCRIPTED_AGENT).string() + "'\nIsAlivePollInterval = \"20 ms\"\n" + more +
           "[resource.properties]\nScript = \"" + script + "\"\n";
}

/** A TOML file of its own for each test. */
struct File {
    explicit File(const std::string& text)
        : path{(std::filesystem::temp_directory_path() / ("holdfast-cli-" + std::to_string(os::processId()) + ".toml"))
                   .string()} {
        std::ofstream{path} << text;
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        std::filesystem::remove(path);
        std::filesystem::remove_all(stateHome());
    }
    std::string path;
};

}  // namespace holdfast::test
