// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "dial.hpp"

#include <weft/bind.hpp>
#include <weft/clock.hpp>
#include <weft/error.hpp>
#include <weft/pending.hpp>
#include <weft/this_goroutine.hpp>

#include <asio/as_tuple.hpp>
#include <asio/deferred.hpp>
#include <asio/error.hpp>
#include <asio/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace weft::inline v0_1::http::detail {

using asio::ip::tcp;

namespace {

constexpr auto plainly = asio::as_tuple(asio::deferred);
/// No address gets less, as long as there is that much.
constexpr duration least_share = std::chrono::seconds(2);

std::string connecting_to(const url& to)
{
    return "http: connecting to " + to.authority();
}

/// getaddrinfo cannot be interrupted: if `ctx` ends, a thread of Asio's goes on with it, and nobody waits for that: there are
/// eight of them in a runtime with threads of its own, from Asio 1.36 on, else one.
task<std::vector<tcp::endpoint>> addresses_of(context ctx, const url& to)
{
    std::vector<tcp::endpoint> where;
    asio::error_code no_address;
    const auto address = asio::ip::make_address(to.host, no_address);
    if (!no_address) {
        where.emplace_back(address, to.port);
        co_return where;
    }
    tcp::resolver resolver(this_goroutine::get_executor());
    pending query(resolver.async_resolve(to.host, std::to_string(to.port),
                                         tcp::resolver::numeric_service, asio::deferred));
    try {
        co_await query.done(ctx);
        for (const auto& found : query.result()) where.push_back(found.endpoint());
    } catch (const weft::error& e) {
        throw weft::error(e.code(), connecting_to(to));
    } catch (const asio::system_error& e) {
        throw asio::system_error(e.code(), connecting_to(to));
    }
    co_return where;
}

/// When the next of so many addresses must have answered.
time_point end_of_share(time_point now, time_point end, std::size_t addresses)
{
    const duration left = end - now;
    const duration share = left / static_cast<duration::rep>(addresses);
    return now + std::max(share, std::min(left, least_share));
}

} // namespace

task<tcp::socket> dial(context ctx, const url& to, const client_options& options)
{
    const executor ex = this_goroutine::get_executor();
    std::vector<tcp::endpoint> where = co_await addresses_of(ctx, to);
    if (options.allows_address) {
        std::erase_if(where, [&](const auto& e) { return !options.allows_address(e.address()); });
        if (where.empty()) throw asio::system_error(asio::error::access_denied, connecting_to(to));
    }
    const std::optional<time_point> end = ctx.deadline();
    asio::error_code first = asio::error::host_not_found;
    for (std::size_t i = 0; i < where.size(); ++i) {
        std::optional<cancellable<cancel_function>> share;
        const std::size_t left = where.size() - i;
        if (end && left > 1)
            share.emplace(with_deadline(ctx, end_of_share(clock::now(), *end, left)));
        const context limit = share ? share->ctx : ctx;
        tcp::socket socket(ex);
        auto [ec] =
            co_await weft::bind(limit, socket.async_connect(where[i], asio::deferred))(plainly);
        if (!ec) co_return socket;
        if (const std::error_code why = ctx.err()) throw weft::error(why, connecting_to(to));
        if (i == 0) first = limit.err() ? asio::error_code(asio::error::timed_out) : ec;
    }
    throw asio::system_error(first, connecting_to(to));
}

} // namespace weft::inline v0_1::http::detail
