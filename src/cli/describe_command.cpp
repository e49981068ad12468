// SPDX-License-Identifier: BSL-1.0
#include "cli/describe_command.hpp"

#include "cli/described_library.hpp"
#include "cli/registration_script.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iostream>
#include <memory>
#include <thread>

namespace holdfast::inline v1::cli {
namespace {

constexpr std::chrono::seconds patience{30};

/** The library's code runs in a thread of its own; null if it does not come back. */
std::unique_ptr<DescribedLibrary> askInTime(const DescribeOptions& options) {
    std::packaged_task<DescribedLibrary()> ask{[options] { return describeLibraryFile(options.agent, options.types); }};
    auto answer = ask.get_future();
    std::thread thread{std::move(ask)};
    if (answer.wait_for(patience) != std::future_status::ready) {
        thread.detach();
        return nullptr;
    }
    thread.join();
    return std::make_unique<DescribedLibrary>(answer.get());
}

/** Windows PowerShell 5.1 reads a script without a byte order mark in the system's old code page. */
std::string asWindowsFile(const std::string& text) {
    std::string out{"\xEF\xBB\xBF"};
    for (const char c : text) {
        if (c == '\n') out += '\r';
        out += c;
    }
    return out;
}

ExitCode write(const std::string& text, const DescribeOptions& options) {
    if (options.output.empty()) {
        std::cout << text << std::flush;
        return std::cout ? ExitCode::success : ExitCode::internal;
    }
    std::ofstream file{options.output, std::ios::binary | std::ios::trunc};
    file << (options.format == "powershell" ? asWindowsFile(text) : text);
    file.close();
    if (file) return ExitCode::success;
    std::cerr << "holdfast: cannot write " << options.output << '\n';
    return ExitCode::internal;
}

ExitCode writeOcf(const DescribedLibrary& library, const DescribeOptions& options) {
    std::string text;
    try {
        text = describeForPacemaker(library, options.ocfName, options.ocfVersion);
    } catch (const std::exception& error) {
        std::cerr << "holdfast: " << error.what() << '\n';
        return ExitCode::configuration;
    }
    return write(text, options);
}

}  // namespace

CLI::App* addDescribeCommand(CLI::App& program, DescribeOptions& options) {
    CLI::App* const command = program.add_subcommand(
        "describe",
        "Show an agent library's resource types and properties, or write its registration script or OCF metadata");
    command->add_option("AGENT", options.agent, "the agent library (.dll, .so)")->required()->type_name("");
    command
        ->add_option("--format", options.format,
                     "table (default), json, powershell: a registration script, or ocf: metadata for Pacemaker")
        ->check(CLI::IsMember({"table", "json", "powershell", "ocf"}))
        ->type_name("FORMAT");
    command->add_option("--output", options.output, "write to this file instead of standard output")->type_name("FILE");
    command
        ->add_option("--type", options.types,
                     "a resource type to ask for; needed where the library was made without holdfast")
        ->type_name("NAME");
    command->add_option("--name", options.ocfName, "with ocf: the agent's name (default: the library's)")
        ->type_name("NAME");
    command->add_option("--agent-version", options.ocfVersion, "with ocf: the agent's version (default: 0.0.0)")
        ->type_name("VERSION");
    command->footer(
        "The library is loaded into this process and its Startup is called; nothing is opened or started.\n\n"
        "Exit codes:\n"
        "  0  done\n"
        "  2  wrong usage\n"
        "  3  the library cannot be loaded, or does not answer as an agent does\n"
        "  5  holdfast itself failed\n"
        "  7  the library did not answer in 30 s\n");
    return command;
}

ExitCode runDescribe(const DescribeOptions& options) {
    std::unique_ptr<DescribedLibrary> library;
    try {
        library = askInTime(options);
    } catch (const std::exception& error) {
        std::cerr << "holdfast: " << error.what() << '\n';
        return ExitCode::configuration;
    }
    if (!library) {
        std::cerr << "holdfast: " << options.agent << ": it did not answer in 30 s\n" << std::flush;
        std::_Exit(static_cast<int>(ExitCode::late));  // its thread must not meet our destructors
    }
    if (options.format == "json") return write(describeAsJson(*library), options);
    if (options.format == "powershell") return write(registrationScript(*library), options);
    if (options.format == "ocf") return writeOcf(*library, options);
    return write(describeAsTable(*library), options);
}

}  // namespace holdfast::inline v1::cli
