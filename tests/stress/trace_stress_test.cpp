// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Traces that come and go while goroutines run: no record is torn, and those of a trace are all there.

#include "testing.hpp"
#include "trace_check.hpp"

#include <weft/debug/contention.hpp>
#include <weft/debug/region.hpp>
#include <weft/debug/trace.hpp>
#include <weft/debug/watchdog.hpp>
#include <weft/detail/trace_ring.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::read_trace;
namespace debug = weft::debug;

namespace {

/// Hands values round, and says so in the trace: "tick" with a number that goes up by one.
task<> chatter(channel<int> in, channel<int> out, std::atomic<bool>* enough)
{
    for (std::uint64_t i = 0; !enough->load(std::memory_order_relaxed); ++i) {
        const auto v = co_await in.receive();
        if (!v) break;
        debug::trace_log("tick", std::to_string(i));
        if (i % 7 == 0) {
            const debug::region r("often");
            co_await weft::this_goroutine::yield();
        }
        co_await out.send(*v + 1);
    }
    out.close();
}

/// Starts goroutines that end at once.
task<> breeder(std::atomic<bool>* enough)
{
    while (!enough->load(std::memory_order_relaxed)) {
        auto h = weft::spawn([]() -> task<> { co_return; });
        co_await h.join();
    }
}

} // namespace

TEST_CASE("traces come and go while thousands of goroutines run")
{
    const std::size_t rounds = weft_test::count(200) / 2;
    for (const unsigned procs : {2u, 4u}) {
        std::atomic<bool> enough{false};
        weft::runtime rt({.procs = procs});
        for (int k = 0; k < 500; ++k) {
            auto a = make_channel<int>(1), b = make_channel<int>(1);
            weft::go(rt.get_executor(), chatter, a, b, &enough);
            weft::go(rt.get_executor(), chatter, b, a, &enough);
            CHECK(a.try_send(0));
        }
        for (int k = 0; k < 4; ++k) weft::go(rt.get_executor(), breeder, &enough);
        debug::flight_recorder rec({.span = 20ms, .records_per_worker = 1 << 10});
        std::size_t ticks = 0, whole = 0;
        for (std::size_t i = 0; i < std::min<std::size_t>(rounds, 6); ++i) {
            debug::trace t({.records_per_worker = std::size_t{1} << 14});
            std::this_thread::sleep_for(1ms);
            std::ostringstream out;
            if (i % 3 == 0) CHECK(rec.dump(out));
            else t.stop(out);
            const read_trace r(out.str());
            // Of each goroutine, the numbers that it told are consecutive.
            std::map<read_trace::track, std::uint64_t> last;
            std::size_t gaps = 0;
            for (const auto& e : r.all.at("traceEvents")) {
                if (e.at("name") != "tick") continue;
                const std::string text = e.at("args").value("message", "");
                if (text.empty()) continue; // its text was forgotten
                const std::uint64_t n = std::stoull(text);
                const read_trace::track track{e.at("pid"), e.at("tid")};
                const auto found = last.find(track);
                if (found != last.end() && n != found->second + 1) ++gaps;
                last[track] = n;
                ++ticks;
            }
            // What is missing may be missing on one worker, and the goroutine was elsewhere before.
            if (r.lost != 0) continue;
            CHECK(gaps == 0);
            ++whole;
        }
        CHECK(ticks > 0);
        CHECK(whole > 0);
        enough = true;
    }
}

