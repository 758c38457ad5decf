// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The trace: what it shows of a program, who may start one, and what becomes of it at the end of things.

#include "child_process.hpp"
#include "testing.hpp"
#include "trace_check.hpp"

#include <weft/debug/region.hpp>
#include <weft/debug/trace.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;
using weft_test::read_trace;
namespace debug = weft::debug;

namespace {

std::string stopped(debug::trace& t)
{
    std::ostringstream out;
    t.stop(out);
    return out.str();
}

task<> echo(channel<int> in, channel<int> back)
{
    weft::this_goroutine::set_name("echo");
    while (const auto v = co_await in.receive()) co_await back.send(*v);
    back.close();
}

task<> ask(std::size_t times)
{
    weft::this_goroutine::set_name("asker");
    auto in = make_channel<int>(), back = make_channel<int>();
    weft::go(echo, in, back);
    for (std::size_t i = 0; i < times; ++i) {
        co_await in.send(static_cast<int>(i));
        co_await back.receive();
    }
    in.close();
    co_await back.receive();
}

std::size_t named(const std::vector<read_trace::span>& all, const std::string& name)
{
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const auto& s) { return s.name == name; }));
}

} // namespace

TEST_CASE("each slice and each wait has its span, with reason and place, and each wake its arrow")
{
    on_procs([]() -> task<> {
        debug::trace t;
        co_await weft::spawn(ask, std::size_t{100}).join();
        const read_trace r(stopped(t));
        CHECK(r.lost == 0);
        const auto echo_spans = r.of("echo"), ask_spans = r.of("asker");
        CHECK(named(echo_spans, "running") > 50);
        CHECK(named(ask_spans, "running") > 50);
        const auto waits = std::find_if(echo_spans.begin(), echo_spans.end(),
                                        [](const auto& s) { return s.name.starts_with("chan "); });
        REQUIRE(waits != echo_spans.end());
        CHECK(waits->args.at("site").get<std::string>().find("debug_trace_test.cpp:") !=
              std::string::npos);
        CHECK(waits->args.at("function").get<std::string>().find("echo") != std::string::npos);
        CHECK(r.arrows > 100);
        CHECK(r.instants.at("start") >= 2);
        CHECK(r.instants.at("end") >= 2);
    });
}

TEST_CASE("the worker's track shows the goroutine and why its slice ended")
{
    on_procs([]() -> task<> {
        debug::trace t;
        co_await weft::spawn(ask, std::size_t{10}).join();
        const read_trace r(stopped(t));
        std::size_t waits = 0, ended = 0;
        for (const auto& [track, spans] : r.spans) {
            if (track.first % 2 == 1) continue;
            for (const auto& s : spans) {
                if (s.name.find("\"echo\"") == s.name.npos) continue;
                waits += s.end_args.at("then").get<std::string>().starts_with("chan ");
                ended += s.end_args.at("then") == "ended";
            }
        }
        CHECK(waits >= 1);
        CHECK(ended == 1);
    });
}

