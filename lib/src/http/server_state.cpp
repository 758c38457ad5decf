// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "server_state.hpp"

#include <weft/bind.hpp>
#include <weft/defer.hpp>
#include <weft/go.hpp>
#include <weft/log.hpp>
#include <weft/sleep.hpp>
#include <weft/this_goroutine.hpp>

#include <asio/as_tuple.hpp>
#include <asio/deferred.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/system_error.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <tuple>
#include <utility>

#include <unistd.h>

namespace weft::inline v0_1::http::detail {

namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;

/// A tenth of a second, or of the shortest time that matters.
duration tick_length_for(const server_options& o)
{
    duration shortest = 1s;
    for (const duration d :
         {o.header_timeout, o.body_timeout, o.idle_timeout, o.write_timeout, o.linger_idle}) {
        if (d > duration::zero()) shortest = std::min(shortest, d);
    }
    return std::max<duration>(shortest / 10, 10ms);
}

std::string text_of(const tcp::endpoint& e)
{
    const std::string address = e.address().to_string();
    return (e.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(e.port());
}

/// "host:port" in two.
std::pair<std::string, std::string> split_address(std::string_view address)
{
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos)
        throw std::invalid_argument("http: \"" + std::string(address) +
                                    "\" is no address: host:port is needed");
    std::string_view host = address.substr(0, colon);
    const std::string_view port = address.substr(colon + 1);
    const bool is_number =
        !port.empty() && port.find_first_not_of("0123456789") == std::string_view::npos;
    if (!is_number || port.size() > 5 || std::stoul(std::string(port)) > 65535)
        throw std::invalid_argument("http: \"" + std::string(address) +
                                    "\": the port must be a number up to 65535");
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    return {std::string(host), std::string(port)};
}

constexpr std::string_view refusal = "HTTP/1.1 503 Service Unavailable\r\n"
                                     "Content-Type: text/plain; charset=utf-8\r\n"
                                     "Content-Length: 21\r\n"
                                     "Retry-After: 1\r\n"
                                     "Connection: close\r\n\r\n"
                                     "too many connections\n";

} // namespace

/// A bound socket; it meets its runtime in `serve`.
struct server_state::listener {
    tcp::endpoint at;
    std::shared_ptr<tls_context> tls;
    int descriptor = -1;

    ~listener()
    {
        if (descriptor >= 0) ::close(descriptor);
    }
};

server_state::server_state(server_options o)
    : options(std::move(o)),
      tick_length_(tick_length_for(options)),
      root_(with_cancel(background())),
      accepting_(with_cancel(background())),
      permits_(static_cast<std::int64_t>(std::max<std::size_t>(options.max_connections, 1)))
{
}

server_state::~server_state() = default;

tick server_state::ticks(duration d) const noexcept
{
    // Not by adding first: `d` may be the longest there is.
    return static_cast<tick>(d / tick_length_) + (d % tick_length_ > duration::zero() ? 1 : 0);
}

// ---------------------------------------------------------------- listening

