// SPDX-License-Identifier: BSL-1.0
#include "session.hpp"

#include <holdfast/process.hpp>

#include <array>
#include <csignal>
#include <fstream>
#include <mutex>

namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using holdfast::Check, holdfast::Error, holdfast::Operation, holdfast::Presence, holdfast::Process, holdfast::Verdict;
using postgresql::Refused, postgresql::Session;
using enum holdfast::ErrorCode;

enum class Shutdown { smart = 15, fast = 2, immediate = 3 };  // SIGTERM, SIGINT, SIGQUIT
const auto shutdowns =
    holdfast::names({{Shutdown::smart, "smart"}, {Shutdown::fast, "fast"}, {Shutdown::immediate, "immediate"}});
constexpr std::pair lastResort{Shutdown::immediate, std::chrono::milliseconds{6s}};

struct Settings {
    fs::path dataDirectory, configFile, binDirectory, socketDirectory;
    std::string user{"postgres"}, database{"postgres"}, checkUser{"postgres"}, checkPassword, query{"SELECT 1"};
    std::uint16_t port{0};
    std::vector<std::string> options;
    std::chrono::milliseconds statementTimeout{10s}, shutdownPatience{60s};
    Shutdown shutdown{Shutdown::fast};
};

/** The server of the data directory's version, where distributions put it. */
fs::path programOf(const Settings& settings) {
    if (!settings.binDirectory.empty()) return settings.binDirectory / "postgres";
    std::string version;
    std::ifstream{settings.dataDirectory / "PG_VERSION"} >> version;
    fs::path debian{"/usr/lib/postgresql/" + version + "/bin/postgres"};
    for (const auto& path :
         {debian, fs::path{"/usr/pgsql-" + version + "/bin/postgres"}, fs::path{"/usr/bin/postgres"}})
        if (fs::exists(path)) return path;
    return debian;
}

holdfast::ProcessSettings toProcess(const Settings& settings) {
    const auto data = settings.dataDirectory.string();
    holdfast::ProcessSettings process;
    process.program = programOf(settings).string();
    process.arguments = {"-D", data, "-c", "data_directory=" + data};  // whatever the file says: this one is guarded
    const auto add = [&](std::initializer_list<std::string> words) {
        process.arguments.insert(process.arguments.end(), words);
    };
    if (!settings.configFile.empty()) add({"-c", "config_file=" + settings.configFile.string()});
    if (!settings.socketDirectory.empty()) add({"-k", settings.socketDirectory.string()});
    if (settings.port != 0) add({"-p", std::to_string(settings.port)});
    for (const auto& option : settings.options) add({option});
#ifndef _WIN32
    process.user = settings.user;
#endif
    process.adoptable = true;
    return process;
}

/** A lock file's lines: what a server says of itself. */
enum Line { linePid = 0, lineDirectory = 1, linePort = 3, lineSocket = 4, lineAddress = 5, lineStatus = 7 };
std::array<std::string, 8> linesOf(const fs::path& file) {
    std::array<std::string, 8> lines;
    std::ifstream stream{file};
    for (auto& line : lines) {
        std::getline(stream, line);
        line.erase(line.find_last_not_of(" \r") + 1);
    }
    return lines;
}

/** A server process that works in `directory`, whoever started it; 0: none. On Windows the server itself has to see. */
int serverIn(const fs::path& directory) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator{"/proc", none}) {
        const auto program = fs::read_symlink(entry.path() / "exe", none).filename().string();
        if (program.starts_with("postgres") && fs::equivalent(entry.path() / "cwd", directory, none))
            return std::stoi(entry.path().filename().string());
    }
    return 0;
}

