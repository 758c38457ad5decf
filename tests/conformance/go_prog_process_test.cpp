// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Whole programs in the manner of Hoare's processes: text in, text out, and processes as data.

#include "testing.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <numeric>
#include <string>
#include <vector>

using weft::channel;
using weft::make_channel;
using weft::receive_channel;
using weft::send_channel;
using weft::task;
using weft_test::on_procs;
using weft_test::team;

namespace {

// ---------------------------------------------------------------- text

/// COPY: west to east, unchanged.
task<void> copy(receive_channel<char> west, send_channel<char> east)
{
    while (auto c = co_await west.receive()) co_await east.send(*c);
    east.close();
}

/// SQUASH: every pair of asterisks becomes an upward arrow.
task<void> squash(receive_channel<char> west, send_channel<char> east)
{
    while (auto c = co_await west.receive()) {
        if (*c != '*') {
            co_await east.send(*c);
            continue;
        }
        auto next = co_await west.receive();
        if (next == '*') {
            co_await east.send('^');
            continue;
        }
        co_await east.send('*');
        if (next) co_await east.send(*next);
    }
    east.close();
}

/// DISASSEMBLE: cards to a stream of characters, a blank after each card.
task<void> disassemble(receive_channel<std::string> cards, send_channel<char> out)
{
    while (auto card = co_await cards.receive()) {
        for (char c : *card) co_await out.send(c);
        co_await out.send(' ');
    }
    out.close();
}

/// ASSEMBLE: a stream of characters to lines of 125, the last one padded with blanks.
task<void> assemble(receive_channel<char> in, send_channel<std::string> lines)
{
    std::string line;
    while (auto c = co_await in.receive()) {
        line += *c;
        if (line.size() < 125) continue;
        co_await lines.send(std::move(line));
        line.clear();
    }
    if (!line.empty()) {
        line.resize(125, ' ');
        co_await lines.send(std::move(line));
    }
    lines.close();
}

task<void> type_text(std::string text, send_channel<char> out)
{
    for (char c : text) co_await out.send(c);
    out.close();
}

task<std::string> read_text(receive_channel<char> in)
{
    std::string text;
    while (auto c = co_await in.receive()) text += *c;
    co_return text;
}

// ---------------------------------------------------------------- processes as data

/// A buffer of ten places: takes while there is room, gives while there is something.
task<void> bounded_buffer(receive_channel<int> put, send_channel<int> get)
{
    std::deque<int> held;
    for (bool open = true; open || !held.empty();) {
        auto in = open && held.size() < 10 ? put : receive_channel<int>{};
        auto out = held.empty() ? send_channel<int>{} : get;
        auto s = co_await weft::select{in.receive(), out.send(held.empty() ? 0 : held.front())};
        if (s.index() == 1) {
            held.pop_front();
        } else if (auto v = s.get<0>()) {
            held.push_back(*v);
        } else {
            open = false;
        }
    }
    get.close();
}

/// A set of integers that is a process: requests in, answers out.
struct integer_set {
    struct question {
        int n;
        channel<bool> answer;
    };
    channel<question> insert = make_channel<question>();
    channel<question> has = make_channel<question>();
    channel<channel<int>> scan = make_channel<channel<int>>();
    channel<void> stop = make_channel<void>();

    task<void> serve() const
    {
        std::vector<int> elements;
        const auto contains = [&](int n) {
            return std::find(elements.begin(), elements.end(), n) != elements.end();
        };
        for (;;) {
            auto s = co_await weft::select{insert.receive(), has.receive(), scan.receive(),
                                           stop.receive()};
            if (s.index() == 0) {
                const auto q = *s.get<0>();
                const bool is_new = !contains(q.n);
                if (is_new) elements.push_back(q.n);
                co_await q.answer.send(is_new);
            } else if (s.index() == 1) {
                const auto q = *s.get<1>();
                co_await q.answer.send(contains(q.n));
            } else if (s.index() == 2) {
                const auto out = *s.get<2>();
                for (int n : elements) co_await out.send(n);
                out.close();
            } else {
                co_return;
            }
        }
    }
};

task<bool> ask(channel<integer_set::question> door, int n)
{
    auto answer = make_channel<bool>();
    integer_set::question q{n, answer};
    co_await door.send(std::move(q));
    auto said = co_await answer.receive();
    co_return said.value_or(false);
}

} // namespace

