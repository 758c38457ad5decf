// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace bench {
namespace {

constexpr int exec_failed = 127;

/// Reads until the child closes its end or the limit is reached; false: the limit was reached.
bool read_all(int fd, std::chrono::seconds limit, std::string& into)
{
    using clock = std::chrono::steady_clock;
    const auto deadline = clock::now() + limit;
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now());
        if (left.count() <= 0) { return false; }
        pollfd readable{fd, POLLIN, 0};
        if (::poll(&readable, 1, static_cast<int>(left.count())) <= 0) { continue; }
        char buffer[4096];
        const auto got = ::read(fd, buffer, sizeof buffer);
        if (got > 0) {
            into.append(buffer, static_cast<std::size_t>(got));
        } else if (got == 0 || errno != EINTR) {
            return true;
        }
    }
}

std::string describe(int status)
{
    if (WIFSIGNALED(status)) { return std::string("killed by ") + ::strsignal(WTERMSIG(status)); }
    if (WEXITSTATUS(status) == exec_failed) { return "cannot be started"; }
    return "exit status " + std::to_string(WEXITSTATUS(status));
}

} // namespace

child_result run_child(const std::vector<std::string>& command, std::chrono::seconds limit)
{
    // All that allocates happens before the fork.
    std::vector<char*> argv;
    for (const std::string& word : command) { argv.push_back(const_cast<char*>(word.c_str())); }
    argv.push_back(nullptr);
    int ends[2];
    if (::pipe(ends) != 0) { throw std::system_error(errno, std::system_category(), "pipe"); }
    const pid_t pid = ::fork();
    if (pid < 0) { throw std::system_error(errno, std::system_category(), "fork"); }
    if (pid == 0) {
        ::dup2(ends[1], STDOUT_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        ::execv(argv[0], argv.data());
        ::_exit(exec_failed);
    }
    ::close(ends[1]);
    child_result result;
    const bool in_time = read_all(ends[0], limit, result.output);
    ::close(ends[0]);
    if (!in_time) { ::kill(pid, SIGKILL); }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    result.ok = in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!in_time) {
        result.failure = "no result within " + std::to_string(limit.count()) + " s";
    } else if (!result.ok) {
        result.failure = describe(status);
    }
    return result;
}

std::string own_path(const char* argv0)
{
    std::error_code no;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", no);
    return no ? std::filesystem::absolute(argv0).string() : path.string();
}

} // namespace bench
