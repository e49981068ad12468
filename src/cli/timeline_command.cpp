// SPDX-License-Identifier: BSL-1.0
#include "cli/timeline_command.hpp"

#include "timeline/html.hpp"
#include "timeline/model.hpp"
#include "timeline/perfetto.hpp"
#include "timeline/plain_text.hpp"
#include "timeline/svg.hpp"
#include "timeline/when.hpp"
#include "timeline/words.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace holdfast::inline v1::cli {

namespace {

namespace fs = std::filesystem;

/** Names on the command line are UTF-8 everywhere. */
fs::path pathOf(const std::string& name) { return fs::path{std::u8string{name.begin(), name.end()}}; }

/** What a name's extension asks for; empty if it says nothing. */
std::string formatOf(const std::string& name) {
    const std::string extension = pathOf(name).extension().string();
    if (extension == ".html" || extension == ".htm") return "html";
    if (extension == ".svg") return "svg";
    if (extension == ".json") return "json";
    return {};
}

/** What to write, and where. */
struct Target {
    std::string format;
    std::string name;  ///< "-": standard output
};

/** @par Errors std::invalid_argument, for the user. */
Target targetOf(const TimelineOptions& options) {
    Target target{options.format, options.output};
    if (target.format.empty() && !target.name.empty() && target.name != "-") {
        target.format = formatOf(target.name);
        if (target.format.empty()) {
            throw std::invalid_argument{fmt::format(
                "{}: which format? Its name ends neither in .html, .svg nor .json; --format says it", target.name)};
        }
    }
    if (target.format.empty()) target.format = "html";
    if (target.name.empty() && options.trace == "-") target.name = "-";
    if (target.name.empty()) {
        const auto beside = pathOf(options.trace).replace_extension("." + target.format).u8string();
        target.name.assign(beside.begin(), beside.end());
    }
    return target;
}

bool isOurs(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    std::string head(1024, '\0');
    in.read(head.data(), static_cast<std::streamsize>(head.size()));
    head.resize(static_cast<std::size_t>(in.gcount()));
    return head.empty() || head.find(timeline::generator) != std::string::npos;
}

/** Why that file must not be written; empty if it may. */
std::string objection(const TimelineOptions& options, const Target& target) {
    if (target.name == "-") return {};
    std::error_code ignored;
    const fs::path file = pathOf(target.name);
    if (options.trace != "-" && fs::equivalent(pathOf(options.trace), file, ignored)) {
        return fmt::format("{} is the trace itself; -o names another file", target.name);
    }
    if (fs::is_directory(file, ignored)) return fmt::format("{} is a directory", target.name);
    if (!options.force && fs::is_regular_file(file, ignored) && !isOurs(file)) {
        return fmt::format("{} is there and was not made by this command; --force overwrites it", target.name);
    }
    return {};
}

/** Whole or not at all: a browser may be reading the one that is there. */
bool writeFile(const fs::path& file, const std::string& text) {
    std::error_code bad;
    const bool replace = !fs::exists(file, bad) || fs::is_regular_file(file, bad);
    fs::path written = file;
    if (replace) written += ".part";
    std::ofstream out{written, std::ios::binary | std::ios::trunc};
    out << text;
    out.close();
    if (!out) {
        if (replace) fs::remove(written, bad);
        return false;
    }
    if (!replace) return true;
    fs::rename(written, file, bad);
    if (!bad) return true;
    fs::remove(written, bad);
    return false;
}

timeline::Trace read(const std::string& name) {
    if (name == "-") return timeline::readTrace(std::cin);
    const fs::path file = pathOf(name);
    std::error_code ignored;
    if (fs::is_directory(file, ignored)) throw timeline::TraceError{"it is a directory"};
    std::ifstream in{file, std::ios::binary};
    if (!in) throw timeline::TraceError{fs::exists(file, ignored) ? "it cannot be read" : "there is no such file"};
    return timeline::readTrace(in);
}

/** @par Errors std::invalid_argument, for the user. */
timeline::Cut cutOf(const TimelineOptions& options, const timeline::Model& model) {
    timeline::Cut cut;
    cut.resources = options.resources;
    const auto point = [&](const std::string& text, const char* option) -> std::optional<timeline::Time> {
        if (text.empty()) return std::nullopt;
        const auto at = timeline::parseWhen(text, model.begin);
        if (!at) {
            throw std::invalid_argument{
                fmt::format("{} \"{}\" is no time; like 07:51:28.5 (UTC), 2026-01-31T07:51:28Z, or +2.5s after the "
                            "trace's begin",
                            option, text)};
        }
        return at;
    };
    cut.from = point(options.from, "--from");
    cut.to = point(options.to, "--to");
    return cut;
}

std::string render(const timeline::Model& model, const std::string& format, const std::string& trace) {
    if (format == "json") return timeline::toPerfetto(model);
    const auto name = pathOf(trace).filename().u8string();
    const std::string title =
        "holdfast timeline: " +
        (trace == "-" ? "standard input" : timeline::plainText(std::string{name.begin(), name.end()}));
    return format == "svg" ? timeline::toSvg(model, title) : timeline::toHtml(model, title);
}

}  // namespace

