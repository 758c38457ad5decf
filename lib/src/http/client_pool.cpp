// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "client_pool.hpp"

#include "cutter.hpp"
#include "dial.hpp"

#include <asio/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <new>

#include <sys/socket.h>

namespace weft::inline v0_1::http::detail {

namespace {

/// The server has closed it, or has said something that nobody asked for.
bool is_stale(stream& s)
{
    char c;
    const ssize_t n = ::recv(s.socket().native_handle(), &c, 1, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

} // namespace

// ---------------------------------------------------------------- lease

client_pool::lease::~lease()
{
    bytes.reset(); // closed before somebody else may connect in its place
    if (host_) host_->slots.release();
}

void client_pool::lease::give_back() noexcept
{
    if (!host_ || !bytes) return;
    try {
        closing old;
        const std::lock_guard lock(of_->mutex_);
        const time_point now = clock::now();
        of_->tidy(now, old);
        std::vector<idle_connection>& idle = host_->idle;
        if (idle.size() < of_->options.max_idle_per_host) idle.push_back({std::move(bytes), now});
    } catch (const std::bad_alloc&) { // then it is closed
    }
    *this = lease();
}

// ---------------------------------------------------------------- idle connections

std::shared_ptr<client_pool::host> client_pool::host_of(const std::string& key)
{
    const std::lock_guard lock(mutex_);
    std::shared_ptr<host>& h = hosts_[key];
    if (!h) h = std::make_shared<host>(std::max<std::size_t>(options.max_connections_per_host, 1));
    return h;
}

std::unique_ptr<stream> client_pool::take_idle(host& h)
{
    closing old;
    const std::lock_guard lock(mutex_);
    const time_point now = clock::now();
    tidy(now, old);
    while (!h.idle.empty()) {
        idle_connection last = std::move(h.idle.back());
        h.idle.pop_back();
        if (!is_too_old(last, now) && !is_stale(*last.bytes)) return std::move(last.bytes);
        old.push_back(std::move(last.bytes));
    }
    return nullptr;
}

void client_pool::drop_oldest(host& h)
{
    std::unique_ptr<stream> oldest; // closed after the lock
    const std::lock_guard lock(mutex_);
    if (h.idle.empty()) return;
    oldest = std::move(h.idle.front().bytes);
    h.idle.erase(h.idle.begin());
}

bool client_pool::is_too_old(const idle_connection& c, time_point now) const noexcept
{
    return options.idle_timeout > duration::zero() && now - c.since >= options.idle_timeout;
}

void client_pool::tidy(time_point now, closing& old)
{
    if (now < next_tidy_) return;
    next_tidy_ = now + std::chrono::seconds(1);
    for (auto it = hosts_.begin(); it != hosts_.end();) {
        std::vector<idle_connection>& idle = it->second->idle;
        const auto young = std::find_if(idle.begin(), idle.end(), [&](const idle_connection& c) {
            return !is_too_old(c, now);
        });
        for (auto c = idle.begin(); c != young; ++c) old.push_back(std::move(c->bytes));
        idle.erase(idle.begin(), young);
        it = idle.empty() && it->second.use_count() == 1 ? hosts_.erase(it) : std::next(it);
    }
}

void client_pool::close_idle() noexcept
{
    const std::lock_guard lock(mutex_);
    for (auto& [key, h] : hosts_) h->idle.clear();
}

// ---------------------------------------------------------------- new connections

std::shared_ptr<tls_context> client_pool::tls()
{
    const std::lock_guard lock(mutex_);
    if (!tls_) tls_ = make_client_tls(options.trusted_certificates_file);
    return tls_;
}

task<client_pool::lease> client_pool::take(context ctx, const url& to, bool fresh)
{
    const std::shared_ptr<host> h = host_of(to.scheme + "://" + to.authority());
    co_await h->slots.acquire(ctx);
    lease l(shared_from_this(), h);
    if (fresh) {
        drop_oldest(*h);
    } else {
        l.bytes = take_idle(*h);
    }
    l.reused = l.bytes != nullptr;
    if (l.reused) co_return l;
    if (options.connect_timeout > duration::zero()) {
        const auto limit = with_timeout(ctx, options.connect_timeout);
        l.bytes = co_await connect(limit.ctx, to);
    } else {
        l.bytes = co_await connect(ctx, to);
    }
    co_return l;
}

task<std::unique_ptr<stream>> client_pool::connect(context ctx, const url& to)
{
    asio::ip::tcp::socket socket = co_await dial(ctx, to, options);
    if (to.scheme != "https") co_return make_plain_stream(std::move(socket));

    std::unique_ptr<stream> safe = make_client_tls_stream(std::move(socket), tls(), to.host);
    cutter knife(safe->socket().native_handle()); // goes before the stream, whatever happens
    static_cast<void>(knife.follow(ctx));
    asio::error_code ec = co_await safe->handshake();
    if (!knife.let_go() || ctx.err()) ec = asio::error::operation_aborted;
    const std::string what = "http: connecting to " + to.authority();
    if (ec && ctx.err()) throw weft::error(ctx.err(), what);
    if (ec) throw asio::system_error(ec, what);
    co_return safe;
}

} // namespace weft::inline v0_1::http::detail