tcp::endpoint server_state::listen(std::string_view address, std::shared_ptr<tls_context> tls)
{
    const auto parts = split_address(address);
    const std::string& host = parts.first;
    const std::string& port = parts.second;
    asio::io_context nobody; // a socket needs one to be opened
    const auto fail = [&](const asio::error_code& ec) {
        throw asio::system_error(ec, "http: cannot listen on " + std::string(address));
    };
    asio::error_code ec;
    tcp::endpoint at(tcp::v6(), static_cast<std::uint16_t>(std::stoul(port)));
    if (!host.empty()) {
        const auto found = tcp::resolver(nobody).resolve(host, port, tcp::resolver::passive, ec);
        if (ec || found.empty()) fail(ec ? ec : asio::error_code(asio::error::host_not_found));
        at = found.begin()->endpoint();
    }
    tcp::acceptor acceptor(nobody);
    const auto bind_to = [&](const tcp::endpoint& e) {
        asio::error_code unimportant;
        (void)acceptor.close(unimportant);
        (void)acceptor.open(e.protocol(), ec);
        if (ec) return;
        (void)acceptor.set_option(tcp::acceptor::reuse_address(true), unimportant);
        if (host.empty() && e.protocol() == tcp::v6())
            (void)acceptor.set_option(asio::ip::v6_only(false), unimportant);
        (void)acceptor.bind(e, ec);
    };
    bind_to(at);
    if (host.empty() && ec && ec != asio::error::address_in_use) { // a machine without IPv6
        at = tcp::endpoint(tcp::v4(), at.port());
        bind_to(at);
    }
    if (ec) fail(ec);
    (void)acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) fail(ec);
    at = acceptor.local_endpoint();

    auto l = std::make_shared<listener>();
    l->at = at;
    l->tls = std::move(tls);
    l->descriptor = acceptor.release();
    listeners_.push_back(std::move(l));
    return at;
}

task<> server_state::accept_from(std::shared_ptr<listener> l)
{
    const executor ex = co_await asio::this_coro::executor;
    tcp::acceptor acceptor(ex, l->at.protocol(), std::exchange(l->descriptor, -1));
    const bool waits = options.when_full == overload::wait;
    asio::error_code ec;
    (void)acceptor.non_blocking(true, ec);
    // Else Asio waits by itself, and holds the thread, when who came has gone again.
    (void)acceptor.set_option(asio::socket_base::enable_connection_aborted(true), ec);

    duration pause{0};
    while (!accepting_.ctx.err()) {
        held_permit permit;
        if (waits) {
            try {
                co_await permits_.acquire(accepting_.ctx);
            } catch (const weft::error&) {
                break;
            }
            permit = held_permit(permits_);
        }
        tcp::socket socket(ex);
        (void)acceptor.accept(socket, ec);
        if (ec == asio::error::would_block) {
            permit = held_permit(); // another address may have somebody for it
            std::tie(ec) = co_await bind(
                accepting_.ctx, acceptor.async_wait(tcp::acceptor::wait_read, asio::deferred))(
                asio::as_tuple(asio::deferred));
            if (!ec) continue;
        }
        if (!ec) {
            pause = duration(0);
            accepted(*l, std::move(socket), std::move(permit));
            co_await this_goroutine::yield(); // what came goes before what comes
        } else if (!accepting_.ctx.err() && ec != asio::error::connection_aborted) {
            // Out of descriptors, most likely: they come back as connections end.
            pause = std::clamp<duration>(pause * 2, 5ms, 1s);
            log(log_level::warning, "http: accept on " + text_of(l->at) + ": " + ec.message() +
                                        "; retrying in " + std::to_string(pause / 1ms) + " ms");
            try {
                co_await sleep(accepting_.ctx, pause);
            } catch (const weft::error&) {
                break;
            }
        }
    }

    // Who is in the kernel's queue has been told that he is connected: closing now would reset him.
    ec.clear();
    while (!closed_.load() && !ec) {
        tcp::socket socket(ex);
        (void)acceptor.accept(socket, ec);
        if (!ec) accepted(*l, std::move(socket), held_permit());
    }
}

void server_state::accepted(listener& l, tcp::socket s, held_permit permit)
{
    counts.accepted.fetch_add(1, std::memory_order_relaxed);
    asio::error_code ec;
    const tcp::endpoint remote = s.remote_endpoint(ec);
    if (ec) return; // gone already
    if (options.when_full == overload::refuse &&
        open_.load(std::memory_order_relaxed) >= options.max_connections) {
        counts.refused.fetch_add(1, std::memory_order_relaxed);
        (void)s.non_blocking(true, ec);
        (void)s.write_some(asio::buffer(refusal), ec);
        (void)s.shutdown(tcp::socket::shutdown_send, ec);
        return;
    }
    std::unique_ptr<stream> bytes =
        l.tls ? make_server_tls_stream(std::move(s), l.tls) : make_plain_stream(std::move(s));
    alive_.go(serve_connection, shared_from_this(), std::move(bytes), remote, std::move(permit));
}

