// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "client_pool.hpp"

#include <weft/bind.hpp>
#include <weft/this_goroutine.hpp>

#include <asio/as_tuple.hpp>
#include <asio/deferred.hpp>
#include <asio/system_error.hpp>

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

namespace weft::http::detail {

using asio::ip::tcp;

namespace {

constexpr auto plainly = asio::as_tuple(asio::deferred);

/// The server has closed it, or has said something that nobody asked for.
bool is_stale(stream& s)
{
    char c;
    const ssize_t n = ::recv(s.socket().native_handle(), &c, 1, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

} // namespace

void cutter::cut() noexcept
{
    const std::lock_guard lock(mutex_);
    if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RDWR);
}

client_pool::lease::~lease()
{
    if (slots_) slots_->release();
}

void client_pool::lease::give_back() noexcept
{
    if (!of_ || !bytes) return;
    {
        const std::lock_guard lock(of_->mutex_);
        std::vector<idle_connection>& idle = of_->hosts_.find(key_)->second->idle;
        if (idle.size() < of_->options.max_idle_per_host)
            idle.push_back({std::move(bytes), clock::now()});
    }
    bytes.reset();
    std::exchange(slots_, nullptr)->release();
}

client_pool::host& client_pool::host_of(const std::string& key)
{
    const std::lock_guard lock(mutex_);
    std::unique_ptr<host>& h = hosts_[key];
    if (!h) h = std::make_unique<host>(std::max<std::size_t>(options.max_connections_per_host, 1));
    return *h;
}

std::unique_ptr<stream> client_pool::take_idle(host& h)
{
    std::vector<idle_connection> dead; // closed after the lock
    const std::lock_guard lock(mutex_);
    const time_point oldest = clock::now() - options.idle_timeout;
    while (!h.idle.empty()) {
        idle_connection last = std::move(h.idle.back());
        h.idle.pop_back();
        const bool old = options.idle_timeout > duration::zero() && last.since < oldest;
        if (!old && !is_stale(*last.bytes)) return std::move(last.bytes);
        dead.push_back(std::move(last));
    }
    return nullptr;
}

std::shared_ptr<tls_context> client_pool::tls()
{
    const std::lock_guard lock(mutex_);
    if (!tls_) tls_ = make_client_tls(options.trusted_certificates_file);
    return tls_;
}

task<client_pool::lease> client_pool::take(context ctx, const url& to, bool fresh)
{
    const std::string key = to.scheme + "://" + to.authority();
    host& h = host_of(key);
    co_await h.slots.acquire(ctx);
    lease l(shared_from_this(), key, h.slots);
    if (!fresh) l.bytes = take_idle(h);
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
    const auto fail = [&](const asio::error_code& ec) {
        if (const std::error_code why = ctx.err())
            throw weft::error(why, "http: connecting to " + to.authority());
        throw asio::system_error(ec, "http: connecting to " + to.authority());
    };
    const executor ex = this_goroutine::get_executor();
    std::vector<tcp::endpoint> where;
    asio::error_code ec;
    const auto address = asio::ip::make_address(to.host, ec);
    if (!ec) {
        where.emplace_back(address, to.port);
    } else {
        tcp::resolver resolver(ex);
        auto [failure, found] = co_await weft::bind(
            ctx, resolver.async_resolve(to.host, std::to_string(to.port), asio::deferred))(plainly);
        if (failure) fail(failure);
        for (const auto& f : found) where.push_back(f.endpoint());
    }
    tcp::socket socket(ex);
    for (const tcp::endpoint& at : where) {
        asio::error_code unimportant;
        (void)socket.close(unimportant);
        auto [failure] =
            co_await weft::bind(ctx, socket.async_connect(at, asio::deferred))(plainly);
        ec = failure;
        if (!ec || ctx.err()) break;
    }
    if (ec) fail(ec);
    if (to.scheme != "https") co_return make_plain_stream(std::move(socket));

    std::unique_ptr<stream> safe = make_client_tls_stream(std::move(socket), tls(), to.host);
    const auto knife = std::make_shared<cutter>();
    knife->guard(safe->socket().native_handle());
    const after_func_stop watch = after_func(ctx, [knife] { knife->cut(); });
    ec = co_await safe->handshake();
    watch();
    knife->guard(-1);
    if (ec) fail(ec);
    co_return safe;
}

void client_pool::close_idle() noexcept
{
    std::vector<idle_connection> dead;
    const std::lock_guard lock(mutex_);
    for (auto& [key, h] : hosts_) {
        for (idle_connection& c : h->idle) dead.push_back(std::move(c));
        h->idle.clear();
    }
}

} // namespace weft::http::detail
