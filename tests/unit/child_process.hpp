// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <weft/detail/config.hpp>

#include <csignal>
#include <cstdlib>
#include <string>

#if defined(__unix__) || defined(__APPLE__)
#    include <sys/resource.h>
#    include <sys/wait.h>
#    include <unistd.h>
#    define WEFT_TEST_CAN_FORK 1
#endif

namespace weft_test {

#if defined(WEFT_TEST_CAN_FORK)

/// How the report of a deadlock begins.
inline const std::string deadlock_verdict =
    "fatal error: all goroutines are asleep - deadlock!\n\n";

/// ThreadSanitizer has a thread of its own, which might be one that sends: no deadlock is ever certain.
#    if defined(WEFT_TSAN)
inline constexpr bool deadlock_is_told = false;
#    else
inline constexpr bool deadlock_is_told = true;
#    endif

/// How a child process ended and what it wrote to stderr.
struct child_result {
    int status = -1; ///< exit status; -1: ended by a signal
    int signal = 0;  ///< the signal, or 0
    std::string errors;

    [[nodiscard]] bool wrote(const std::string& text) const
    {
        return errors.find(text) != errors.npos;
    }
};

/// Runs `f()` in a copy of this process, which must have no other threads at that time. The child
/// exits with 0 when `f` returns, and is killed (SIGALRM) after 20 s.
template <class F>
child_result in_child(F f)
{
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20);
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        std::signal(SIGABRT, SIG_DFL); // doctest would report it
        ::dup2(ends[1], 2);
        ::close(ends[0]);
        ::close(ends[1]);
        f();
        ::_exit(0);
    }
    ::close(ends[1]);
    child_result result;
    char room[4096];
    for (ssize_t n; (n = ::read(ends[0], room, sizeof room)) > 0;) {
        result.errors.append(room, static_cast<std::size_t>(n));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) result.status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
    return result;
}

#endif

} // namespace weft_test
