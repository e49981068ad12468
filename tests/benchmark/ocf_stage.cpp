// SPDX-License-Identifier: BSL-1.0
#include "ocf_stage.hpp"

#include "ocf/place.hpp"
#include "ocf/record.hpp"
#include "process/names.hpp"
#include "process/proc.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace ocf_stage {
namespace {

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> all;
    for (auto& word : words) all.push_back(word.data());
    all.push_back(nullptr);
    return all;
}

posix_spawn_file_actions_t* silent() {
    static posix_spawn_file_actions_t actions = [] {
        posix_spawn_file_actions_t made;
        ::posix_spawn_file_actions_init(&made);
        for (const int fd : {0, 1, 2}) ::posix_spawn_file_actions_addopen(&made, fd, "/dev/null", O_RDWR, 0);
        return made;
    }();
    return &actions;
}

double microseconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
}

std::string commandLine(int pid) {
    std::string line = holdfast::process::readFile(("/proc/" + std::to_string(pid) + "/cmdline").c_str());
    for (char& one : line) {
        if (one == '\0') one = ' ';
    }
    return line;
}

}  // namespace

// ---- commands ----------------------------------------------------------------------------------------------------

int begin(const std::vector<std::string>& words, const Variables& environment) {
    std::vector<std::string> arguments = words;
    std::vector<std::string> variables{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
    for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
    int pid = 0;
    if (::posix_spawn(&pid, words[0].c_str(), silent(), nullptr, pointers(arguments).data(),
                      pointers(variables).data()) != 0) {
        throw std::runtime_error{"cannot start " + words[0]};
    }
    return pid;
}

Spent finish(int pid, Clock::time_point since) {
    constexpr int patience = 60'000;  // ms
    const int watch = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    pollfd watched{watch, POLLIN, 0};
    if (watch >= 0 && ::poll(&watched, 1, patience) == 0) ::kill(pid, SIGKILL);
    if (watch >= 0) ::close(watch);
    int status = 0;
    rusage used{};
    ::wait4(pid, &status, 0, &used);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 1'000 + WTERMSIG(status), microseconds(Clock::now() - since),
            microseconds(used.ru_utime) + microseconds(used.ru_stime)};
}

Spent execute(const std::vector<std::string>& words, const Variables& environment) {
    const auto start = Clock::now();
    return finish(begin(words, environment), start);
}

double processorOf(int pid) {
    double sum = 0;
    std::error_code gone;
    for (const auto& task : fs::directory_iterator{"/proc/" + std::to_string(pid) + "/task", gone}) {
        double nanoseconds = 0;
        std::ifstream{task.path() / "schedstat"} >> nanoseconds;
        sum += nanoseconds / 1'000;
    }
    return sum;
}

// ---- Folder ------------------------------------------------------------------------------------------------------

Folder::Folder() {
    std::string name = (fs::temp_directory_path() / "holdfast-bench.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot make " + name};
    path_ = name;
    fs::permissions(path_, fs::perms{0711});  // a database's user goes through it
    fs::create_directories(path_ / "run");
    ::setenv("HA_RSCTMP", (path_ / "run").c_str(), 1);
}