TEST_CASE("PROG-05 COPY passes a text on and SQUASH replaces pairs of asterisks")
{
    on_procs([]() -> task<void> {
        const std::string text = "Hello ** World***";
        for (bool squashed : {false, true}) {
            auto west = make_channel<char>();
            auto east = make_channel<char>();
            team all;
            all.go(type_text, text, west);
            all.go(squashed ? squash : copy, west, east);
            auto result = co_await read_text(east);
            CHECK(result == (squashed ? "Hello ^ World^*" : text));
            co_await all.join();
        }
    });
}

TEST_CASE("PROG-06 DISASSEMBLE turns cards into a stream and ASSEMBLE a stream into lines")
{
    on_procs([]() -> task<void> {
        {
            auto cards = make_channel<std::string>();
            auto out = make_channel<char>();
            team all;
            all.go([&]() -> task<void> {
                co_await cards.send(std::string(80, 'a'));
                co_await cards.send(std::string(80, 'b'));
                cards.close();
            });
            all.go(disassemble, cards, out);
            auto text = co_await read_text(out);
            CHECK(text == std::string(80, 'a') + ' ' + std::string(80, 'b') + ' ');
            CHECK(text.size() == 162);
            co_await all.join();
        }
        {
            auto in = make_channel<char>();
            auto lines = make_channel<std::string>();
            team all;
            all.go(type_text, std::string(225, 'x'), in);
            all.go(assemble, in, lines);
            std::vector<std::string> printed;
            while (auto line = co_await lines.receive()) printed.push_back(*line);
            CHECK(printed.size() == 2);
            CHECK(printed.front() == std::string(125, 'x'));
            CHECK(printed.back() == std::string(100, 'x') + std::string(25, ' '));
            co_await all.join();
        }
    });
}

TEST_CASE("PROG-08 a buffer process of ten places takes ten values and parks the eleventh")
{
    on_procs([]() -> task<void> {
        auto put = make_channel<int>();
        auto get = make_channel<int>();
        team all;
        all.go(bounded_buffer, put, get);
        for (int i = 0; i < 10; ++i) co_await put.send(i);
        all.go([&]() -> task<void> { co_await put.send(10); });
        co_await weft_test::until_parked(1, "chan send");
        co_await weft_test::sleep_ms(10);
        CHECK(weft_test::parked("chan send") == 1);
        for (int i = 0; i <= 10; ++i) {
            auto v = co_await get.receive();
            CHECK(v == i);
        }
        put.close();
        auto end = co_await get.receive();
        CHECK_FALSE(end.has_value());
        co_await all.join();
    });
}

TEST_CASE("PROG-09 a set process answers inserts, questions and scans")
{
    on_procs([]() -> task<void> {
        for (int first : {0, 23}) {
            integer_set set;
            team server;
            server.go([&]() -> task<void> { co_await set.serve(); });

            std::atomic<int> acknowledged{0};
            team inserters;
            for (int n = first; n < first + 10; ++n) {
                inserters.go([&, n]() -> task<void> {
                    const bool is_new = co_await ask(set.insert, n);
                    if (is_new) ++acknowledged;
                });
            }
            co_await inserters.join();
            CHECK(acknowledged == 10);
            const bool again = co_await ask(set.insert, first);
            CHECK_FALSE(again);

            int wrong = 0;
            for (int n = 0; n < 50; ++n) {
                const bool has = co_await ask(set.has, n);
                if (has != (n >= first && n < first + 10)) ++wrong;
            }
            CHECK(wrong == 0);

            auto listing = make_channel<int>();
            co_await set.scan.send(listing);
            std::vector<int> elements;
            while (auto n = co_await listing.receive()) elements.push_back(*n);
            std::sort(elements.begin(), elements.end());
            std::vector<int> expected(10);
            std::iota(expected.begin(), expected.end(), first);
            CHECK(elements == expected);

            set.stop.close();
            co_await server.join();
        }
    });
}
