// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The snippets of channels.md, context.md and panics.md.

#include "testing.hpp"

#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <asio.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace {

// [snippet fan_in]
weft::task<> produce(int first, weft::send_channel<int> out)
{
    for (int i = 0; i < 3; ++i) co_await out.send(first + i);
}

weft::task<> fan_in()
{
    auto all = weft::make_channel<int>();
    std::vector<weft::join_handle<void>> senders;
    for (int i = 0; i < 4; ++i) senders.push_back(weft::spawn(produce, 10 * i, all));
    weft::go([all, senders]() -> weft::task<> {
        for (auto& s : senders) co_await s.join();
        all.close();
    });
    while (auto v = co_await all.receive()) std::cout << *v << '\n';
}
// [snippet end]

// [snippet stop]
weft::task<> numbers(weft::send_channel<int> out, weft::receive_channel<void> stop)
{
    for (int n = 0;; ++n) {
        auto s = co_await weft::select{out.send(n), stop.receive()};
        if (s.index() == 1) co_return;
    }
}
// [snippet end]

// [snippet unsent]
weft::task<> deliver(std::unique_ptr<int> parcel, weft::send_channel<std::unique_ptr<int>> a,
                     weft::receive_channel<void> stop)
{
    auto s = co_await weft::select{a.send(std::move(parcel)), stop.receive()};
    if (s.index() == 1) parcel = std::move(s.unsent<0>());
}
// [snippet end]

// [snippet forms]
weft::task<> forms(weft::channel<int> a, weft::channel<int> b, std::vector<weft::channel<int>> many)
{
    auto one = co_await (a.receive() || b.receive()); // as select{...}
    auto two =
        co_await weft::select_biased{a.receive(), b.receive()}; // the first ready one in order
    auto three = weft::try_select{a.receive(), b.receive()};    // never waits
    std::vector<weft::receive_operation<int>> cases;
    for (auto& c : many) cases.push_back(c.receive());
    auto [index, value] = co_await weft::select_any(std::move(cases)); // any number
    auto h = weft::spawn([] { return 1; });
    auto four = co_await weft::select{a.receive(), h.join()}; // a join is a case
    std::vector<int> batch;
    const std::size_t n = co_await a.receive_up_to(100, std::back_inserter(batch)); // 0: closed
    std::cout << one.index() << two.index() << three.index() << index << four.index() << n
              << *value;
}
// [snippet end]

struct request {
    weft::context ctx;
    weft::channel<std::string> answer;
};

// [snippet context]
weft::task<std::string> fetch(weft::context ctx, weft::channel<request> server)
{
    auto [limited, cancel] = weft::with_timeout(ctx, std::chrono::milliseconds(800));
    auto answer = weft::make_channel<std::string>(1);
    request asked{limited, answer}; // a name: GCC 12
    co_await server.send(limited, std::move(asked));
    auto text = co_await answer.receive(limited); // weft::error: deadline_exceeded
    co_return std::move(*text);
} // cancel ends `limited`, and with it the request
// [snippet end]

using asio::ip::tcp;

const auto goodbye = asio::buffer("bye", 3);

weft::task<> serve(tcp::socket& peer)
{
    char room[16];
    for (;;) co_await peer.async_read_some(asio::buffer(room), asio::deferred);
}

// [snippet shield]
weft::task<> session(tcp::socket peer)
{
    std::exception_ptr ended;
    try {
        co_await serve(peer);
    } catch (const weft::error&) { // the server shuts down; a handler cannot await
        ended = std::current_exception();
    }
    if (!ended) co_return;
    co_await weft::shield(asio::async_write(peer, goodbye, asio::deferred));
    std::rethrow_exception(ended);
}
// [snippet end]

// [snippet panics]
weft::task<> doomed()
{
    throw std::runtime_error("the reason");
    co_return;
}

weft::task<> goes_on()
{
    weft::go(doomed);
    co_await weft::this_goroutine::yield();
}

void isolated()
{
    const auto handler = [](const weft::panic_info& info) { std::cerr << info.report; };
    weft::run(goes_on, {.on_panic = weft::panic_policy(handler)});
}
// [snippet end]

} // namespace

TEST_CASE("a fan-in ends when all senders have")
{
    weft::testing::bubble(fan_in);
}

TEST_CASE("a close stops everybody")
{
    weft::testing::bubble([]() -> weft::task<> {
        auto out = weft::make_channel<int>();
        auto stop = weft::make_channel<void>();
        auto h = weft::spawn(numbers, out, stop);
        CHECK(co_await out.receive() == 0);
        CHECK(co_await out.receive() == 1);
        stop.close();
        co_await h.join();
    });
}

TEST_CASE("the value of a send that lost is still there")
{
    weft::testing::bubble([]() -> weft::task<> {
        auto a = weft::make_channel<std::unique_ptr<int>>();
        auto stop = weft::make_channel<void>();
        stop.close();
        co_await deliver(std::make_unique<int>(1), a, stop);
        CHECK(a.size() == 0);
    });
}

TEST_CASE("the other forms")
{
    weft::testing::bubble([]() -> weft::task<> {
        auto a = weft::make_channel<int>(8);
        for (int i = 0; i < 8; ++i) co_await a.send(i);
        auto c = weft::make_channel<int>(1);
        co_await c.send(9);
        std::vector<weft::channel<int>> many{c};
        co_await forms(a, weft::make_channel<int>(), many);
        CHECK(c.size() == 0);
        CHECK(a.size() == 0);
    });
}

TEST_CASE("a context ends a request")
{
    weft::testing::bubble([]() -> weft::task<> {
        auto server = weft::make_channel<request>();
        auto answering = weft::spawn([server]() -> weft::task<> {
            auto first = co_await server.receive();
            co_await first->answer.send("found");
            auto second = co_await server.receive();
            co_await weft::sleep(second->ctx, std::chrono::hours(1));
        });
        CHECK(co_await fetch(weft::background(), server) == "found");
        std::error_code ended;
        try {
            co_await fetch(weft::background(), server);
        } catch (const weft::error& e) {
            ended = e.code();
        }
        CHECK(ended == weft::errc::deadline_exceeded);
        try {
            co_await answering.join();
        } catch (const weft::error& e) {
            ended = e.code();
        }
        CHECK(ended == weft::errc::deadline_exceeded);
    });
}

TEST_CASE("a session says good-bye")
{
    weft::run([]() -> weft::task<> {
        const auto ex = weft::this_goroutine::get_executor();
        tcp::acceptor door(ex, {asio::ip::address_v4::loopback(), 0});
        tcp::socket client(ex);
        co_await client.async_connect(door.local_endpoint(), asio::deferred);
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        weft::go(ctx, session, co_await door.async_accept(asio::deferred));
        co_await weft::this_goroutine::yield();
        cancel();
        std::array<char, 3> back{};
        co_await asio::async_read(client, asio::buffer(back), asio::deferred);
        CHECK(std::string(back.data(), back.size()) == "bye");
    });
}

TEST_CASE("a panic handler isolates")
{
    isolated();
}
