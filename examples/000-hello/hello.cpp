// SPDX-License-Identifier: BSL-1.0
#include <holdfast/resource.hpp>

#include <fstream>

struct Settings {
    std::filesystem::path file;
};

// Keeps a file there: the smallest thing that can be started, lost and started again.
class Hello final : public holdfast::Resource {
public:
    Hello(holdfast::Context&, Settings settings) : file_{std::move(settings.file)} {}
    void online(holdfast::Operation&) override {
        if (!(std::ofstream{file_} << "hello\n")) throw holdfast::Error{"cannot write " + file_.string()};
    }
    void terminate() noexcept override {
        std::error_code ignored;
        std::filesystem::remove(file_, ignored);
    }
    holdfast::Verdict isAlive(holdfast::Check&) override {
        return exists(file_) ? holdfast::Verdict::alive() : holdfast::Verdict::failed("the file is gone");
    }

private:
    std::filesystem::path file_;
};

HOLDFAST_AGENT(holdfast::ResourceType<Hello, Settings>{"Hello"}.property("File", &Settings::file, holdfast::required));
