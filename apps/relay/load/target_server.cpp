// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "target_server.hpp"

#include <asio/as_tuple.hpp>
#include <asio/deferred.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <functional>

namespace relay {

namespace {

namespace http = weft::http;
using namespace std::chrono_literals;
using asio::ip::tcp;

constexpr auto plainly = asio::as_tuple(asio::deferred);

/// Says what it wants to whoever comes, then closes.
weft::task<> say(tcp::socket s)
{
    std::string sent;
    auto [ec, n] = co_await asio::async_read_until(s, asio::dynamic_buffer(sent, 1UL << 20),
                                                   "\r\n\r\n", plainly);
    if (ec) co_return;
    const std::string answer = sent.starts_with("POST /early")
                                   ? "HTTP/1.1 200 OK\r\nContent-Le"
                                   : "220 mail.example.com ESMTP ready\r\n";
    auto [write_error, written] = co_await asio::async_write(s, asio::buffer(answer), plainly);
    static_cast<void>(write_error);
    static_cast<void>(written);
}

} // namespace

target_server::target_server(unsigned procs)
    : runtime_(weft::runtime_options{.procs = procs}),
      raw_(runtime_.get_executor(), tcp::endpoint(asio::ip::address_v4::loopback(), 0))
{
    server_.handle("POST /", std::bind_front(&target_server::take, this));
    port_ = server_.listen("127.0.0.1:0").port();
    raw_port_ = raw_.local_endpoint().port();
    serving_ = weft::spawn(runtime_.get_executor(),
                           [this]() -> weft::task<> { co_await server_.serve(); });
    raw_serving_ =
        weft::spawn(runtime_.get_executor(), [this]() -> weft::task<> { co_await serve_raw(); });
}

target_server::~target_server()
{
    server_.close();
    asio::post(raw_.get_executor(), [this] { raw_.close(); });
    weft::sync_wait(runtime_.get_executor(), serving_->join());
    weft::sync_wait(runtime_.get_executor(), raw_serving_->join());
}

std::string target_server::url(const std::string& path) const
{
    const bool raw = path == "/garbage" || path == "/early";
    return "http://127.0.0.1:" + std::to_string(raw ? raw_port_ : port_) + path;
}

weft::task<> target_server::serve_raw()
{
    for (;;) {
        auto [ec, s] = co_await raw_.async_accept(plainly);
        if (ec) co_return;
        weft::go(say, std::move(s));
    }
}

weft::task<> target_server::take(http::request& req, http::response& res)
{
    const std::string body = co_await req.body().read_all();
    const std::string id(req.header("webhook-id"));
    const std::string& path = req.path();
    int attempt = 0;
    {
        const std::lock_guard lock(mutex_);
        attempt = ++jobs_[id].all;
        last_.fields.clear();
        for (const http::header_field f : req.fields()) {
            std::string name(f.name);
            std::transform(name.begin(), name.end(), name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            last_.fields[name] = f.value;
        }
        last_.body = body;
    }
    if (path == "/hang" || path == "/slow") {
        ++waiting_;
        const weft::duration d = path == "/hang" ? weft::duration(1h) : weft::duration(500ms);
        try {
            co_await weft::sleep(req.context(), d);
        } catch (const weft::error&) { // it has hung up
            --waiting_;
            throw;
        }
        --waiting_;
    }
    if (path == "/fail" || (path == "/flaky" && attempt == 1)) {
        res.set_status(http::status::internal_server_error);
        co_return;
    }
    std::int64_t made = 0;
    std::from_chars(body.data(), body.data() + body.size(), made);
    if (made > 0) {
        const auto since =
            std::chrono::system_clock::now().time_since_epoch() - std::chrono::microseconds(made);
        times_.add(std::chrono::duration_cast<weft::duration>(since));
    }
    const std::lock_guard lock(mutex_);
    ++jobs_[id].good;
}

int target_server::times_of(const std::string& id) const
{
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(id);
    return found == jobs_.end() ? 0 : found->second.all;
}

std::size_t target_server::missing(const std::vector<std::string>& ids) const
{
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(ids.begin(), ids.end(), [&](const auto& id) { return !jobs_.contains(id); }));
}

std::size_t target_server::delivered() const
{
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(jobs_.begin(), jobs_.end(), [](const auto& j) { return j.second.good > 0; }));
}

std::size_t target_server::too_often() const
{
    const std::lock_guard lock(mutex_);
    std::size_t n = 0;
    for (const auto& [id, s] : jobs_) n += static_cast<std::size_t>(std::max(0, s.good - 1));
    return n;
}

target_server::request_seen target_server::last() const
{
    const std::lock_guard lock(mutex_);
    return last_;
}

} // namespace relay
