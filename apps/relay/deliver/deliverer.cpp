// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "deliverer.hpp"

#include "targets.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace relay {

namespace {

namespace http = weft::http;
using namespace std::chrono_literals;

/// Of a response's body, which nobody wants, so much is read so that the connection can be used again.
constexpr std::size_t read_at_most = 64UL * 1024;
constexpr std::chrono::hours longest_pause{24};

http::client_options settings(const deliverer_options& o)
{
    http::client_options c;
    c.timeout = o.timeout;
    c.header_timeout = o.timeout;
    c.connect_timeout = std::min(o.connect_timeout, o.timeout);
    c.max_connections_per_host = o.connections_per_host;
    c.max_idle_per_host = o.connections_per_host;
    c.max_redirects = 0;
    c.user_agent = "weft-relay/0.1";
    c.trusted_certificates_file = o.trusted_certificates_file;
    if (!o.allow_private)
        c.allows_address = [](const asio::ip::address& a) { return is_public(a); };
    return c;
}

http::client_request request_for(const job& j, const signer& keys)
{
    http::client_request r;
    r.method = "POST";
    r.url = j.what.target;
    for (const auto& [name, value] : j.what.headers) r.fields.add(name, value);
    const std::int64_t seconds =
        std::chrono::floor<std::chrono::seconds>(now()).time_since_epoch().count();
    r.fields.set("webhook-id", j.id);
    r.fields.set("webhook-timestamp", std::to_string(seconds));
    if (keys.has_keys()) r.fields.set("webhook-signature", keys.sign(j.id, seconds, j.what.body));
    r.body = j.what.body;
    return r;
}

std::optional<std::chrono::milliseconds> retry_after(std::string_view text)
{
    std::int64_t seconds = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || ec != std::errc() || end != text.data() + text.size() || seconds < 0)
        return std::nullopt;
    return std::min<std::chrono::milliseconds>(
        std::chrono::seconds(std::min<std::int64_t>(seconds, 1'000'000)), longest_pause);
}

attempt judged(const http::client_response& r)
{
    const int status = code(r.status());
    attempt a;
    a.result.status = status;
    if (r.ok()) return a;
    a.result.error = "the host said " + std::to_string(status);
    if (const std::string_view words = reason_phrase(r.status()); !words.empty())
        a.result.error.append(" ").append(words);
    a.kind = status == 429   ? failure_kind::busy
             : status >= 500 ? failure_kind::server
                             : failure_kind::status;
    a.final = status == 410;
    if (status == 429 || status == 503) a.pause = retry_after(r.header("Retry-After"));
    return a;
}

attempt failed(failure_kind kind, std::string why)
{
    attempt a;
    a.kind = kind;
    a.result.error = std::move(why);
    return a;
}

} // namespace

std::string_view name_of(failure_kind k) noexcept
{
    constexpr std::array<std::string_view, failure_kinds> names{
        "none",       "status",   "busy",    "server",    "timeout",
        "connection", "protocol", "refused", "broken_off"};
    return names[static_cast<std::size_t>(k)];
}

std::optional<bool> attempt::host_answers() const noexcept
{
    switch (kind) {
    case failure_kind::none:
    case failure_kind::status: return true;
    case failure_kind::busy:
    case failure_kind::server:
    case failure_kind::timeout:
    case failure_kind::connection:
    case failure_kind::protocol: return false;
    case failure_kind::refused:
    case failure_kind::broken_off: break;
    }
    return std::nullopt;
}

deliverer::deliverer(const deliverer_options& o, signer s)
    : options_(o), signer_(std::move(s)), client_(settings(o))
{
}

weft::task<attempt> deliverer::deliver(weft::context ctx, const job& j)
{
    attempt a = co_await try_to(ctx, j);
    // Texts of errors name the URL, and its query may be secret.
    if (const std::size_t at = j.what.target.find('?'); at != std::string::npos)
        hide(a.result.error, std::string_view(j.what.target).substr(at + 1));
    co_return a;
}

weft::task<attempt> deliverer::try_to(weft::context ctx, const job& j)
{
    try {
        co_return co_await send(ctx, j);
    } catch (const weft::error& e) {
        if (ctx.err()) co_return failed(failure_kind::broken_off, "broken off");
        const bool late = e.code() == weft::errc::deadline_exceeded;
        co_return failed(late ? failure_kind::timeout : failure_kind::connection,
                         late ? "no answer in time" : e.what());
    } catch (const http::error& e) { // the response broke the rules, or off
        co_return failed(e.code() == http::status::gateway_timeout ? failure_kind::timeout
                                                                   : failure_kind::protocol,
                         e.what());
    } catch (const asio::system_error& e) {
        if (e.code() == asio::error::access_denied) {
            attempt a = failed(failure_kind::refused,
                               j.what.host + " is this machine or on a private network");
            a.final = true;
            co_return a;
        }
        co_return failed(e.code() == asio::error::timed_out ? failure_kind::timeout
                                                            : failure_kind::connection,
                         e.what());
    } catch (const std::invalid_argument& e) { // was let in by somebody with other rules
        attempt a = failed(failure_kind::refused, e.what());
        a.final = true;
        co_return a;
    }
}

weft::task<attempt> deliverer::send(weft::context ctx, const job& j)
{
    http::client_request request = request_for(j, signer_);
    http::client_response response = co_await client_.send(ctx, std::move(request));
    const attempt a = judged(response);
    try {
        std::size_t read = 0;
        while (read < read_at_most) {
            const std::string_view piece = co_await response.body().read();
            if (piece.empty()) break;
            read += piece.size();
        }
    } catch (const std::exception&) {
        // The status has said all.
    }
    co_return a;
}

} // namespace relay
