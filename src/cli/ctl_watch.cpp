// SPDX-License-Identifier: BSL-1.0
#include "cli/ctl_watch.hpp"

#include "cli/ctl_text.hpp"
#include "cli/live_view.hpp"
#include "cli/signals.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <iostream>
#include <mutex>
#include <vector>

namespace holdfast::inline v1::cli {

namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

std::vector<ViewRow> rowsOf(const json::value& answer) {
    std::vector<ViewRow> rows;
    const auto* object = answer.if_object();
    const auto* resources = object == nullptr ? nullptr : object->if_contains("resources");
    if (resources == nullptr || !resources->is_array()) return rows;
    for (const auto& resource : resources->get_array()) {
        if (resource.is_object()) rows.push_back(rowOf(resource.get_object()));
    }
    return rows;
}

}  // namespace

ExitCode watch(ControlClient& client, const std::string& path) {
    const auto traits = terminalTraits();
    if (!traits.terminal) {
        std::cerr << "holdfast ctl: 'top' needs a terminal; 'list' and 'events' do not\n";
        return ExitCode::usage;
    }
    const EndSignals signals;
    std::mutex mutex;  // guards rows
    auto rows = rowsOf(client.ask({{"verb", "list"}}, 10s));
    std::vector<std::string> last;
    {
        LiveView view{path, "Ctrl-C leaves; the monitor goes on", traits.style, [&] {
                          const std::lock_guard lock{mutex};
                          return rows;
                      }};
        client.onEvent = [&](const json::object& record) { view.note(recordText(record)); };
        static_cast<void>(client.ask({{"verb", "events"}, {"history", 50}}, 10s));
        view.start();
        while (!signals.came(200ms)) {
            while (client.listen(0ms)) {
            }
            auto next = rowsOf(client.ask({{"verb", "list"}}, 10s));
            const std::lock_guard lock{mutex};
            rows = std::move(next);
        }
        view.stop();
        last = view.lastPicture();
    }
    for (const auto& line : last) std::cout << line << '\n';
    return ExitCode::success;
}

}  // namespace holdfast::inline v1::cli
