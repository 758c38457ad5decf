// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "http_peer.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weft_test {

namespace {

constexpr int patience_ms = 5000;

std::string lower(std::string s)
{
    std::transform(s.begin(), s.end(), s.begin(), [](char c) {
        return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
    return s;
}

std::string trimmed(std::string s)
{
    s.erase(0, s.find_first_not_of(" \t"));
    s.erase(s.find_last_not_of(" \t") + 1);
    return s;
}

} // namespace

std::string wire_response::field(std::string_view name) const
{
    for (const auto& [n, v] : fields) {
        if (n == lower(std::string(name))) return v;
    }
    return {};
}

bool wire_response::has(std::string_view name) const
{
    return std::any_of(fields.begin(), fields.end(),
                       [&](const auto& f) { return f.first == lower(std::string(name)); });
}

// ---------------------------------------------------------------- wire

wire::wire(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
        ::close(descriptor_);
        throw std::runtime_error("cannot connect to the server");
    }
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

wire::~wire()
{
    close();
}

void wire::close()
{
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void wire::reset()
{
    const linger hard{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
}

wire& wire::send(std::string_view bytes)
{
    while (!bytes.empty()) {
        pollfd p{descriptor_, POLLOUT, 0};
        if (::poll(&p, 1, patience_ms) == 0) throw std::runtime_error("the server takes nothing");
        const ssize_t n =
            ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) continue;
        if (n < 0) return *this; // it has closed: what it had to say can be read
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return *this;
}

wire& wire::send_in_pieces(std::string_view bytes, std::size_t size)
{
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
        send(bytes.substr(0, size));
        std::this_thread::yield();
    }
    return *this;
}

wire& wire::end_of_sending()
{
    ::shutdown(descriptor_, SHUT_WR);
    return *this;
}

bool wire::fill()
{
    pollfd p{descriptor_, POLLIN, 0};
    if (::poll(&p, 1, patience_ms) == 0) throw std::runtime_error("the server does not answer");
    std::array<char, 65536> piece;
    const ssize_t n = ::recv(descriptor_, piece.data(), piece.size(), 0);
    if (n <= 0) return false;
    unread_.append(piece.data(), static_cast<std::size_t>(n));
    return true;
}

wire_response wire::receive(bool to_head)
{
    const auto need = [this] {
        if (!fill())
            throw std::runtime_error("the server closed in the middle of a response: \"" + unread_ +
                                     "\"");
    };
    const auto line = [&] {
        std::size_t end;
        while ((end = unread_.find("\r\n")) == std::string::npos) need();
        std::string l = unread_.substr(0, end);
        unread_.erase(0, end + 2);
        return l;
    };
    wire_response r;
    const std::string first = line();
    if (first.size() < 12 || first.compare(0, 7, "HTTP/1.") != 0)
        throw std::runtime_error("no status line: \"" + first + "\"");
    r.status = std::stoi(first.substr(9, 3));
    r.reason = first.size() > 13 ? first.substr(13) : "";
    for (std::string l = line(); !l.empty(); l = line()) {
        const std::size_t colon = l.find(':');
        if (colon == std::string::npos) throw std::runtime_error("no header field: \"" + l + "\"");
        r.fields.emplace_back(lower(l.substr(0, colon)), trimmed(l.substr(colon + 1)));
    }
    r.chunked = lower(r.field("transfer-encoding")) == "chunked";
    if (to_head || r.status < 200 || r.status == 204 || r.status == 304) return r;
    const auto take = [&](std::size_t n) {
        while (unread_.size() < n) need();
        std::string taken = unread_.substr(0, n);
        unread_.erase(0, n);
        return taken;
    };
    if (r.chunked) {
        while (const std::size_t n = std::stoul(line(), nullptr, 16)) {
            r.body += take(n);
            if (!line().empty()) throw std::runtime_error("no end of line after a chunk");
        }
        while (!line().empty()) {}
    } else if (r.has("content-length")) {
        r.body = take(std::stoul(r.field("content-length")));
    } else {
        while (fill()) {}
        r.body = std::exchange(unread_, {});
    }
    return r;
}

std::string wire::receive_all()
{
    while (fill()) {}
    return std::exchange(unread_, {});
}

bool wire::is_closed_by_server()
{
    return unread_.empty() && !fill();
}

bool wire::is_silent_for(int milliseconds)
{
    pollfd p{descriptor_, POLLIN, 0};
    return unread_.empty() && ::poll(&p, 1, milliseconds) == 0;
}

// ---------------------------------------------------------------- served

served::served(const set_up& routes, weft::http::server_options options, unsigned procs)
    : runtime_({.procs = procs}), server_(std::move(options))
{
    routes(server_);
    port_ = server_.listen("127.0.0.1:0").port();
    auto serve = [](weft::http::server& s) -> weft::task<> { co_await s.serve(); };
    serving_ = weft::spawn(runtime_.get_executor(), serve, std::ref(server_));
}

served::~served()
{
    if (!ended_) server_.close();
    const weft::shutdown_report left = runtime_.shutdown(std::chrono::seconds(5));
    CHECK_MESSAGE(left.clean(), "goroutines are left behind");
}

wire_response served::ask(std::string_view request, bool to_head) const
{
    wire w = connect();
    w.send(request);
    return w.receive(to_head);
}

wire_response served::get(std::string_view target) const
{
    return ask("GET " + std::string(target) +
               " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
}

void wait_for(const std::function<bool()>& condition)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            throw std::runtime_error("what was waited for did not come about");
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

bool served::is_left_alone() const
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
    while (server_.statistics().open != 0) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

bool served::shut_down(weft::duration limit)
{
    ended_ = true;
    auto stop = [](weft::http::server& s, weft::duration d) -> weft::task<bool> {
        const auto t = weft::with_timeout(weft::background(), d);
        try {
            co_await s.shutdown(t.ctx);
            co_return true;
        } catch (const weft::error&) {
            s.close();
            co_return false;
        }
    };
    return weft::sync_wait(runtime_.get_executor(), stop(server_, limit));
}

} // namespace weft_test
