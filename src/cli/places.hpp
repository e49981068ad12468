// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace holdfast::inline v1::cli {

// Where this system has what. One implementation per system.

/** Below it this user's monitors have their run directories, if nobody says otherwise. */
[[nodiscard]] std::filesystem::path runDirectories();
/** Below it they have their state; empty if there is no such place. */
[[nodiscard]] std::filesystem::path stateDirectories();
/** Whether others could have put this folder in our way. */
[[nodiscard]] bool isOwnFolder(const std::filesystem::path& folder);
/** Whether a monitor may listen there. */
[[nodiscard]] bool isControlSocket(const std::filesystem::path& path);
/** What the program was called with, its own name first, in UTF-8. */
[[nodiscard]] std::vector<std::string> programArguments(int argc, char** argv);
/** The program itself. */
[[nodiscard]] std::filesystem::path ownProgram();
/** The file of a program of ours of this name, in `folder`; empty if there is none that may be run. */
[[nodiscard]] std::filesystem::path programIn(const std::filesystem::path& folder, const std::string& name);
/** Agents in this process find libraries they need in `folder`, too. Does nothing where the loader has rules of its own. */
void findLibrariesIn(const std::filesystem::path& folder);
/** The first of a list of paths as variables of the environment have them. */
[[nodiscard]] std::filesystem::path firstPath(const std::string& list);
/** For what runs in this process, and for those it starts. Before any other thread runs. */
void setVariable(const char* name, const std::string& value);

}  // namespace holdfast::inline v1::cli
