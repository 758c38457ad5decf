// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "api.hpp"

#include <asio/ip/address.hpp>

#include <charconv>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace relay {

namespace {

namespace http = weft::http;
using nlohmann::json;

constexpr std::size_t longest_list = 1000;

void send_json(http::response& res, const json& j)
{
    res.send(dump(j) + "\n", "application/json");
}

std::string_view without_port(std::string_view host)
{
    if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
    return host.substr(0, host.find(':'));
}

bool is_loopback(std::string_view host)
{
    constexpr std::string_view name = "localhost";
    if (http::equal_ignoring_case(host, name)) return true;
    asio::error_code ec;
    const auto address = asio::ip::make_address(host, ec);
    return !ec && address.is_loopback();
}

void send_error(http::response& res, http::status s, std::string_view text)
{
    if (res.started()) return; // too late to say it
    json j;
    j["error"] = text;
    res.set_status(s);
    send_json(res, j);
}

} // namespace

void api::add_routes(http::server& to)
{
    const auto bound = [this](weft::task<> (api::*what)(http::request&, http::response&)) {
        return std::bind_front(what, this);
    };
    // In base64 or with escapes a body may be longer than it is.
    to.handle("POST /jobs", bound(&api::put),
              {.max_body_bytes = limits_.body_bytes * 2 + 64UL * 1024});
    to.handle("GET /jobs", bound(&api::list));
    to.handle("GET /jobs/{id}", bound(&api::show));
    to.handle("POST /jobs/{id}/retry", bound(&api::retry));
    to.handle("GET /stats", bound(&api::stats));
}

http::handler api::with_json_errors(http::handler next)
{
    return [this, next = std::move(next)](http::request& req, http::response& res) -> weft::task<> {
        try {
            co_await next(req, res);
        } catch (const http::error& e) {
            if (code(e.code()) < 500) counts_.refused.add();
            send_error(res, e.code(), e.what());
        } catch (const std::invalid_argument& e) {
            counts_.refused.add();
            send_error(res, http::status::bad_request, e.what());
        } catch (const idempotency_conflict& e) {
            counts_.refused.add();
            send_error(res, http::status::conflict, e.what());
        } catch (const queue_unavailable& e) {
            counts_.queue_errors.add();
            if (!res.started()) res.set_header("Retry-After", "1");
            send_error(res, http::status::service_unavailable, e.what());
        } catch (const weft::error& e) { // in time, or the client is gone
            send_error(res, http::status::service_unavailable, e.what());
        }
    };
}

http::handler api::from_here(http::handler next, const std::string& local_name)
{
    return [next = std::move(next), &local_name](http::request& req,
                                                 http::response& res) -> weft::task<> {
        const std::string_view host = without_port(req.host());
        if (!local_name.empty() && !host.empty() && !is_loopback(host) &&
            !http::equal_ignoring_case(host, local_name))
            throw http::error(http::status::forbidden,
                              "the request is for another host; with tokens (--tokens FILE) "
                              "any name will do");
        if (req.method() != "GET" && req.method() != "HEAD") {
            const std::string_view site = req.header("Sec-Fetch-Site");
            std::string_view origin = req.header("Origin");
            const std::size_t scheme = origin.find("://");
            const bool elsewhere = !origin.empty() && (scheme == std::string_view::npos ||
                                                       origin.substr(scheme + 3) != req.host());
            if (elsewhere || (!site.empty() && site != "same-origin" && site != "none"))
                throw http::error(http::status::forbidden, "the request comes from another site");
        }
        co_await next(req, res);
    };
}

weft::task<> api::put(http::request& req, http::response& res)
{
    const std::string_view type = req.header("Content-Type");
    if (!http::equal_ignoring_case(type.substr(0, type.find(';')), "application/json"))
        throw http::error(http::status::unsupported_media_type,
                          "Content-Type must be application/json");
    new_job j = parse_job(co_await req.body().read_all(), limits_);
    if (const std::string_view key = req.header("Idempotency-Key"); !key.empty()) {
        if (!j.idempotency_key.empty() && j.idempotency_key != key)
            throw std::invalid_argument("the header and the body have different idempotency keys");
        if (key.size() > 256)
            throw std::invalid_argument("an idempotency key must have 1 to 256 bytes");
        j.idempotency_key = key;
    }
    const put_result r = co_await queue_.put(req.context(), std::move(j));
    (r.existed ? counts_.duplicates : counts_.accepted).add();
    json answer;
    answer["id"] = r.id;
    if (r.existed) answer["duplicate"] = true;
    res.set_status(r.existed ? http::status::ok : http::status::accepted);
    res.set_header("Location", "/jobs/" + r.id);
    send_json(res, answer);
}

weft::task<> api::list(http::request& req, http::response& res)
{
    list_request q;
    if (const auto state = req.query_value("state")) q.state = state_of(*state);
    q.after = req.query_value("after").value_or("");
    if (const auto limit = req.query_value("limit")) {
        const auto [end, ec] =
            std::from_chars(limit->data(), limit->data() + limit->size(), q.limit);
        if (ec != std::errc() || end != limit->data() + limit->size() || q.limit < 1 ||
            q.limit > longest_list)
            throw std::invalid_argument("\"limit\" must be a number from 1 to " +
                                        std::to_string(longest_list));
    }
    json answer;
    answer["jobs"] = json::array();
    const std::vector<job> found = co_await queue_.list(req.context(), q);
    for (const job& j : found) answer["jobs"].push_back(job_json(j));
    if (found.size() == q.limit) answer["after"] = found.back().id; // there may be more
    send_json(res, answer);
}

weft::task<> api::show(http::request& req, http::response& res)
{
    const std::string id(req.path_value("id"));
    const std::optional<job> j = co_await queue_.find(req.context(), id);
    if (!j) throw http::error(http::status::not_found, "there is no such job");
    json answer = job_json(*j);
    if (j->state != job_state::done) {
        answer["header_names"] = json::array();
        for (const auto& [name, value] : j->what.headers) answer["header_names"].push_back(name);
        answer["body_bytes"] = j->what.body.size();
    }
    send_json(res, answer);
}

weft::task<> api::retry(http::request& req, http::response& res)
{
    const std::string id(req.path_value("id"));
    if (!co_await queue_.kick(req.context(), id)) {
        const std::optional<job> j = co_await queue_.find(req.context(), id);
        if (!j) throw http::error(http::status::not_found, "there is no such job");
        throw http::error(http::status::conflict,
                          "the job is " + std::string(name_of(j->state)) + ", not dead");
    }
    counts_.kicked.add();
    json answer;
    answer["id"] = id;
    answer["state"] = name_of(job_state::ready);
    send_json(res, answer);
}

weft::task<> api::stats(http::request& req, http::response& res)
{
    send_json(res, stats_json(co_await queue_.stats(req.context())));
}

} // namespace relay
