// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Looking at goroutines: records, wait reasons, await chains, and the printed form.

#include "places.hpp"
#include "testing.hpp"

#include <weft/debug/goroutines.hpp>
#include <weft/testing/bubble.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weft::channel;
using weft::make_channel;
using weft::task;
using weft::debug::goroutine_info;
using weft_test::here;
using weft_test::on_procs;

namespace {

/// The lines of the co_awaits in the two functions below, and of the go that starts them.
unsigned inner_line, outer_line, spawn_line;

task<> wait_inside(channel<void> gate)
{
    inner_line = here() + 1;
    co_await gate.receive();
}

task<> call_inside(channel<void> gate)
{
    co_await weft::this_goroutine::yield(); // an earlier place, which must not be shown
    outer_line = here() + 1;
    co_await wait_inside(gate);
}

/// The one goroutine that is called so.
goroutine_info named(const std::string& name)
{
    const auto all = weft::debug::goroutines();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& g) { return g.name == name; });
    return found == all.end() ? goroutine_info{} : *found;
}

std::string printed(const goroutine_info& g)
{
    std::ostringstream out;
    weft::debug::print(out, g);
    return out.str();
}

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != text.npos;
}

/// Parks a goroutine in `waits`; its record must give `reason`.
task<> check_reason(std::string reason, std::function<task<>()> waits)
{
    weft::go([reason, waits]() -> task<> {
        weft::this_goroutine::set_name("in " + reason);
        co_await waits();
    });
    co_await weft_test::until_parked(1, reason);
    const goroutine_info g = named("in " + reason);
    CHECK(g.state == "waiting");
    CHECK(g.wait_reason == reason);
    CHECK(g.frames.size() >= 1);
}

} // namespace

TEST_CASE("without goroutines the list and the dump are empty")
{
    CHECK(weft::debug::goroutines().empty());
    std::ostringstream out;
    weft::debug::dump(out);
    CHECK(out.str().empty());
    weft::runtime rt({.procs = 2});
    CHECK(weft::debug::goroutines().empty());
}

TEST_CASE(
    "a waiting goroutine's record: names, chain of awaits with file and line, spawn site, parent")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        spawn_line = here() + 1;
        weft::go([gate]() -> task<> {
            weft::this_goroutine::set_name("deep");
            co_await call_inside(gate);
        });
        co_await weft_test::until_parked(1, "chan receive");
        const goroutine_info g = named("deep");
        CHECK(g.id != 0);
        CHECK(g.id != weft::this_goroutine::get_id());
        CHECK(g.parent == weft::this_goroutine::get_id());
        CHECK(g.spawn_site.line() == spawn_line);
        CHECK(has(g.spawn_site.file_name(), "debug_goroutines_test.cpp"));
        REQUIRE(g.frames.size() >= 3);
        CHECK(has(g.frames[0].function_name(), "wait_inside"));
        CHECK(g.frames[0].line() == inner_line);
        CHECK(has(g.frames[1].function_name(), "call_inside"));
        CHECK(g.frames[1].line() == outer_line);
        CHECK(g.frames[2].line() == spawn_line + 2);
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(has(g.frames[i].file_name(), "debug_goroutines_test.cpp"));
        }
        gate.close();
    });
}

TEST_CASE("the printed form is that of Go's traceback")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        weft::go([gate]() -> task<> {
            weft::this_goroutine::set_name("printed");
            co_await call_inside(gate);
        });
        co_await weft_test::until_parked(1, "chan receive");
        const goroutine_info g = named("printed");
        const std::string text = printed(g);
        // A head; for each frame a function and, indented, its place; whence it comes.
        CHECK(text.starts_with("goroutine " + std::to_string(g.id) +
                               " \"printed\" [chan receive]:\n"));
        const std::string file = std::string("\n\t") + g.spawn_site.file_name() + ':';
        const auto inner = text.find("wait_inside("), outer = text.find("call_inside(");
        const auto inner_place = text.find(file + std::to_string(inner_line) + '\n');
        const auto outer_place = text.find(file + std::to_string(outer_line) + '\n');
        const auto created =
            text.find("\ncreated by goroutine " + std::to_string(g.parent) + " at ");
        CHECK(inner < inner_place);
        CHECK(inner_place < outer);
        CHECK(outer < outer_place);
        CHECK(outer_place < created);
        CHECK(created != text.npos);
        CHECK(text.ends_with(file + std::to_string(g.spawn_site.line()) + '\n'));

        std::ostringstream out;
        weft::debug::dump(out);
        CHECK(has(out.str(), text));
        CHECK(has(out.str(), "\"main\" [running]:\n"));
        CHECK(has(out.str(), "\n\ngoroutine ")); // a blank line between two
        CHECK(out.str().starts_with("goroutine "));
        gate.close();
    });
}