bool sendSignal(Process& server, int number) {
#ifdef _WIN32
    // As pg_ctl does: a server on Windows listens to its signals on a pipe.
    const auto pipe = R"(\\.\pipe\pgsignal_)" + std::to_string(server.pid());
    auto byte = static_cast<BYTE>(number);
    DWORD read = 0;
    return CallNamedPipeA(pipe.c_str(), &byte, 1, &byte, 1, &read, 1'000) != 0;
#else
    return server.signal(number);
#endif
}

class PostgreSql final : public holdfast::Resource {
public:
    PostgreSql(holdfast::Context& context, Settings settings) : context_{context}, settings_{std::move(settings)} {}

    // Also one that somebody else started: an engine must know of it before it starts a second one elsewhere.
    Presence probe(Check&) override {
        process_ = Process::find(context_);
        if (process_ && process_->exit()) context_.warning("while nobody watched: {}", process_->exit()->text());
        return process_ || serverIn(settings_.dataDirectory) != 0 ? Presence::running : Presence::notRunning;
    }

    bool adopt(Operation& op) override {
        if (!process_ || !process_->running() || !process_->matches(toProcess(settings_))) return false;
        listen();
        reach(op);
        context_.info("took over pid {}", process_->pid());
        watch();
        return true;
    }

    void online(Operation& op) override {
        process_.reset();
        prepare();
        process_ = Process::start(context_, toProcess(settings_), op);
        listen();
        if (reach(op)) beat(op);
        watch();
    }

    void offline(Operation& op) override {
        session_.reset();  // a smart shutdown waits for every client
        if (!process_) return;
        process_->onExit([](const holdfast::ProcessExit&) {});  // it is asked for
#ifndef _WIN32
        if (process_->running()) process_->signal(SIGCONT);  // a paused one cannot obey
#endif
        // Told to be immediate, a server kills what is left of it after 5 s.
        for (const auto& [how, patience] : {std::pair{settings_.shutdown, settings_.shutdownPatience}, lastResort}) {
            if (!process_->running() || !sendSignal(*process_, static_cast<int>(how))) continue;
            const auto down = [&] { return tell(op, "shutting down"), !process_->running(); };
            if (!op.waitUntil(down, patience, 10ms))
                context_.warning("not down after {} ms: the next start will have to recover", patience.count());
        }
        if (!process_->end()) throw Error{busy, "what the server started does not end; the log names it"};
    }

    // Needs no object of an operation that may still run: the reaper is found by the resource's name.
    void terminate() noexcept override { Process::end(context_); }

    Verdict looksAlive(Check&) override {
        return process_->running() ? Verdict::alive() : Verdict::failed("the server " + process_->exit()->text());
    }

    Verdict isAlive(Check& check) override {
        if (auto verdict = looksAlive(check); !verdict) return verdict;
        const bool full = !reach(check);
        try {
            if (session_) beat(check);
        } catch (const Refused& error) {
            if (!full || !error.lost()) throw;
        }
        return Verdict::alive();
    }

private:
    /** Refuses what cannot work, and takes away what would make the server refuse. */
    void prepare() {
        const auto& data = settings_.dataDirectory;
        const auto need = [](const fs::path& file, std::string_view advice) {
            if (!fs::exists(file)) throw Error::make(notInstalled, "there is no {}: {}", file.string(), advice);
        };
        need(data / "PG_VERSION", "is the disk of DataDirectory mounted, and was initdb run?");
        need(programOf(settings_), "install that version of PostgreSQL, or set BinDirectory");
        need(settings_.configFile.empty() ? data / "postgresql.conf" : settings_.configFile,
             "set ConfigFile (Debian: /etc/postgresql/VERSION/CLUSTER/postgresql.conf)");
        if (const int pid = serverIn(data); pid != 0) {
            throw Error::make(busy,
                              "pid {} serves {} already and is not this resource's: stop it first, and its service",
                              pid, data.string());
        }
#ifndef _WIN32
        if (const auto& sockets = settings_.socketDirectory; !sockets.empty() && fs::create_directory(sockets)) {
            struct stat owner {};  // a reboot empties /run
            if (::stat(data.c_str(), &owner) == 0)
                static_cast<void>(::chown(sockets.c_str(), owner.st_uid, owner.st_gid));
        }
        // No server works here: a lock file is a dead one's, of this node or another. Its pid may be a stranger's by now.
        const auto lines = linesOf(data / "postmaster.pid");
        const auto socket = fs::path{lines[lineSocket]} / (".s.PGSQL." + lines[linePort] + ".lock");
        if (!lines[lineSocket].empty() && linesOf(socket)[lineDirectory] == lines[lineDirectory]) fs::remove(socket);
        if (fs::remove(data / "postmaster.pid")) {
            context_.warning("removed a stale postmaster.pid: pid {} is no server of {}", lines[linePid],
                             data.string());
        }
#endif
    }

    /**
     * Connects anew, as a client would. While the server starts, recovers or does not answer, the wait goes on until
     * `call` is stopped: how long is too long, the policy says. False if it is full; an earlier connection is kept then.
     */
    bool reach(holdfast::Stoppable& call) {
        for (;; call.sleepFor(20ms)) {
            if (!process_->running()) fail(call);
            const auto at = linesOf(settings_.dataDirectory / "postmaster.pid");
            const bool accepts = at[linePid] == std::to_string(process_->pid()) && at[lineStatus] != "starting";
            std::string why{"starting"};
            try {
                if (accepts && !at[lineStatus].empty()) {
                    session_.emplace(parameters(at), settings_.dataDirectory, call);
                    return true;
                }
            } catch (const Refused& error) {
                why = error.what();
                if (error.state() == "53300") {
                    context_.warning("every connection is taken, so this check proves less: {}", why);
                    return false;
                }
                if (!error.lost()) throw;  // else: not yet, or not again, when it recovers from a crash by itself
            }
            tell(call, why);
        }
    }

    [[nodiscard]] Session::Parameters parameters(const std::array<std::string, 8>& at) const {
        const auto& address = at[lineAddress];
        const auto host = !at[lineSocket].empty() ? at[lineSocket] : address == "*" ? "localhost" : address;
        // A standby that is down must not fail this server: "local" waits for its own disk alone.
        auto options = fmt::format("-c statement_timeout={} -c synchronous_commit=local -c client_min_messages=error",
                                   settings_.statementTimeout.count());
        return {{"host", host},
                {"port", at[linePort]},
                {"dbname", settings_.database},
                {"user", settings_.checkUser},
                {"password", settings_.checkPassword},
                {"application_name", "holdfast"},
                {"gssencmode", "disable"},
                {"options", options + " -c default_transaction_read_only=off"}};
    }

    /** Writes, reads back, queries. The connection is kept only if all goes well. */
    void beat(holdfast::Stoppable& call) {
        auto session = std::exchange(session_, std::nullopt);
        const auto now = session->ask(
            "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' "
            "WHEN to_regclass('holdfast_heartbeat') IS NULL THEN 'new' END",
            call);
        const bool standby = now == "standby";
        if (standby && !standby_) context_.info("a standby: it is read, and not written to");
        standby_ = standby;
        if (now == "new")
            session->ask("CREATE TABLE holdfast_heartbeat (resource text PRIMARY KEY, beat bigint)", call);
        if (!standby) {
            const auto name = session->quoted(context_.resourceName());
            const auto next = std::to_string(++beat_);
            const auto row = "(" + name + ", " + next + ")";
            session->ask("INSERT INTO holdfast_heartbeat VALUES " + row +
                             " ON CONFLICT (resource) DO UPDATE SET beat = excluded.beat",
                         call);
            const auto read = session->ask("SELECT beat FROM holdfast_heartbeat WHERE resource = " + name, call);
            if (read != next) throw Error::make(corrupted, "wrote heartbeat {} but read {}", next, read);
        }
        session->ask(settings_.query, call);
        session_ = std::move(session);
    }

    /** Its output is the log's, and tells how far it is and why it ended. */
    void listen() {
        process_->onOutput([this](std::string_view line) {
            context_.log(holdfast::LogLevel::information, line);
            const auto fatal = std::min(line.find("FATAL:"), line.find("PANIC:"));
            const std::lock_guard lock{mutex_};
            if (fatal != std::string_view::npos || line.starts_with("postgres: ")) {
                fatal_ = line.substr(fatal != std::string_view::npos ? fatal : 0);
            } else if (const auto at = line.find("LOG:  "); at != std::string_view::npos) {
                progress_ = line.substr(at + 6);
            }
        });
    }

    void watch() {  // its end is known at once, not at the next check
        process_->onExit(
            [this](const holdfast::ProcessExit& exit) { context_.reportFailure("the server " + exit.text()); });
    }

    [[noreturn]] void fail(holdfast::Stoppable& call) {
        const auto said = [this] {
            const std::lock_guard lock{mutex_};
            return fatal_;
        };
        call.waitUntil([&] { return !said().empty(); }, 200ms, 10ms);  // its last words may still be on their way
        throw Error{"the server " + process_->exit()->text() + "; " +
                    (said().empty() ? "the log may say why" : said())};
    }

    /** What is new, or once a second that nothing is. A check says it once. */
    void tell(holdfast::Stoppable& call, std::string_view what) {
        auto text = [&] {
            const std::lock_guard lock{mutex_};
            return fmt::format("{}{}{}", what, progress_.empty() ? "" : "; ", progress_);
        }();
        const auto now = std::chrono::steady_clock::now();
        if (text == told_ && now - toldAt_ < 1s) return;
        told_ = text, toldAt_ = now;
        if (auto* const op = dynamic_cast<Operation*>(&call)) {
            op->checkpoint(text);
        } else {
            context_.warning("the check waits: {}", text);
        }
    }

    holdfast::Context& context_;
    const Settings settings_;
    std::optional<Session> session_;
    bool standby_{false};
    std::int64_t beat_{std::chrono::system_clock::now().time_since_epoch() / 1ms};
    std::string told_;
    std::chrono::steady_clock::time_point toldAt_;
    std::mutex mutex_;
    std::string progress_, fatal_;    // under mutex_
    std::optional<Process> process_;  // last: its callbacks use the others
};

}  // namespace

