// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One connection to a PostgreSQL server by asynchronous libpq: every wait ends when the call is told to stop.

#include <holdfast/resource.hpp>

#include <libpq-fe.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#ifdef _WIN32
#include <winsock2.h>
#else
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace postgresql {

/** What the server answered instead, or that none did. */
class Refused final : public holdfast::Error {
public:
    Refused(std::string_view state, const std::string& text) : Error{codeOf(state), text}, state_{state} {}
    /** A connection's end. libpq tells its SQLSTATE in the text alone: "… FATAL:  57P03: the database system is …". */
    explicit Refused(PGconn* connection) : Refused{split(connection)} {}
    explicit Refused(const PGresult* result)
        : Refused{field(result, PG_DIAG_SQLSTATE), field(result, PG_DIAG_MESSAGE_PRIMARY) + tail(result)} {}

    /** SQLSTATE; empty if no server answered. */
    [[nodiscard]] const std::string& state() const { return state_; }
    /** The connection is gone: nobody answered, or the server ended it (class 57P). */
    [[nodiscard]] bool lost() const { return state_.empty() || state_.starts_with("57P"); }

private:
    explicit Refused(const std::pair<std::string, std::string>& parts) : Refused{parts.first, parts.second} {}

    static holdfast::ErrorCode codeOf(std::string_view state) {
        using enum holdfast::ErrorCode;
        static const std::map<std::string_view, holdfast::ErrorCode> codes{
            {"53100", outOfResources}, {"53200", outOfResources}, {"53300", busy},         {"57P03", busy},
            {"57014", timeout},        {"28000", permission},     {"28P01", permission},   {"42501", permission},
            {"XX001", corrupted},      {"XX002", corrupted},      {"3D000", configuration}};
        return codes.contains(state) ? codes.at(state) : failed;
    }
    static std::pair<std::string, std::string> split(PGconn* connection) {
        std::string text = PQerrorMessage(connection);
        text.erase(std::min(text.find('\n'), text.size()));
        if (PQconnectionNeedsPassword(connection) != 0) return {"28P01", text};  // libpq itself gave up
        const auto at = text.find(":  ");
        if (at == std::string::npos || text.compare(std::min(at + 8, text.size()), 2, ": ") != 0) return {"", text};
        const auto state = text.substr(at + 3, 5);
        return {state, text.erase(at + 3, 7)};
    }
    static std::string field(const PGresult* result, int which) {
        const char* const text = PQresultErrorField(result, which);
        return text != nullptr ? text : "";
    }
    static std::string tail(const PGresult* result) {
        const auto detail = field(result, PG_DIAG_MESSAGE_DETAIL);
        return detail.empty() ? detail : "; " + detail;
    }

    std::string state_;
};

/** While it lives, this thread alone is the owner of `folder`: root is nobody whom a server with "peer" knows. */
class Owner {
public:
    explicit Owner([[maybe_unused]] const std::filesystem::path& folder) {
#ifdef __linux__
        struct stat is {};
        // The system call itself: the library's function changes every thread.
        owned_ = geteuid() == 0 && ::stat(folder.c_str(), &is) == 0 && is.st_uid != 0 &&
                 syscall(SYS_setresuid, -1, is.st_uid, -1) == 0;
#endif
    }
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    ~Owner() {
#ifdef __linux__
        if (owned_) syscall(SYS_setresuid, -1, 0, -1);
#endif
    }

private:
    [[maybe_unused]] bool owned_{false};
};

class Session {
public:
    using Parameters = std::vector<std::pair<const char*, std::string>>;

    /** Connects; throws `Refused`. */
    Session(const Parameters& parameters, const std::filesystem::path& folder, holdfast::Stoppable& call) {
        std::vector<const char*> names, values;
        for (const auto& [name, value] : parameters) names.push_back(name), values.push_back(value.c_str());
        names.push_back(nullptr), values.push_back(nullptr);
        {
            const Owner owner{folder};
            connection_.reset(PQconnectStartParams(names.data(), values.data(), 0));
        }
        if (!connection_) throw std::bad_alloc{};
        PQsetErrorVerbosity(get(), PQERRORS_VERBOSE);
        PQsetNoticeProcessor(
            get(), [](void*, const char*) {}, nullptr);  // it would write to stderr
        for (auto wants = PGRES_POLLING_WRITING; wants != PGRES_POLLING_OK; wants = PQconnectPoll(get())) {
            if (wants == PGRES_POLLING_FAILED || PQstatus(get()) == CONNECTION_BAD) throw Refused{get()};
            await(wants == PGRES_POLLING_WRITING ? POLLOUT : POLLIN, call);
        }
    }

    /** Runs one statement: its first value, or nothing. A stop cancels it in the server, too. */
    std::string ask(const std::string& sql, holdfast::Stoppable& call) {
        const std::unique_ptr<PGcancel, void (*)(PGcancel*)> cancel{PQgetCancel(get()), &PQfreeCancel};
        const auto onStop = call.onStop([&cancel] {
            char why[256];
            PQcancel(cancel.get(), why, sizeof why);  // waits for the postmaster; terminate() ends that, too
        });
        if (PQsendQuery(get(), sql.c_str()) == 0) throw Refused{get()};
        std::optional<Refused> refused;
        for (std::string value;;) {
            while (PQisBusy(get()) != 0) {
                await(POLLIN, call);
                if (PQconsumeInput(get()) == 0) throw Refused{get()};
            }
            const std::unique_ptr<PGresult, void (*)(PGresult*)> result{PQgetResult(get()), &PQclear};
            if (!result && refused) throw Refused{*refused};  // only now the next statement can be sent
            if (!result) return value;
            const auto status = PQresultStatus(result.get());
            if (status == PGRES_FATAL_ERROR) {
                refused.emplace(result.get());
            } else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY) {
                throw holdfast::Error{holdfast::ErrorCode::configuration, "no plain statement: " + sql};
            } else if (PQntuples(result.get()) > 0) {
                value = PQgetvalue(result.get(), 0, 0);
            }
        }
    }

    /** `text` as a literal of SQL. */
    [[nodiscard]] std::string quoted(const std::string& text) {
        const std::unique_ptr<char, void (*)(void*)> literal{PQescapeLiteral(get(), text.c_str(), text.size()),
                                                             &PQfreemem};
        if (!literal) throw Refused{get()};
        return literal.get();
    }

private:
    [[nodiscard]] PGconn* get() const { return connection_.get(); }

    void await(int events, holdfast::Stoppable& call) {
#ifdef _WIN32
        const auto poll = &WSAPoll;
#endif
        pollfd socket{};
        socket.fd = static_cast<decltype(socket.fd)>(PQsocket(get()));
        socket.events = static_cast<short>(events);
        do call.throwIfStopped();
        while (poll(&socket, 1, 10) == 0);
        call.throwIfStopped();
    }

    std::unique_ptr<PGconn, void (*)(PGconn*)> connection_{nullptr, &PQfinish};
};

}  // namespace postgresql
