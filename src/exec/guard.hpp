// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/error.hpp>

#include <boost/thread/exceptions.hpp>

#include <exception>
#include <string>

namespace holdfast::inline v1::exec {

/** How a call into the author's code ended. */
struct CallEnd {
    bool returned{false};
    bool stopped{false};  ///< by `Stopped` or an interruption
    ErrorCode code{ErrorCode::failed};
    std::string text;  ///< why, when it threw
};

/**
 * Calls `call` and turns whatever it throws into a value (promise 4).
 *
 * The one thing that passes is the unwinding of a thread that ends itself: swallowing it would end the process.
 */
template <typename Call>
CallEnd guarded(Call&& call) {
    CallEnd end;
    try {
        call();
        end.returned = true;
    } catch (const Stopped&) {
        end.stopped = true;
        end.text = "stopped";
    } catch (const boost::thread_interrupted&) {
        end.stopped = true;
        end.text = "interrupted";
    } catch (const Error& error) {
        end.code = error.code();
        end.text = detail::textOf(error);
    } catch (const std::exception& error) {
        end.text = detail::textOf(error);
    } catch (...) {
        // Not a C++ exception: the call ends this thread, and swallowing that would end the process.
        if (!std::current_exception()) throw;
        end.text = "an exception that is no std::exception";
    }
    return end;
}

/** Runs `function` when the scope is left, also by a thread that ends itself. */
template <typename Function>
class OnLeave {
public:
    explicit OnLeave(Function function) : function_{std::move(function)} {}
    OnLeave(const OnLeave&) = delete;
    OnLeave& operator=(const OnLeave&) = delete;
    ~OnLeave() { function_(); }

private:
    Function function_;
};

}  // namespace holdfast::inline v1::exec