TEST_CASE("long waits are printed in minutes, and what is not known is left out")
{
    goroutine_info g;
    g.id = 7;
    g.wait_reason = "chan receive";
    g.waiting = 59s;
    CHECK(printed(g) == "goroutine 7 [chan receive]:\n");
    g.waiting = 119s;
    CHECK(printed(g) == "goroutine 7 [chan receive, 1 minute]:\n");
    g.waiting = 2min;
    CHECK(printed(g) == "goroutine 7 [chan receive, 2 minutes]:\n");
    g.name = "worker";
    g.waiting = {};
    CHECK(printed(g) == "goroutine 7 \"worker\" [chan receive]:\n");
    g.spawn_site = std::source_location::current();
    CHECK(has(printed(g), "]:\ncreated by "));
    CHECK(!has(printed(g), "created by goroutine"));
    g.parent = 3;
    CHECK(has(printed(g), "created by goroutine 3 at "));
}

TEST_CASE("each kind of wait has Go's words for it")
{
    const auto check = [](const std::string& reason, const std::function<task<>()>& waits) {
        on_procs([&]() -> task<> { co_await check_reason(reason, waits); },
                 weft_test::leftovers::parked);
    };
    auto ch = make_channel<int>();
    check("chan receive", [&]() -> task<> { co_await ch.receive(); });
    check("chan send", [&]() -> task<> { co_await ch.send(1); });
    check("chan receive (nil chan)", []() -> task<> { co_await channel<int>().receive(); });
    check("chan send (nil chan)", []() -> task<> { co_await channel<int>().send(1); });
    check("select",
          [&]() -> task<> { co_await weft::select{ch.receive(), channel<int>().receive()}; });
    check("select (no cases)", []() -> task<> {
        co_await weft::select{channel<int>().receive(), channel<int>().send(1)};
    });
    check("asio operation", []() -> task<> { co_await weft_test::sleep_ms(1'000'000); });
    check("blocking call",
          []() -> task<> { co_await weft::blocking([] { std::this_thread::sleep_for(50ms); }); });
    weft::runtime other({.procs = 1});
    const auto endless = weft::spawn(other.get_executor(), []() -> task<> {
        co_await weft::select{channel<int>().receive(), channel<int>().receive()};
    });
    check("join", [&]() -> task<> { co_await endless.join(); });
}

TEST_CASE("the caller of goroutines() is running, one in the queue is runnable")
{
    weft::run(
        []() -> task<> {
            weft::go([]() -> task<> {
                weft::this_goroutine::set_name("queued");
                co_await weft::this_goroutine::yield();
                co_await weft::this_goroutine::yield();
            });
            co_await weft::this_goroutine::yield();
            const goroutine_info self = named("main");
            CHECK(self.state == "running");
            CHECK(self.wait_reason == "running");
            CHECK(self.frames.empty());
            CHECK(self.waiting == weft::duration::zero());
            const goroutine_info other = named("queued");
            CHECK(other.state == "runnable");
            CHECK(other.wait_reason == "runnable");
        },
        {.procs = 1});
}

TEST_CASE("the time a goroutine has waited is told, to a few milliseconds")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        weft::go([gate]() -> task<> {
            weft::this_goroutine::set_name("patient");
            co_await gate.receive();
        });
        co_await weft_test::until_parked(1, "chan receive");
        co_await weft_test::sleep_ms(30);
        const auto waited = named("patient").waiting;
        CHECK(waited >= 25ms);
        CHECK(waited < 10s);
        gate.close();
    });
}

