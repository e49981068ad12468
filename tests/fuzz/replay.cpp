// SPDX-License-Identifier: BSL-1.0
/// The main of a fuzz target without libFuzzer: replays a corpus, and mutations of it that only the seed decides. So every compiler
/// and system runs what fuzzing has found.
///   control_fuzz [--mutations N] [--seed N] [--only FILE:N] FOLDER|FILE...
#include "fuzz_target.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Input = std::vector<std::uint8_t>;

/** What is being run, for whoever reads why the program ended. Static: a signal's handler writes it. */
std::array<char, 512> current{};

extern "C" void ended(int signal) {
    std::fputs(current.data(), stderr);  // as good as it gets in a program that is lost anyway
    std::fflush(stderr);
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

struct Options {
    std::uint64_t mutations{0};
    std::uint64_t seed{1};
    std::string onlyFile;
    std::optional<std::uint64_t> only;
    std::vector<fs::path> places;
};

std::uint64_t numberOf(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        std::fprintf(stderr, "'%.*s' is no number\n", static_cast<int>(text.size()), text.data());
        std::exit(2);
    }
    return value;
}

Options optionsOf(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string_view word{arguments[i]};
        const bool last = i + 1 == count;
        if (word == "--mutations" && !last) {
            options.mutations = numberOf(arguments[++i]);
        } else if (word == "--seed" && !last) {
            options.seed = numberOf(arguments[++i]);
        } else if (word == "--only" && !last) {
            const std::string_view what{arguments[++i]};
            const auto colon = what.rfind(':');
            options.onlyFile = what.substr(0, colon);
            options.only = numberOf(colon == std::string_view::npos ? "0" : what.substr(colon + 1));
        } else {
            options.places.emplace_back(word);
        }
    }
    return options;
}

std::vector<fs::path> filesOf(const std::vector<fs::path>& places) {
    std::vector<fs::path> files;
    for (const auto& place : places) {
        if (!fs::is_directory(place)) {
            files.push_back(place);
            continue;
        }
        for (const auto& entry : fs::directory_iterator{place}) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

Input readFile(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    if (!in) {
        std::fprintf(stderr, "cannot read %s\n", file.string().c_str());
        std::exit(2);
    }
    return Input(std::istreambuf_iterator<char>{in}, {});
}

/** A few changes of the kinds that find most: other bits, other numbers, pieces lost, doubled or of another input. */
Input mutated(Input input, const std::vector<Input>& all, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : static_cast<std::size_t>(random() % limit); };
    constexpr std::array<std::uint8_t, 8> telling{0x00, 0x01, 0x7F, 0x80, 0xFF, '\n', '"', '\\'};
    for (auto changes = 1 + below(4); changes > 0; --changes) {
        const std::size_t at = below(input.size() + 1);
        const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t piece = std::min(input.size() - at, 1 + below(16));
        const auto end = place + static_cast<std::ptrdiff_t>(piece);
        switch (random() % 6) {
            case 0:
                if (piece != 0) *place = static_cast<std::uint8_t>(*place ^ (1U << below(8)));
                break;
            case 1: std::fill(place, piece > 4 ? place + 4 : end, telling[below(telling.size())]); break;
            case 2: input.erase(place, end); break;
            case 3: {
                const Input copy(place, end);
                input.insert(place, copy.begin(), copy.end());
                break;
            }
            case 4: {
                const auto& other = all[below(all.size())];
                const auto from = other.begin() + static_cast<std::ptrdiff_t>(below(other.size() + 1));
                const auto size = std::min<std::ptrdiff_t>(other.end() - from, 64);
                input.insert(place, from, from + size);
                break;
            }
            default: input.resize(at); break;
        }
        if (input.size() > 65'536) input.resize(65'536);
    }
    return input;
}

}  // namespace

int main(int count, char** arguments) {
    const auto options = optionsOf(count, arguments);
    for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGILL}) std::signal(signal, ended);
    std::set_terminate([] {
        std::fputs("an exception was thrown out of the target\n", stderr);
        std::abort();
    });
    const auto files = filesOf(options.places);
    if (files.empty()) {
        std::fputs("there is no input: name the corpus\n", stderr);
        return 2;
    }
    std::vector<Input> all;
    for (const auto& file : files) all.push_back(readFile(file));
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t runs = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
        for (std::uint64_t mutation = 0; mutation <= options.mutations; ++mutation) {
            if (options.only && (*options.only != mutation || files[i].filename().string() != options.onlyFile))
                continue;
            std::snprintf(current.data(), current.size(), "input: --seed %llu --mutations %llu --only %s:%llu\n",
                          static_cast<unsigned long long>(options.seed), static_cast<unsigned long long>(mutation),
                          files[i].filename().string().c_str(), static_cast<unsigned long long>(mutation));
            // Numbers that lie close together give the generator unlike starts: it mixes them.
            const auto input =
                mutation == 0 ? all[i] : mutated(all[i], all, options.seed * 1'000'003 + i * 10'007 + mutation);
            LLVMFuzzerTestOneInput(input.data(), input.size());
            ++runs;
        }
    }
    if (runs == 0) {
        std::fputs("--only names no input\n", stderr);
        return 2;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%llu inputs, %zu of them files, in %.1f s: every promise was kept\n",
                static_cast<unsigned long long>(runs), files.size(), took.count());
    return 0;
}
