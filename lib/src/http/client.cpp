// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/client.hpp>

#include "client_exchange.hpp"
#include "client_pool.hpp"

#include <weft/backoff.hpp>
#include <weft/http/error.hpp>
#include <weft/sleep.hpp>

#include <asio/system_error.hpp>

#include <algorithm>
#include <charconv>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace weft::inline v0_1::http {

namespace detail {

using exchange_ptr = std::unique_ptr<client_exchange>;

namespace {

/// Doing it twice is doing it once (RFC 9110 9.2.2).
bool is_idempotent(std::string_view method) noexcept
{
    for (const std::string_view m : {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}) {
        if (method == m) return true;
    }
    return false;
}

bool is_worth_another_attempt(status s) noexcept
{
    return s == status::bad_gateway || s == status::service_unavailable ||
           s == status::gateway_timeout;
}

duration retry_after(const headers& fields, duration most)
{
    const std::string_view text = fields.value_or("retry-after", {});
    unsigned seconds = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || r.ec != std::errc() || r.ptr != text.data() + text.size())
        return duration::zero();
    return std::min<duration>(std::chrono::seconds(std::min(seconds, 86'400U)), most);
}

} // namespace

class client_state {
public:
    explicit client_state(client_options o) : pool(std::make_shared<client_pool>(o)) {}
    ~client_state() { pool->close_idle(); }
    client_state(const client_state&) = delete;
    client_state& operator=(const client_state&) = delete;

    task<exchange_ptr> send(context ctx, client_request request)
    {
        if (!is_token(request.method))
            throw std::invalid_argument("http: \"" + request.method + "\" is no method");
        if (request.method == "CONNECT")
            throw std::invalid_argument("http: CONNECT is not supported");
        url to = url::parse(request.url);
        for (int redirects = 0;; ++redirects) {
            exchange_ptr answer = co_await send_patiently(ctx, request, to);
            const std::optional<std::string_view> location = answer->fields.get("location");
            if (!is_redirect(answer->status()) || !location || pool->options.max_redirects <= 0)
                co_return answer;
            const bool same_request = answer->status() == status::temporary_redirect ||
                                      answer->status() == status::permanent_redirect ||
                                      request.method == "GET" || request.method == "HEAD";
            if (same_request && request.stream) co_return answer; // it cannot be written again
            if (redirects == pool->options.max_redirects)
                throw error(status::bad_gateway, "stopped after " + std::to_string(redirects) +
                                                     " redirects, at " + to.text());
            url next;
            try {
                next = to.resolved(*location);
            } catch (const std::invalid_argument& e) {
                throw error(status::bad_gateway, to.text() + " redirects to nowhere: " + e.what());
            }
            if (to.scheme == "https" && next.scheme != "https")
                throw error(status::bad_gateway,
                            to.text() + " redirects from https to " + next.text());
            if (!same_request) {
                request.method = "GET";
                request.body.clear();
                request.stream = nullptr;
                for (const char* name :
                     {"content-type", "content-encoding", "content-language", "content-location"})
                    request.fields.remove(name);
            }
            if (next.host != to.host || next.port != to.port) {
                // Not for strangers.
                for (const char* name : {"authorization", "cookie", "proxy-authorization"})
                    request.fields.remove(name);
            }
            co_await answer->drain();
            to = std::move(next);
        }
    }

    const std::shared_ptr<client_pool> pool;

private:
    /// With the retries that the options allow.
    task<exchange_ptr> send_patiently(context ctx, const client_request& request, const url& to)
    {
        const int more = pool->options.retries;
        if (more <= 0 || request.stream || !is_idempotent(request.method))
            co_return co_await send_once(ctx, request, to);
        backoff policy = pool->options.retry_policy;
        policy.max_attempts = more + 1;
        backoff_sequence pauses(policy);
        while (true) {
            exchange_ptr answer;
            std::exception_ptr failure;
            try {
                answer = co_await send_once(ctx, request, to);
            } catch (const asio::system_error&) { // a time of the options' that is over, too
                if (ctx.err()) throw;
                failure = std::current_exception();
            }
            if (answer && !is_worth_another_attempt(answer->status())) co_return answer;
            std::optional<duration> pause = pauses.next();
            if (!pause && failure) std::rethrow_exception(failure);
            if (!pause) co_return answer;
            if (answer) {
                pause = std::max(*pause, retry_after(answer->fields, policy.max));
                co_await answer->drain();
                answer.reset();
            }
            co_await sleep(ctx, *pause);
        }
    }

    /// Twice, if the connection had been used before and the server may have closed it just then.
    task<exchange_ptr> send_once(context ctx, const client_request& request, const url& to)
    {
        for (bool fresh = false;; fresh = true) {
            client_pool::lease connection = co_await pool->take(ctx, to, fresh);
            auto exchange = std::make_unique<client_exchange>(pool, std::move(connection), to, ctx);
            std::exception_ptr failure;
            try {
                co_await exchange->run(request);
            } catch (const weft::error&) {
                throw; // a time that is over, although it is an asio::system_error, too
            } catch (const asio::system_error&) {
                failure = std::current_exception();
            }
            if (!failure) co_return exchange;
            const bool again = !fresh && exchange->on_used_connection() &&
                               exchange->nothing_came() && is_idempotent(request.method) &&
                               !request.stream;
            if (!again) std::rethrow_exception(failure);
        }
    }
};

} // namespace detail

// ---------------------------------------------------------------- client_response

client_response::client_response(std::unique_ptr<detail::client_exchange> exchange)
    : exchange_(std::move(exchange))
{
}
client_response::client_response(client_response&&) noexcept = default;
client_response& client_response::operator=(client_response&&) noexcept = default;
client_response::~client_response() = default;

http::status client_response::status() const noexcept
{
    return exchange_->status();
}
const std::string& client_response::reason() const noexcept
{
    return exchange_->reason;
}
const headers& client_response::fields() const noexcept
{
    return exchange_->fields;
}
const headers& client_response::trailers() const noexcept
{
    return exchange_->trailers;
}
const http::url& client_response::url() const noexcept
{
    return exchange_->from;
}
body_reader& client_response::body() noexcept
{
    return exchange_->body;
}
task<std::string> client_response::text(std::size_t limit)
{
    return exchange_->body.read_all(limit);
}

// ---------------------------------------------------------------- client

client::client(client_options options)
{
    headers().add("User-Agent", options.user_agent); // checks it
    state_ = std::make_shared<detail::client_state>(std::move(options));
}

task<client_response> client::get(const context& ctx, std::string_view url)
{
    client_request r;
    r.url = url;
    return send(ctx, std::move(r));
}

task<client_response> client::head(const context& ctx, std::string_view url)
{
    client_request r;
    r.method = "HEAD";
    r.url = url;
    return send(ctx, std::move(r));
}

task<client_response> client::post(const context& ctx, std::string_view url, std::string body,
                                   std::string_view content_type)
{
    client_request r;
    r.method = "POST";
    r.url = url;
    r.body = std::move(body);
    r.fields.set("Content-Type", content_type);
    return send(ctx, std::move(r));
}

namespace {

task<client_response> send_in_time(std::shared_ptr<detail::client_state> state, context ctx,
                                   client_request request)
{
    const duration limit = state->pool->options.timeout;
    if (limit <= duration::zero())
        co_return client_response(co_await state->send(std::move(ctx), std::move(request)));
    auto [timed, cancel] = with_timeout(ctx, limit);
    detail::exchange_ptr answer = co_await state->send(timed, std::move(request));
    answer->keep(std::move(cancel)); // the body has to come in time, too
    co_return client_response(std::move(answer));
}

} // namespace

task<client_response> client::send(const context& ctx, client_request request)
{
    return send_in_time(state_, ctx, std::move(request));
}

void client::close_idle_connections() noexcept
{
    state_->pool->close_idle();
}

} // namespace weft::inline v0_1::http
