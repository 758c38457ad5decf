// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "queue_suite.hpp"
#include "redis_connection.hpp"
#include "redis_queue.hpp"
#include "redis_server.hpp"

#include <chrono>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// What the tests of the queue in a Redis share.

namespace relay_test {

using relay::queue;
using relay::queue_unavailable;
using relay::reserve_result;
using relay::reserved_job;
using owner = std::unique_ptr<queue>;
using weft::background;

template <class F>
void in_runtime(F test)
{
    weft_test::note_procs(2);
    const weft_test::watchdog guard;
    auto main = [&]() -> weft::task<> {
        co_await test();
        co_await weft_test::until_alone();
    };
    weft::run(std::move(main), weft::runtime_options{.procs = 2});
    weft_test::note_procs(0);
}

inline weft::task<owner> open(std::string url, milliseconds patience = 10s)
{
    relay::redis_queue_options o;
    o.patience = patience;
    co_return co_await relay::open_redis_queue(background(), std::move(url), std::move(o));
}

/// What a call says that cannot be done; empty: it can.
template <class F>
weft::task<std::string> complaint_of(F call)
{
    try {
        co_await call();
    } catch (const queue_unavailable& e) {
        co_return e.what();
    }
    co_return "";
}

inline weft::task<std::string> complaint_of_put(queue& q)
{
    const auto one = [&]() -> weft::task<> { co_await q.put(background(), a_job()); };
    co_return co_await complaint_of(one);
}

inline weft::task<std::string> complaint_of_opening(std::string url, milliseconds patience = 10s)
{
    const auto one = [&]() -> weft::task<> {
        owner q = co_await open(url, patience);
        co_await q->close();
    };
    co_return co_await complaint_of(one);
}

/// Until calls succeed again.
inline weft::task<> until_back(queue& q)
{
    const auto end = std::chrono::steady_clock::now() + 30s;
    std::string why;
    while (std::chrono::steady_clock::now() < end) {
        const auto one = [&]() -> weft::task<> { co_await q.stats(background()); };
        why = co_await complaint_of(one);
        if (why.empty()) co_return;
        CHECK(why.starts_with("redis: "));
        co_await weft::sleep(5ms);
    }
    throw std::runtime_error("it does not come back: " + why);
}

/// A command of the test's own.
inline weft::task<relay::redis_value> tell(redis_server& s, std::string command)
{
    std::vector<std::string> words;
    std::istringstream text(command);
    for (std::string w; text >> w;) words.push_back(w);
    relay::redis_url to;
    to.host = "127.0.0.1";
    to.port = s.port();
    relay::redis_connection_options usual;
    auto c = co_await relay::redis_connection::open(background(), to, usual);
    relay::redis_value v = co_await c->command(background(), std::move(words));
    co_await c->close();
    co_return v;
}

inline bool contains(const std::string& s, std::string_view what)
{
    return s.find(what) != s.npos;
}

} // namespace relay_test