task<> server_state::serve_connection(std::shared_ptr<server_state> self,
                                      std::unique_ptr<stream> bytes, tcp::endpoint remote,
                                      held_permit permit)
{
    const auto alive = self; // the permit is the server's
    const held_permit held = std::move(permit);
    connection c(std::move(self), std::move(bytes), remote);
    co_await c.run();
}

// ---------------------------------------------------------------- the house

template <class Visit>
void server_state::each(Visit visit) noexcept
{
    const std::lock_guard lock(mutex_);
    for (guarded_descriptor* d = first_; d; d = d->next) visit(*d);
}

void server_state::add(guarded_descriptor& d)
{
    const std::lock_guard lock(mutex_);
    d.next = first_;
    if (first_) first_->previous = &d;
    first_ = &d;
    open_.fetch_add(1, std::memory_order_relaxed);
    if (closed_.load(std::memory_order_relaxed)) d.cut();
}

void server_state::remove(guarded_descriptor& d) noexcept
{
    const std::lock_guard lock(mutex_);
    (d.previous ? d.previous->next : first_) = d.next;
    if (d.next) d.next->previous = d.previous;
    open_.fetch_sub(1, std::memory_order_relaxed);
}

task<> server_state::keep_house(std::shared_ptr<server_state> self)
{
    const time_point begin = clock::now();
    while (true) {
        co_await sleep(self->tick_length_);
        const tick now = static_cast<tick>((clock::now() - begin) / self->tick_length_) + 1;
        self->now_.store(now, std::memory_order_relaxed);
        const tick linger_until = self->linger_until_.load(std::memory_order_relaxed);
        const bool end_idle = linger_until != 0 && now >= linger_until;
        self->each([&](guarded_descriptor& d) {
            d.look(now);
            if (end_idle && d.what() == guarded_descriptor::doing::idle) d.end_reading();
        });
    }
}

task<> server_state::serve()
{
    if (listeners_.empty()) weft::detail::throw_misuse("http: nothing to listen on");
    if (serving_.exchange(true)) weft::detail::throw_misuse("http: serve called twice");
    routes.table().freeze();
    const auto house = with_cancel(background());
    const defer over([this] { close(); }); // also when what awaits this is interrupted
    go(house.ctx, keep_house, shared_from_this());
    for (const auto& l : std::exchange(listeners_, {}))
        alive_.go(&server_state::accept_from, shared_from_this(), l);
    co_await alive_.wait();
}

void server_state::stop_accepting()
{
    if (stopping_.exchange(true)) return;
    linger_until_.store(now() + ticks(options.linger_idle) + 1, std::memory_order_relaxed);
    accepting_.cancel();
}

task<> server_state::shutdown(context ctx)
{
    stop_accepting();
    co_await alive_.wait(ctx);
}

void server_state::close() noexcept
{
    stop_accepting();
    {
        const std::lock_guard lock(mutex_);
        closed_.store(true);
        for (guarded_descriptor* d = first_; d; d = d->next) d->cut();
    }
    root_.cancel();
}

server_statistics server_state::statistics() const noexcept
{
    server_statistics s;
    s.accepted = counts.accepted.load(std::memory_order_relaxed);
    s.refused = counts.refused.load(std::memory_order_relaxed);
    s.requests = counts.requests.load(std::memory_order_relaxed);
    s.bad_requests = counts.bad_requests.load(std::memory_order_relaxed);
    s.timed_out = counts.timed_out.load(std::memory_order_relaxed);
    s.panics = counts.panics.load(std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    for (const guarded_descriptor* d = first_; d; d = d->next) {
        ++s.open;
        s.idle += d->what() == guarded_descriptor::doing::idle ? 1 : 0;
    }
    return s;
}

} // namespace weft::inline v0_1::http::detail
