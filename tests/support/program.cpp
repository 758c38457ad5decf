// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "program.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft_test {

program::program(const std::string& file, std::vector<std::string> arguments, void (*before)())
{
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    arguments.insert(arguments.begin(), file);
    std::vector<char*> argv;
    for (std::string& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(ends[1], 1);
        ::dup2(ends[1], 2);
        if (before != nullptr) before();
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    out_ = ends[0];
}

program::~program()
{
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        (void)wait();
    }
    ::close(out_);
}

bool program::read_some()
{
    char piece[4096];
    const ssize_t n = ::read(out_, piece, sizeof piece);
    if (n > 0) printed_.append(piece, static_cast<std::size_t>(n));
    return n > 0;
}

void program::read_until(const std::string& text)
{
    while (printed_.find(text) == std::string::npos) {
        pollfd p{out_, POLLIN, 0};
        REQUIRE_MESSAGE(::poll(&p, 1, 10'000) > 0, "it does not print: " << text << "\n"
                                                                         << printed_);
        REQUIRE_MESSAGE(read_some(), "it ended: " << printed_);
    }
}

std::uint16_t program::port()
{
    const std::string before = "listening on http://127.0.0.1:";
    read_until(before);
    const std::size_t at = printed_.find(before) + before.size();
    while (printed_.find('\n', at) == std::string::npos) REQUIRE(read_some());
    return static_cast<std::uint16_t>(std::stoul(printed_.substr(at)));
}

void program::signal(int number) const
{
    ::kill(pid_, number);
}

int program::wait()
{
    while (read_some()) {} // else it may wait for us
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const std::string& program::printed()
{
    for (pollfd p{out_, POLLIN, 0}; ::poll(&p, 1, 0) > 0 && read_some();) {}
    return printed_;
}

finished run_program(const std::string& file, std::vector<std::string> arguments)
{
    program p(file, std::move(arguments));
    const int status = p.wait();
    return {status, p.printed()};
}

} // namespace weft_test