CLI::App* addTimelineCommand(CLI::App& program, TimelineOptions& options) {
    CLI::App* const command = program.add_subcommand(
        "timeline", "Draw what happened in a run: from a trace, as a page, a picture or for Perfetto");
    command
        ->add_option("TRACE", options.trace,
                     "what 'holdfast run --trace' or a flight recorder wrote; '-' is standard input")
        ->required()
        ->type_name("");
    command
        ->add_option("-o,--output", options.output,
                     "the file to write; '-' is standard output. Default: TRACE with the extension .html")
        ->type_name("FILE");
    command
        ->add_option("--format", options.format,
                     "html: a page of its own, svg: a picture, json: trace events for ui.perfetto.dev; default: by\n"
                     "the extension of FILE, else html")
        ->check(CLI::IsMember({"html", "svg", "json"}))
        ->type_name("FORMAT");
    command
        ->add_option("--from", options.from, "leave out what ended before: 07:51:28.5 (UTC), or +2.5s after the begin")
        ->type_name("TIME");
    command->add_option("--to", options.to, "leave out what began after")->type_name("TIME");
    command->add_option("--resource", options.resources, "only this resource; may be given again")->type_name("NAME");
    command->add_flag("--force", options.force, "overwrite FILE even if something else made it");
    command->footer(
        "Times are UTC. The page needs no network and no other file.\n"
        "A file that this command made is overwritten, any other only with --force.\n\n"
        "Examples:\n"
        "  holdfast run shop.toml --trace run.jsonl\n"
        "  holdfast timeline run.jsonl                            writes run.html\n"
        "  holdfast timeline run.jsonl -o late.svg --from +10s --to +12s --resource shop\n\n"
        "Exit codes:\n"
        "  0  done\n"
        "  2  wrong usage\n"
        "  3  the trace was refused; nothing was written\n"
        "  5  holdfast itself failed, or the file cannot be written\n");
    return command;
}

ExitCode runTimeline(const TimelineOptions& options) {
    const auto complain = [](const std::string& text) { std::cerr << "holdfast: " << text << '\n'; };
    try {
        const Target target = targetOf(options);
        if (const auto reason = objection(options, target); !reason.empty()) {
            complain(reason);
            return ExitCode::usage;
        }
        timeline::Model model = timeline::buildModel(read(options.trace));
        const timeline::Cut cut = cutOf(options, model);
        model = timeline::cutModel(std::move(model), cut);
        const std::string text = render(model, target.format, options.trace);
        for (const auto& note : model.notes) complain(options.trace + ": " + note);
        if (target.name == "-") {
            std::cout << text << std::flush;
            return std::cout ? ExitCode::success : ExitCode::internal;
        }
        if (!writeFile(pathOf(target.name), text)) {
            complain("cannot write " + target.name);
            return ExitCode::internal;
        }
        std::cout << "wrote " << target.name << ": " << timeline::summaryOf(model) << '\n';
        return ExitCode::success;
    } catch (const timeline::TraceError& error) {
        complain((options.trace == "-" ? "standard input" : options.trace) + ": " + error.what());
        return ExitCode::configuration;
    } catch (const std::invalid_argument& error) {
        complain(error.what());
        return ExitCode::usage;
    }
}

}  // namespace holdfast::inline v1::cli