HOLDFAST_AGENT(
    holdfast::ResourceType<PostgreSql, Settings>{"PostgreSQL"}
        .description("A PostgreSQL server: started, recovered, written to and read from, and shut down")
        .property("DataDirectory", &Settings::dataDirectory, holdfast::required,
                  "Where initdb put the database cluster")
        .property("ConfigFile", &Settings::configFile, "Default: postgresql.conf in DataDirectory")
        .property("BinDirectory", &Settings::binDirectory, "Of the server; default: of DataDirectory's version")
        .property("User", &Settings::user, "Runs the server, and owns DataDirectory")
        .property("SocketDirectory", &Settings::socketDirectory, "Of the server's socket; default: as configured")
        .property("Port", &Settings::port, "Of the server; 0: as configured")
        .property("Options", &Settings::options, "More arguments of the server, one by one")
        .property("Database", &Settings::database, "Where the checks write and query")
        .property("CheckUser", &Settings::checkUser, "Role of the checks; owns or may write holdfast_heartbeat")
        .property("CheckPassword", &Settings::checkPassword, holdfast::secret, "Of CheckUser, where one is asked for")
        .property("CheckQuery", &Settings::query, "Statement that IsAlive runs; it must succeed")
        .property("StatementTimeout", &Settings::statementTimeout, holdfast::range(10ms, 1h),
                  "Longest that one statement of a check may take; below CheckTimeout")
        .property("ShutdownMode", &Settings::shutdown, shutdowns, "How offline ends it: fast, smart or immediate")
        .property("ShutdownPatience", &Settings::shutdownPatience, holdfast::range(0ms, 24h),
                  "Until a shutdown that is not done becomes an immediate one"));
