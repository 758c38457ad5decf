// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "clients.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace httpd {

namespace http = weft::http;
using namespace std::chrono_literals;

http::handler clients::limited(http::handler next)
{
    return [this, next = std::move(next)](http::request& req, http::response& res) -> weft::task<> {
        if (req.path() != "/healthz") {
            const weft::duration wait = ask(req.remote_endpoint().address());
            if (wait > weft::duration::zero()) {
                const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
                res.set_header("Retry-After", std::to_string(seconds));
                res.set_status(http::status::too_many_requests).send("too many requests\n");
                co_return;
            }
        }
        co_await next(req, res);
    };
}

weft::duration clients::ask(const asio::ip::address& who)
{
    const weft::time_point now = weft::clock::now();
    const std::lock_guard lock(mutex_);
    if (now - swept_ > 10s) {
        std::erase_if(known_, [&](const auto& k) { return now - k.second.seen > 60s; });
        swept_ = now;
    }
    auto found = known_.find(who);
    if (found == known_.end())
        found = known_.emplace(who, entry{weft::limiter(rate_, burst_), now}).first;
    found->second.seen = now;
    if (found->second.tokens.allow()) return weft::duration::zero();
    return std::max<weft::duration>(
        1s, std::chrono::duration_cast<weft::duration>(std::chrono::duration<double>(1 / rate_)));
}

} // namespace httpd
