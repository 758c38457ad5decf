// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "redis_server.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace relay_test {

namespace {

using namespace std::chrono_literals;

/// redis-server; or redis-check-rdb, which is the same program where Debian has only the tools.
std::string program()
{
    const char* path = std::getenv("PATH");
    const std::string all = path ? path : "/usr/bin:/bin";
    for (const char* name : {"redis-server", "redis-check-rdb"}) {
        for (std::size_t at = 0; at <= all.size();) {
            const std::size_t end = std::min(all.find(':', at), all.size());
            const std::string file = all.substr(at, end - at) + "/" + name;
            if (::access(file.c_str(), X_OK) == 0) return file;
            at = end + 1;
        }
    }
    return "";
}

sockaddr_in local(std::uint16_t port)
{
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons(port);
    return a;
}

std::uint16_t free_port()
{
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a = local(0);
    socklen_t size = sizeof a;
    const bool good = ::bind(s, reinterpret_cast<sockaddr*>(&a), size) == 0 &&
                      ::getsockname(s, reinterpret_cast<sockaddr*>(&a), &size) == 0;
    ::close(s);
    if (!good) throw std::runtime_error("no free port");
    return ntohs(a.sin_port);
}

/// So that no other test takes the port before it is used; -1: one has it. (Linux: a name that goes with the socket.)
int reserve_port(std::uint16_t port)
{
    const int s = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    const std::string name = "weft redis_server " + std::to_string(port);
    name.copy(a.sun_path + 1, name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(s, reinterpret_cast<sockaddr*>(&a), size) == 0) return s;
    ::close(s);
    return -1;
}

/// The kernel kills the child when the thread that made it has gone; so that one stays until the child has. The caller may be a
/// worker of a runtime that ends sooner.
pid_t launch(std::vector<std::string> arguments, std::string file)
{
    std::promise<pid_t> started;
    std::future<pid_t> pid = started.get_future();
    std::thread([arguments = std::move(arguments), file = std::move(file),
                 started = std::move(started)]() mutable {
        std::vector<char*> argv;
        for (std::string& a : arguments) argv.push_back(a.data());
        argv.push_back(nullptr);
        const pid_t parent = ::getpid();
        const pid_t child = ::fork();
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent) ::_exit(127);
            const int nothing = ::open("/dev/null", O_RDWR);
            for (int fd : {0, 1, 2}) ::dup2(nothing, fd);
            ::execv(file.c_str(), argv.data());
            ::_exit(127);
        }
        started.set_value(child);
        siginfo_t how;
        ::waitid(P_PID, static_cast<id_t>(child), &how, WEXITED | WNOWAIT);
    }).detach();
    return pid.get();
}

} // namespace

redis_server::redis_server(std::vector<std::string> arguments) : arguments_(std::move(arguments))
{
    for (int i = 0;; ++i) {
        do {
            port_ = free_port();
            reservation_ = reserve_port(port_);
        } while (reservation_ < 0);
        try {
            start();
            return;
        } catch (const std::runtime_error&) { // somebody else has taken the port
            kill();
            ::close(reservation_);
            if (i == 5) throw;
        }
    }
}

redis_server::~redis_server()
{
    kill();
    ::close(reservation_);
}

bool redis_server::is_installed()
{
    return !program().empty();
}

std::string redis_server::url(const std::string& queue) const
{
    return "redis://127.0.0.1:" + std::to_string(port_) + "/" + queue;
}

std::string redis_server::append_file() const
{
    return directory_.file("appendonlydir/appendonly.aof.1.incr.aof");
}

void redis_server::kill()
{
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

void redis_server::start(bool until_it_answers)
{
    std::vector<std::string> argv{"redis-server",
                                  "--port",
                                  std::to_string(port_),
                                  "--bind",
                                  "127.0.0.1",
                                  "--dir",
                                  directory_.path().string(),
                                  "--save",
                                  "",
                                  "--logfile",
                                  directory_.file("log")};
    argv.insert(argv.end(), arguments_.begin(), arguments_.end());
    pid_ = launch(std::move(argv), program());
    if (!until_it_answers) return;
    for (const auto end = std::chrono::steady_clock::now() + 30s; !answers();) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            std::ifstream log(directory_.file("log"));
            throw std::runtime_error("redis-server ended: " +
                                     std::string(std::istreambuf_iterator<char>(log), {}));
        }
        if (std::chrono::steady_clock::now() > end)
            throw std::runtime_error("redis-server does not answer");
        std::this_thread::sleep_for(5ms);
    }
}

void redis_server::stop_running()
{
    ::kill(pid_, SIGSTOP);
}

void redis_server::go_on()
{
    ::kill(pid_, SIGCONT);
}

/// It has loaded what there was: its answer is a pong, or that it wants a password.
bool redis_server::answers() const
{
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in a = local(port_);
    char answer[16] = {};
    const bool connected = ::connect(s, reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0 &&
                           ::send(s, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
                           ::recv(s, answer, sizeof answer - 1, 0) > 0;
    ::close(s);
    const std::string text(answer);
    return connected && (text.starts_with("+PONG") || text.starts_with("-NOAUTH"));
}

} // namespace relay_test
