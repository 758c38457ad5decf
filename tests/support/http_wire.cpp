// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "http_wire.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <thread>
#include <utility>

namespace weft_test {

namespace {

using weft::http::header_field;
using weft::http::request;
using weft::http::response;

/// Byte by byte a request of this size takes a millisecond or two.
constexpr std::size_t is_short = 1000;

constexpr std::string_view behind = "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n";

std::string text_of(request& req, std::string_view body)
{
    std::string text(req.method());
    text.append(" ").append(req.target());
    text.append(" HTTP/1.").append(std::to_string(req.minor_version()));
    text.append(" ").append(req.host());
    for (const header_field f : req.fields()) {
        if (weft::http::equal_ignoring_case(f.name, "host")) continue;
        text.append(" {").append(f.name).append(": ").append(f.value).append("}");
    }
    if (!body.empty()) text.append(" <").append(body).append(">");
    for (const header_field f : req.trailers())
        text.append(" [").append(f.name).append(": ").append(f.value).append("]");
    return text;
}

} // namespace

// ---------------------------------------------------------------- mirror

mirror::mirror(weft::http::server_options options)
    : served_(
          [this](weft::http::server& s) {
              s.use([this](const weft::http::handler&) -> weft::http::handler {
                  return [this](request& req, response& res) { return answer(req, res); };
              });
          },
          std::move(options))
{
}

weft::task<> mirror::answer(request& req, response& res)
{
    {
        const std::lock_guard lock(mutex_);
        targets_.emplace_back(req.target());
    }
    const std::string body = co_await req.body().read_all();
    res.send(text_of(req, body));
}

bool mirror::has_seen(std::string_view target) const
{
    const std::lock_guard lock(mutex_);
    return std::find(targets_.begin(), targets_.end(), target) != targets_.end();
}

// ---------------------------------------------------------------- senders

void in_one_piece(wire& w, std::string_view bytes)
{
    w.send(bytes);
}

void byte_by_byte(wire& w, std::string_view bytes)
{
    w.send_in_pieces(bytes, 1);
}

sender cut_at(std::size_t position)
{
    return [position](wire& w, std::string_view bytes) {
        w.send(bytes.substr(0, position));
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        w.send(bytes.substr(position));
    };
}

// ---------------------------------------------------------------- the tables

void is_refused(const mirror& m, const bad_request& row, const sender& send)
{
    INFO(std::string(row.rule));
    CAPTURE(row.bytes.substr(0, is_short));
    try {
        wire w = m.connect();
        send(w, row.bytes + std::string(behind));
        const wire_response r = w.receive();
        CAPTURE(r.body);
        CAPTURE(r.status);
        CHECK(std::find(row.answers.begin(), row.answers.end(), r.status) != row.answers.end());
        CHECK(r.field("Connection") == "close");
        CHECK(w.is_closed_by_server());
    } catch (const std::exception& e) {
        FAIL_CHECK(std::string(e.what()));
    }
}

void all_are_refused(const std::vector<bad_request>& table, weft::http::server_options options)
{
    const mirror m(std::move(options));
    for (const bad_request& row : table) {
        is_refused(m, row, in_one_piece);
        if (row.bytes.size() < is_short) is_refused(m, row, byte_by_byte);
    }
    CHECK_FALSE(m.has_seen("/behind"));
}

void is_answered(const mirror& m, const good_request& row, const sender& send)
{
    INFO(std::string(row.rule));
    CAPTURE(row.bytes.substr(0, is_short));
    try {
        wire w = m.connect();
        send(w, row.bytes + std::string(behind));
        for (const std::string& seen : row.seen) {
            const wire_response r = w.receive();
            CHECK(r.status == 200);
            CHECK(r.body == seen);
            const bool last = &seen == &row.seen.back();
            CHECK((r.field("Connection") == "close") == (last && row.closes));
        }
        if (row.closes) {
            CHECK(w.is_closed_by_server());
        } else {
            CHECK(w.receive().body == "GET /behind HTTP/1.1 a");
        }
    } catch (const std::exception& e) {
        FAIL_CHECK(std::string(e.what()));
    }
}

void all_are_answered(const std::vector<good_request>& table, weft::http::server_options options)
{
    const mirror m(std::move(options));
    for (const good_request& row : table) {
        is_answered(m, row, in_one_piece);
        if (row.bytes.size() < is_short) is_answered(m, row, byte_by_byte);
    }
}

std::string with_line(std::string_view line)
{
    return std::string(line) + "\r\nHost: a\r\n\r\n";
}

std::string with_fields(std::string_view lines)
{
    return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}

std::string post(std::string_view lines, std::string_view rest)
{
    return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n" + std::string(rest);
}

std::string chunked(std::string_view rest)
{
    return post("Transfer-Encoding: chunked\r\n", rest);
}

} // namespace weft_test