TEST_CASE("each event of a trace that holds all is counted")
{
    const auto times = static_cast<std::size_t>(weft_test::count(20'000));
    for (const unsigned procs : {1u, 2u, 4u}) {
        debug::trace t({.records_per_worker = std::size_t{1} << 20});
        weft::run(
            [times]() -> task<> {
                weft_test::team all;
                for (int k = 0; k < 4; ++k) {
                    all.go([times]() -> task<> {
                        for (std::size_t i = 0; i < times / 4; ++i) {
                            const debug::region r("counted");
                            debug::trace_log("count", "x");
                            co_await weft::spawn([]() -> task<> { co_return; }).join();
                        }
                    });
                }
                co_await all.join();
            },
            weft::runtime_options{.procs = procs});
        std::ostringstream out;
        t.stop(out);
        const read_trace r(out.str());
        CHECK(r.lost == 0);
        const std::size_t each = times / 4 * 4;
        CHECK(r.begun.at("counted") == each);
        CHECK(r.instants.at("count") == each);
        CHECK(r.instants.at("start") == each + 5);
        CHECK(r.instants.at("end") == each + 5);
    }
}

TEST_CASE("a ring that is read while it is written gives whole records, in order")
{
    weft::detail::trace_ring ring(4096);
    weft::detail::shared_trace_ring shared;
    std::atomic<bool> enough{false};
    const auto write = [&](std::uint64_t n) { ring.put(n, n * 3, n * 5, n * 7); };
    std::thread writer([&] {
        for (std::uint64_t n = 0; !enough; ++n) write(n);
    });
    std::vector<std::thread> many;
    for (std::uint32_t k = 1; k <= 3; ++k) {
        many.emplace_back([&, k] {
            for (std::uint64_t n = 0; !enough; ++n) shared.put({n, n * 3, n * 5, n * 7}, k);
        });
    }
    std::size_t torn = 0, gaps = 0, seen = 0;
    const std::size_t looks = weft_test::count(20'000);
    for (std::size_t i = 0; i < looks || (seen == 0 && i < 1'000'000); ++i) {
        const auto c = ring.read();
        for (std::size_t k = 0; k < c.records.size(); ++k) {
            const auto& r = c.records[k];
            torn += r.who != r.ticks * 3 || r.a != r.ticks * 5 || r.b != r.ticks * 7;
            gaps += k != 0 && r.ticks != c.records[k - 1].ticks + 1;
            ++seen;
        }
        if (i % 64 != 0) continue;
        std::map<std::uint32_t, std::uint64_t> last;
        for (const auto& e : shared.read().records) {
            const auto& r = e.record;
            torn += r.who != r.ticks * 3 || r.a != r.ticks * 5 || r.b != r.ticks * 7;
            gaps += last.count(e.thread) != 0 && r.ticks <= last[e.thread];
            last[e.thread] = r.ticks;
        }
    }
    enough = true;
    writer.join();
    for (auto& t : many) t.join();
    CHECK(torn == 0);
    CHECK(gaps == 0);
    CHECK(seen > 0);
}

TEST_CASE("profiles and watchdogs come and go while goroutines run")
{
    std::atomic<bool> enough{false};
    weft::runtime rt({.procs = 4});
    weft::mutex mu;
    auto locker = [&](int) -> task<> {
        while (!enough.load(std::memory_order_relaxed)) {
            auto g = co_await mu.lock();
            co_await weft::this_goroutine::yield();
        }
    };
    std::vector<weft::join_handle<void>> all;
    for (int k = 0; k < 50; ++k) all.push_back(weft::spawn(rt.get_executor(), locker, k));
    for (std::size_t i = 0; i < 30; ++i) {
        debug::set_block_profile_rate(std::chrono::nanoseconds(i % 3));
        debug::set_mutex_profile_fraction(i % 2);
        debug::set_latency_sampling(i % 4);
        debug::watchdog dog({.slice_limit = 50us, .blocked_limit = 1h});
        std::this_thread::sleep_for(2ms);
        static_cast<void>(debug::block_profile());
        static_cast<void>(debug::mutex_profile());
        static_cast<void>(debug::scheduling_latency());
        if (i % 5 == 0) debug::reset_contention();
    }
    enough = true;
    for (auto& h : all) weft::sync_wait(rt.get_executor(), h.join());
    debug::set_block_profile_rate(0ns);
    debug::set_mutex_profile_fraction(0);
    debug::set_latency_sampling(0);
}