Folder::~Folder() {
    for (const int pid : holdfast::process::allProcesses()) {
        const auto place = holdfast::process::environmentOf(pid, "HA_RSCTMP");
        if (place && *place == (path_ / "run").string()) ::kill(pid, SIGKILL);
    }
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

// ---- Agent -------------------------------------------------------------------------------------------------------

Agent::Agent(const Folder& folder, std::string instance, std::string program, const Variables& parameters)
    : instance_{std::move(instance)}, program_{std::move(program)}, runDirectory_{folder.file("run")} {
    environment_ = {{"OCF_ROOT", "/usr/lib/ocf"},
                    {"OCF_RA_VERSION_MAJOR", "1"},
                    {"OCF_RA_VERSION_MINOR", "1"},
                    {"OCF_RESOURCE_INSTANCE", instance_},
                    {"OCF_RESKEY_CRM_meta_interval", "1000"},
                    {"OCF_RESKEY_CRM_meta_timeout", "60000"},
                    {"HA_RSCTMP", runDirectory_},
                    {"HA_LOGFACILITY", "none"},
                    {"PCMK_service", "pacemaker-execd"}};
    for (const auto& [name, value] : parameters) environment_.emplace_back("OCF_RESKEY_" + name, value);
}

Agent::~Agent() {
    if (started_) static_cast<void>(run("stop"));
}

void Agent::start() {
    if (const Spent spent = run("start"); spent.status != 0) {
        throw std::runtime_error{program_ + ": start ends with " + std::to_string(spent.status)};
    }
    started_ = true;
}

void Agent::stop() {
    started_ = false;
    if (const Spent spent = run("stop"); spent.status != 0) {
        throw std::runtime_error{program_ + ": stop ends with " + std::to_string(spent.status)};
    }
}

int Agent::hostPid() const {
    const auto record = holdfast::ocf::restore(holdfast::ocf::Place::of(instance_).record);
    return record && holdfast::ocf::lives(*record) ? record->pid : 0;
}

int Agent::processPid() const {
    for (const int pid : holdfast::process::allProcesses()) {
        if (!commandLine(pid).starts_with(victim)) continue;
        const auto stat = holdfast::process::readStat(pid);
        const auto tree = holdfast::process::environmentOf(pid, holdfast::process::treeVariable);
        if (stat && !stat->dead() && tree && *tree == runDirectory_ + "/holdfast:" + instance_) return pid;
    }
    return 0;
}

// ---- Database ----------------------------------------------------------------------------------------------------

Database::Database(const Folder& folder) : data_{folder.file("data")}, sockets_{folder.file("sockets")} {
    std::error_code none;
    int newest = 0;
    for (const auto& entry : fs::directory_iterator{"/usr/lib/postgresql", none}) {
        const int version = std::atoi(entry.path().filename().c_str());
        if (version > newest && fs::exists(entry.path() / "bin/initdb")) {
            newest = version;
            binaries_ = (entry.path() / "bin").string();
        }
    }
    const auto* const user = ::getpwnam("postgres");
    if (::geteuid() != 0) problem_ = "a server of its own user takes root";
    if (binaries_.empty() || user == nullptr) problem_ = "no PostgreSQL server is installed";
    if (!problem_.empty()) return;
    for (const auto& each : {data_, sockets_}) {
        fs::create_directory(each);
        if (::chown(each.c_str(), user->pw_uid, user->pw_gid) != 0) problem_ = "cannot give " + each + " away";
    }
    const Spent made = execute({"/usr/sbin/runuser", "-u", "postgres", "--", binaries_ + "/initdb", "-D", data_, "-A",
                                "trust", "-N", "-E", "UTF8", "--locale=C"},
                               {});
    if (made.status != 0) problem_ = "initdb ends with " + std::to_string(made.status);
    std::ofstream{data_ + "/postgresql.conf", std::ios::app}
        << "fsync = off\nshared_buffers = 16MB\nlisten_addresses = ''\nport = 5498\nunix_socket_directories = '"
        << sockets_ << "'\n";
}

Database::~Database() {
    if (const int pid = postmaster(); pid > 0) ::kill(pid, SIGQUIT);
    clear();
}

Variables Database::heartbeatParameters() const {
    return {{"pgctl", binaries_ + "/pg_ctl"}, {"psql", "/usr/bin/psql"},     {"pgdata", data_}, {"pgport", "5498"},
            {"socketdir", sockets_},          {"logfile", sockets_ + "/log"}};
}

int Database::postmaster() const {
    int pid = 0;
    std::ifstream{data_ + "/postmaster.pid"} >> pid;
    return pid > 0 && commandLine(pid).find(data_) != std::string::npos ? pid : 0;
}

void Database::clear() const {
    if (!problem_.empty()) return;
    // Its children notice on their own that the server is gone; a new one does not start beside them. Each works in its folder.
    const auto lives = [this] {
        for (const int pid : holdfast::process::allProcesses()) {
            std::error_code gone;
            if (fs::read_symlink("/proc/" + std::to_string(pid) + "/cwd", gone) == data_) return true;
        }
        return false;
    };
    const auto until = Clock::now() + std::chrono::seconds{30};
    while (lives()) {
        if (Clock::now() >= until) return;
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    // Whoever is its parent may not have waited for it yet: its process id exists, and its socket's lock would count.
    std::error_code none;
    fs::remove(sockets_ + "/.s.PGSQL.5498.lock", none);
}

}  // namespace ocf_stage