TEST_CASE("a wait is as long as the clock of its own runtime says")
{
    weft_test::watchdog guard;
    weft::runtime real({.procs = 1});
    auto gate = make_channel<void>();
    weft::go(real.get_executor(), [&gate]() -> task<> {
        weft::this_goroutine::set_name("real");
        co_await gate.receive();
    });
    while (named("real").state != "waiting") std::this_thread::sleep_for(1ms);
    weft::testing::bubble([]() -> task<> {
        auto in_bubble = make_channel<void>();
        weft::go([in_bubble]() -> task<> {
            weft::this_goroutine::set_name("virtual");
            co_await in_bubble.receive();
        });
        constexpr auto long_time = 1'000'000h;
        co_await weft::sleep(long_time); // longer than any machine has been up
        CHECK(named("real").waiting < 1h);
        const auto long_blocked = weft::debug::blocked_longer_than(1h);
        REQUIRE(long_blocked.size() == 1);
        CHECK(long_blocked[0].name == "virtual");
        CHECK(long_blocked[0].waiting == long_time);
        // The same from outside.
        std::thread([&] {
            CHECK(named("virtual").waiting == long_time);
            CHECK(named("real").waiting < 1h);
            std::ostringstream text;
            weft::debug::dump(text);
            CHECK(has(text.str(), "\"virtual\" [chan receive, 60000000 minutes]"));
            CHECK(has(text.str(), "\"real\" [chan receive]"));
        }).join();
        in_bubble.close();
    });
    gate.close();
    real.join();
}

TEST_CASE("the list is sorted by id and has the goroutines of all runtimes")
{
    weft::runtime one({.procs = 1}), two({.procs = 2});
    auto gate = make_channel<void>();
    const auto waits = [gate]() -> task<> { co_await gate.receive(); };
    for (int i = 0; i < 5; ++i) {
        weft::go(one.get_executor(), waits);
        weft::go(two.get_executor(), waits);
    }
    while (weft_test::parked("chan receive") != 10) std::this_thread::yield();
    const auto of_two = two.shutdown(0ms).remaining;
    CHECK(of_two.size() == 5);
    CHECK(std::is_sorted(of_two.begin(), of_two.end(),
                         [](const auto& a, const auto& b) { return a.id < b.id; }));
    for (const auto& g : of_two) CHECK(g.parent == 0);
    gate.close();
}

TEST_CASE("looking on does not disturb goroutines at work")
{
    on_procs([](unsigned) -> task<> {
        std::atomic<bool> over{false};
        std::atomic<int> looks{0};
        std::thread onlooker([&] {
            while (!over) {
                for (const auto& g : weft::debug::goroutines()) {
                    for (const auto& f : g.frames) CHECK(std::string(f.file_name()).size() < 4096);
                }
                ++looks;
            }
        });
        auto ch = make_channel<int>(2);
        weft_test::team workers;
        for (int i = 0; i < 8; ++i) {
            workers.go([&, ch]() -> task<> {
                for (int n = 0; n < 300 || looks < 5; ++n) {
                    co_await ch.send(n);
                    co_await ch.receive();
                    if (n % 10 == 0) {
                        weft::this_goroutine::set_name("worker " + std::to_string(n));
                        co_await weft_test::sleep_ms(0);
                    }
                }
            });
        }
        co_await workers.join();
        over = true;
        auto join = [&] { onlooker.join(); };
        co_await weft::blocking(join);
    });
}

TEST_CASE("how long one waits is told of those that asio::co_spawn began, too")
{
    weft::runtime rt({.procs = 1});
    auto gate = make_channel<void>();
    auto waits = [gate]() -> task<> { co_await gate.receive(); };
    asio::co_spawn(rt.get_executor(), waits(), asio::detached);
    weft_test::wait_until_parked(1, "chan receive");
    std::this_thread::sleep_for(20ms);
    CHECK(weft::debug::blocked_longer_than(10ms).size() == 1);
    gate.close();
    rt.join();
}