TEST_CASE("a slice's length is its own, also when quick ones surround it")
{
    on_procs([]() -> task<> {
        debug::trace t;
        auto slow = []() -> task<> {
            weft::this_goroutine::set_name("slow");
            co_await weft::this_goroutine::yield();
            const auto until = std::chrono::steady_clock::now() + 20ms;
            while (std::chrono::steady_clock::now() < until) {}
            co_await weft::this_goroutine::yield();
        };
        weft_test::team all;
        all.go(ask, std::size_t{2'000});
        all.go(slow);
        all.go(ask, std::size_t{2'000});
        co_await all.join();
        const read_trace r(stopped(t));
        double longest = 0;
        for (const auto& s : r.of("slow")) {
            if (s.name == "running") longest = std::max(longest, s.end - s.begin);
        }
        CHECK(longest > 15'000); // microseconds
    });
}

TEST_CASE("regions span waits, tasks span goroutines, and messages carry their text")
{
    on_procs([]() -> task<> {
        debug::trace t;
        auto work = [](debug::trace_task* order) -> task<> {
            const debug::region outer(*order, "outer \"quoted\"");
            co_await weft::this_goroutine::yield();
            {
                const debug::region inner("inner");
                co_await weft_test::sleep_ms(1);
            }
            debug::trace_log(*order, "state", "line\nbreak");
        };
        debug::trace_task order("order");
        co_await weft::spawn(work, &order).join();
        debug::trace_log("plain", "no task");
        const read_trace r(stopped(t));
        CHECK(r.begun.at("outer \"quoted\"") == 1);
        CHECK(r.begun.at("inner") == 1);
        CHECK(r.begun.at("order") == 1); // it still lives: its end is the trace's
        CHECK(r.instants.at("state") == 1);
        CHECK(r.instants.at("plain") == 1);
        CHECK(r.count([](const auto& e) {
            return e.at("name") == "state" && e.at("args").at("message") == "line\nbreak" &&
                   e.at("args").at("task") == 1;
        }) <= 1);
        CHECK(r.count([&](const auto& e) {
            return e.at("name") == "state" && e.at("args").at("message") == "line\nbreak" &&
                   e.at("args").at("task") == order.id();
        }) == 1);
    });
}

TEST_CASE("texts of any bytes are written so that they can be read")
{
    on_procs([]() -> task<> {
        debug::trace t;
        debug::trace_log("utf8", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\xa7\xb5");
        debug::trace_log("none", "\xff\xc3(\xed\xa0\x80\xe2\x82");
        debug::trace_log("control", std::string("a\0b\x1f\\", 5));
        co_await weft::this_goroutine::yield();
        const read_trace r(stopped(t));
        CHECK(r.count([](const auto& e) {
            return e.contains("args") && e.at("args").value("message", "") ==
                                             "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\xa7\xb5";
        }) == 1);
        CHECK(r.instants.at("none") == 1);
        CHECK(r.instants.at("control") == 1);
    });
}

TEST_CASE("what costs nothing without a trace leaves nothing in the next one")
{
    on_procs([]() -> task<> {
        const debug::trace_task order("before");
        CHECK(order.id() == 0);
        {
            const debug::region r("before");
            debug::trace_log("before", "text");
        }
        co_await weft::spawn(ask, std::size_t{3}).join();
        debug::trace t;
        co_await weft::this_goroutine::yield();
        const read_trace r(stopped(t));
        CHECK(r.begun.count("before") == 0);
        CHECK(r.instants.count("before") == 0);
        CHECK(r.of("echo").empty());
    });
}

TEST_CASE("a region and a slice that began before the recorder's span begin with it")
{
    on_procs([]() -> task<> {
        debug::flight_recorder rec({.span = 50ms});
        const debug::region r("long");
        co_await weft_test::sleep_ms(80);
        {
            const debug::region s("short");
        }
        std::ostringstream out;
        CHECK(rec.dump(out));
        const read_trace read(out.str());
        CHECK(read.begun.count("long") == 0);
        CHECK(read.begun.at("short") == 1);
    });
}

TEST_CASE("the longest span is all there is, and a negative one nothing")
{
    on_procs([]() -> task<> {
        for (const weft::duration span : {weft::duration::max(), weft::duration(-1s)}) {
            debug::flight_recorder rec({.span = span});
            {
                const debug::region r("seen");
            }
            co_await weft_test::sleep_ms(2);
            std::ostringstream out;
            CHECK(rec.dump(out));
            const read_trace read(out.str());
            CHECK(read.begun.count("seen") == (span > 0s ? 1 : 0));
        }
    });
}

TEST_CASE("timers, and workers that have nothing to do, are shown")
{
    on_procs([]() -> task<> {
        debug::trace t;
        for (int i = 0; i < 5; ++i) co_await weft::sleep(3ms);
        const read_trace r(stopped(t));
        std::size_t timers = 0, idle = 0;
        for (const auto& [track, spans] : r.spans) {
            timers += named(spans, "timers");
            idle += named(spans, "idle");
        }
        CHECK(timers >= 5);
        CHECK(idle >= 1);
        CHECK(r.instants.at("park") >= 1);
        CHECK(r.instants.at("unpark") >= 1);
    });
}

TEST_CASE("there is one trace at a time, and one recorder beside it")
{
    on_procs([]() -> task<> {
        debug::flight_recorder rec;
        {
            debug::trace t;
            CHECK(debug::trace::is_enabled());
            CHECK_THROWS_WITH_AS(debug::trace(), "tracing is already enabled", weft::misuse_error);
            CHECK_THROWS_WITH_AS(debug::flight_recorder(), "flight recorder is already enabled",
                                 weft::misuse_error);
        } // forgotten
        debug::trace again;
        co_await weft::spawn(ask, std::size_t{5}).join();
        const read_trace r(stopped(again));
        CHECK_FALSE(r.of("echo").empty());
        CHECK(stopped(again).empty());
        std::ostringstream out;
        CHECK(rec.dump(out)); // goes on
        CHECK_FALSE(read_trace(out.str()).of("echo").empty());
    });
    CHECK_FALSE(debug::trace::is_enabled());
}

TEST_CASE("goroutines in Asio's handlers, and threads without a worker, have their spans")
{
    on_procs([]() -> task<> {
        debug::trace t;
        auto gate = make_channel<int>(1);
        std::thread outside([gate]() mutable { CHECK(gate.try_send(1)); });
        outside.join();
        co_await gate.receive();
        auto waits = [](channel<int> c) -> task<> {
            weft::this_goroutine::set_name("waits");
            co_await weft_test::sleep_ms(1);
            co_await c.receive();
        };
        auto h = weft::spawn(waits, gate);
        co_await weft_test::until_parked(1, "chan receive");
        std::thread waker([gate]() mutable { CHECK(gate.try_send(2)); });
        co_await h.join();
        waker.join();
        const read_trace r(stopped(t));
        const auto spans = r.of("waits");
        CHECK(named(spans, "asio operation") == 1);
        CHECK(named(spans, "chan receive") == 1);
        std::size_t wakes = 0;
        for (const auto& [track, all] : r.spans) {
            if (track.first == 1) wakes += named(all, "wakes");
        }
        CHECK(wakes >= 1);
    });
}

TEST_CASE("a trace holds what its runtimes did, also when they are over")
{
    debug::trace t;
    weft::run([]() -> task<> { co_await ask(10); });
    {
        weft::runtime rt({.procs = 2});
        weft::go(rt.get_executor(), ask, std::size_t{7});
    } // unwinds what still runs
    const read_trace r(stopped(t));
    CHECK_FALSE(r.of("asker").empty());
}

TEST_CASE("a ring that is too small keeps the latest, and says how much is missing")
{
    on_procs([]() -> task<> {
        debug::trace t({.records_per_worker = 256});
        co_await weft::spawn(ask, std::size_t{5'000}).join();
        {
            const debug::region r("the end");
        }
        const read_trace r(stopped(t));
        CHECK(r.begun.at("the end") == 1);
        // An earlier trace's rings may be larger.
        CHECK((r.lost > 0 || r.of("asker").size() > 1000));
    });
}

TEST_CASE("the recorder writes when something was slow, and before a panic")
{
    const auto file = std::filesystem::temp_directory_path() /
                      ("weft_flight_" + std::to_string(weft_test::seed()) + ".json");
    {
        debug::flight_recorder rec({.panic_file = file.string()});
        on_procs(
            [&rec]() -> task<> {
                const auto began = weft::clock::now();
                std::ostringstream out;
                CHECK_FALSE(rec.dump_if_slower_than(1h, began, out));
                CHECK(out.str().empty());
                co_await weft_test::sleep_ms(2);
                CHECK(rec.dump_if_slower_than(1ms, began, out));
                static_cast<void>(read_trace(out.str()));
                weft::go([]() -> task<> {
                    weft::this_goroutine::set_name("doomed");
                    co_await weft::this_goroutine::yield();
                    throw std::runtime_error("on purpose");
                });
                co_await weft_test::until_alone();
            },
            weft_test::leftovers::none, weft::panic_policy([](const weft::panic_info&) {}));
    }
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    CHECK_FALSE(read_trace(text.str()).of("doomed").empty());
    std::filesystem::remove(file);
}

TEST_CASE("a trace that is stopped while its runtime ends does not hang")
{
    for (int i = 0; i < 10; ++i) {
        weft_test::watchdog guard;
        debug::trace t({.records_per_worker = 1024});
        auto rt = std::make_unique<weft::runtime>(weft::runtime_options{.procs = 2});
        for (int k = 0; k < 50; ++k) weft::go(rt->get_executor(), ask, std::size_t{1'000'000});
        std::thread ends([&] { rt.reset(); });
        std::this_thread::sleep_for(std::chrono::microseconds(i * 100));
        static_cast<void>(read_trace(stopped(t)));
        ends.join();
    }
}

#if defined(WEFT_TEST_CAN_FORK) && !defined(WEFT_TSAN)

TEST_CASE("in a forked child a trace can be stopped and a recorder be written")
{
    weft_test::watchdog guard;
    weft::runtime rt({.procs = 2});
    debug::trace t({.records_per_worker = 256});
    debug::flight_recorder rec({.records_per_worker = 256});
    for (int k = 0; k < 20; ++k) weft::go(rt.get_executor(), ask, std::size_t{100'000'000});
    for (int i = 0; i < 10; ++i) {
        const auto child = weft_test::in_child([&] {
            std::ostringstream out;
            rec.dump(out);
            rec.dump_after_crash(out);
            t.stop(out);
            std::_Exit(0);
        });
        CHECK(child.signal == 0);
        CHECK(child.status == 0);
    }
}

TEST_CASE("a crash handler can write the recorder")
{
    const auto child = weft_test::in_child([] {
        static debug::flight_recorder* rec = nullptr;
        debug::flight_recorder r;
        rec = &r;
        std::signal(SIGSEGV, [](int) {
            std::ostringstream out;
            std::_Exit(rec->dump_after_crash(out) && !out.str().empty() ? 7 : 8);
        });
        weft::run([]() -> task<> {
            co_await ask(100);
            std::raise(SIGSEGV);
        });
    });
    CHECK(child.status == 7);
}

#endif
