// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "peer.hpp"
#include "tree.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::inline v1::reaper {

struct TreeOptions {
    std::string directory;
    std::string resource;
    std::string cgroup;
    std::int64_t adoptTimeout{30'000};  ///< ms
    int connection{-1};                 ///< the only client of an unnamed tree
    bool detach{false};
};

/**
 * Keeps one tree for its clients: one owner, and controllers that come and go.
 *
 * No message, however wrong, costs more than the connection it came by.
 *
 * @par Thread safety One thread.
 */
class Service final : public TreeListener {
public:
    /** `listener` listens in the run directory. An unnamed tree has neither: `accept()` its one connection. */
    Service(const TreeOptions& options, const process::Names* names, process::Fd listener);

    void accept(process::Fd connection);
    /** Until the tree is proved dead and nobody needs this process. */
    void run(const process::Fd& signals);

    void started(std::int32_t pid, std::uint64_t startTime) override;
    void startFailed(process::Step step, int error, const std::string& text) override;
    void exited(const process::ExitReport& exit) override;
    bool output(int stream, std::string_view line) override;
    void dropped(std::uint32_t lines) override;
    void note(const std::string& text) override;
    void ended() override;

private:
    void acceptAll();
    void serve(Peer& peer);
    void handle(Peer& peer, std::string_view message);
    void hello(Peer& peer, process::Reader& in);
    void order(Peer& peer, process::Reader& in, bool last);
    static void refuse(Peer& peer, const std::string& why, process::Refusal kind = process::Refusal::other);
    void endTree();
    void sweep();
    void ownerLeft();
    void takeSignals(const process::Fd& signals);
    [[nodiscard]] bool finished() const;
    [[nodiscard]] Peer* owner() const;

    const TreeOptions options_;
    const process::Names* const names_;
    process::Fd listener_;
    Tree tree_;
    std::vector<std::unique_ptr<Peer>> peers_;
    std::deque<std::string> notes_;  // for an owner who comes later
    std::uint32_t lost_{0};          // lines nobody was there for
    std::int64_t endTreeAt_{INT64_MAX};
    std::int64_t adoptUntil_{0};
    std::int64_t leaveAt_;
    std::int64_t acceptAgainAt_{0};
    bool ending_{false};  // the tree does not end by itself
    bool leaving_{false};
};

}  // namespace holdfast::inline v1::reaper
