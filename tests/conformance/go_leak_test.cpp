// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What goleak and Go's goroutine leak profile find, found here.

#include "testing.hpp"

#include "../unit/child_process.hpp"

#include <weft/debug/lock_cycles.hpp>
#include <weft/testing/bubble.hpp>
#include <weft/testing/leak_check.hpp>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <tuple>

using namespace std::chrono_literals;
using weft::channel;
using weft::make_channel;
using weft::runtime;
using weft::task;
using weft::debug::goroutine_info;
using weft_test::on_procs;
namespace testing = weft::testing;

namespace {

task<> parked_on(channel<int> c)
{
    co_await c.receive();
}

task<> nested(channel<int> c, int depth)
{
    if (depth == 0) co_await c.receive();
    else co_await nested(c, depth - 1);
}

void start_parked(channel<int> c)
{
    weft::go(parked_on, c);
}

/// A look without patience.
testing::leak_options at_once()
{
    return testing::leak_options().retry(1);
}

bool mentions(const std::source_location& f, const char* part)
{
    return std::string_view(f.function_name()).find(part) != std::string_view::npos;
}

/// The wait reasons of what a bubble leaves behind, sorted.
template <class F>
std::multiset<std::string> left_by(F f)
{
    std::multiset<std::string> reasons;
    try {
        testing::bubble(std::move(f));
    } catch (const testing::failure& e) {
        CHECK(e.kind() == testing::failure_kind::leak);
        for (const auto& g : e.goroutines()) reasons.insert(g.wait_reason);
    }
    return reasons;
}

using reasons = std::multiset<std::string>;

} // namespace

TEST_CASE("LEAK-01 one goroutine parked on a channel is found, with function and creation site")
{
    on_procs([]() -> task<> {
        CHECK((co_await testing::find_leaks_here(at_once())).empty());
        auto c = make_channel<int>();
        start_parked(c);
        const auto found = co_await testing::find_leaks_here();
        CHECK(found.size() == 1);
        if (found.empty()) co_return;
        CHECK(mentions(found[0].frames.front(), "parked_on"));
        CHECK(mentions(found[0].spawn_site, "start_parked"));
        CHECK(found[0].wait_reason == "chan receive");
        c.close();
        CHECK((co_await testing::find_leaks_here()).empty());
    });
}

TEST_CASE("LEAK-01 leak_check throws what it found")
{
    testing::leak_check();
    runtime rt({.procs = 2});
    auto c = make_channel<int>();
    weft::go(rt.get_executor(), parked_on, c);
    while (weft_test::parked("chan receive") != 1) std::this_thread::yield();
    try {
        testing::leak_check(at_once());
        FAIL("nothing was found");
    } catch (const testing::failure& f) {
        CHECK(f.kind() == testing::failure_kind::leak);
        CHECK(f.goroutines().size() == 1);
        const std::string text = f.what();
        CHECK(text.starts_with("found 1 goroutine left over\n\ngoroutine "));
        CHECK(text.find("parked_on") != text.npos);
    }
    c.close();
    testing::leak_check();
}

TEST_CASE("LEAK-02 a goroutine that ends a moment later is waited for")
{
    runtime rt({.procs = 1});
    weft::go(rt.get_executor(), []() -> task<> { co_await weft::sleep(5ms); });
    CHECK_FALSE(testing::find_leaks(at_once()).empty());
    testing::leak_check();

    // The patience ends: 20 looks take about half a second.
    auto c = make_channel<int>();
    weft::go(rt.get_executor(), parked_on, c);
    const auto before = std::chrono::steady_clock::now();
    CHECK(testing::find_leaks().size() == 1);
    const auto took = std::chrono::steady_clock::now() - before;
    CHECK(took > 300ms);
    CHECK(took < 5s);
    c.close();
}

TEST_CASE("LEAK-03 goroutines of the baseline are not reported, a later one is")
{
    runtime rt({.procs = 1}), other({.procs = 1});
    auto c = make_channel<int>();
    weft::go(rt.get_executor(), parked_on, c);
    weft::go(other.get_executor(), parked_on, c);
    const auto baseline = at_once().ignore_current();
    CHECK(testing::find_leaks(baseline).empty());
    weft::go(other.get_executor(), nested, c, 3);
    while (testing::find_leaks(baseline).empty()) std::this_thread::yield();
    CHECK(testing::find_leaks(baseline).size() == 1);
    c.close();
    testing::leak_check();
}

TEST_CASE("LEAK-04 filters by name, innermost function, any function and creator")
{
    on_procs([]() -> task<> {
        auto c = make_channel<int>();
        const auto start_it = [c] {
            weft::go([c]() -> task<> {
                weft::this_goroutine::set_name("the one");
                co_await nested(c, 2);
            });
        };
        start_it();
        co_await weft_test::until_parked(1, "chan receive");
        const auto hidden = [](testing::leak_options o) -> task<bool> {
            co_return (co_await testing::find_leaks_here(std::move(o))).empty();
        };
        CHECK(co_await hidden(at_once().ignore_name("the one")));
        CHECK_FALSE(co_await hidden(at_once().ignore_name("the other")));
        CHECK(co_await hidden(at_once().ignore_top("nested")));
        CHECK_FALSE(co_await hidden(at_once().ignore_top("lambda")));
        CHECK(co_await hidden(at_once().ignore_any("lambda")));
        CHECK(co_await hidden(at_once().ignore_created_by("go_leak_test.cpp")));
        CHECK_FALSE(co_await hidden(at_once().ignore_created_by("start_parked")));
        start_parked(c);
        co_await weft_test::until_parked(2, "chan receive");
        CHECK(co_await hidden(at_once().ignore_name("the one").ignore_created_by("start_parked")));
        c.close();
    });
}

TEST_CASE("LEAK-05 the cleanup runs after the check, and is refused by the plain search")
{
    std::vector<int> codes;
    const auto noting = testing::leak_options().cleanup([&](int code) { codes.push_back(code); });
    testing::leak_check(noting);
    CHECK(codes == std::vector<int>{0});
    CHECK_MISUSE(testing::find_leaks(noting),
                 "testing::find_leaks: a cleanup is for leak_check and verify_run");
    weft::run([] {
        CHECK_MISUSE(testing::find_leaks(),
                     "testing::find_leaks on a worker thread would keep the goroutines from "
                     "ending; co_await find_leaks_here instead");
    });
}

#if defined(WEFT_TEST_CAN_FORK)

TEST_CASE("LEAK-06 the whole run: 7 stays 7, a leak turns 0 into 1, and the cleanup gets the code")
{
    using outcome = std::tuple<int, int, bool>; // code, the cleanup's code, whether it was shown
    const auto end_of = [](int code, bool leak, bool on_failure) {
        const auto child = weft_test::in_child([=] {
            int cleaned = -1;
            runtime rt({.procs = 1});
            if (leak) {
                weft::go(rt.get_executor(),
                         []() -> task<> { co_await parked_on(make_channel<int>()); });
            }
            auto o = testing::leak_options().retry(5).cleanup([&](int c) { cleaned = c; });
            if (on_failure) o.run_on_failure();
            const int result = testing::verify_run(code, o);
            ::_exit(result * 10 + cleaned);
        });
        return outcome{child.status / 10, child.status % 10, child.wrote("left over")};
    };
    CHECK(end_of(0, false, false) == outcome{0, 0, false});
    CHECK(end_of(0, true, false) == outcome{1, 1, true});
    CHECK(end_of(7, true, false) == outcome{7, 7, false});
    CHECK(end_of(7, true, true) == outcome{7, 7, true});
}

#endif

TEST_CASE("LEAK-07 what the library runs for itself is never reported")
{
    runtime rt({.procs = 4});
    weft::sync_wait(rt.get_executor(), []() -> task<> {
        auto [ctx, cancel] = weft::with_timeout(weft::background(), 1h);
        auto [below, cancel_below] = weft::with_cancel(ctx);
        weft::timer t(1h);
        weft::ticker every(1h);
        auto later = weft::after_func(1h, [] {});
        co_await weft::blocking([] {});
        co_await weft::sleep(1ms);
        CHECK((co_await testing::find_leaks_here(at_once())).empty());
        cancel_below();
        cancel();
    });
    CHECK(testing::find_leaks(at_once()).empty());
}

TEST_CASE("LEAK-08 reports are complete: five in one function, 101 with deep chains")
{
    on_procs([]() -> task<> {
        auto c = make_channel<int>();
        for (int i = 0; i < 5; ++i) start_parked(c);
        co_await weft_test::until_parked(5, "chan receive");
        const auto five = co_await testing::find_leaks_here(at_once());
        CHECK(five.size() == 5);
        std::set<std::uint64_t> ids;
        for (const auto& g : five) {
            CHECK(mentions(g.frames.front(), "parked_on"));
            ids.insert(g.id);
        }
        CHECK(ids.size() == 5);
        for (int i = 0; i < 96; ++i) weft::go(nested, c, 100);
        co_await weft_test::until_parked(101, "chan receive");
        const auto all = co_await testing::find_leaks_here(at_once());
        CHECK(all.size() == 101);
        CHECK(std::count_if(all.begin(), all.end(),
                            [](const auto& g) { return g.frames.size() >= 101; }) == 96);
        c.close();
    });
}

TEST_CASE("LEAK-09 six ways to wait for channels, six labels")
{
    const auto left = left_by([]() -> task<> {
        auto c = make_channel<int>(), d = make_channel<int>(), e = make_channel<int>();
        weft::go([]() -> task<> { co_await channel<int>().receive(); });
        weft::go([]() -> task<> { co_await channel<int>().send(1); });
        weft::go([c]() -> task<> { co_await c.receive(); });
        weft::go([d]() -> task<> { co_await d.send(1); });
        weft::go([e]() -> task<> { co_await weft::select{e.receive(), e.receive()}; });
        weft::go([]() -> task<> {
            co_await weft::select{channel<int>().receive(), channel<int>().send(1)};
        });
        co_await testing::settle();
    });
    CHECK(left == reasons{"chan receive", "chan receive (nil chan)", "chan send",
                          "chan send (nil chan)", "select", "select (no cases)"});
}

TEST_CASE("LEAK-10 a sleep, a join and a context's end have labels of their own")
{
    const auto left = left_by([]() -> task<> {
        auto c = make_channel<int>();
        auto joined = std::make_shared<weft::join_handle<void>>(weft::spawn(parked_on, c));
        weft::go([]() -> task<> { co_await weft::sleep(1h); });
        weft::go([joined]() -> task<> { co_await joined->join(); });
        co_await testing::settle();
    });
    CHECK(left == reasons{"chan receive", "join", "sleep"});
}

TEST_CASE("LEAK-10 each kind of waiting in the sync room has a label of its own")
{
    const auto left = left_by([]() -> task<> {
        struct everything {
            weft::wait_group group;
            weft::mutex m, of_cond;
            weft::rw_mutex written, read;
            weft::cond changed{of_cond};
            weft::semaphore permits{0};
            weft::event fact;
            weft::latch count{1};
            weft::barrier meeting{2};
        };
        auto all = std::make_shared<everything>();
        all->group.add();
        CHECK(all->m.try_lock());
        CHECK(all->written.try_lock());
        CHECK(all->read.try_lock_shared());
        weft::go([all]() -> task<> { co_await all->group.wait(); });
        weft::go([all]() -> task<> { (void)co_await all->m.lock(); });
        weft::go([all]() -> task<> { (void)co_await all->written.lock_shared(); });
        weft::go([all]() -> task<> { (void)co_await all->read.lock(); });
        weft::go([all]() -> task<> {
            auto g = co_await all->of_cond.lock();
            co_await all->changed.wait(g);
        });
        weft::go([all]() -> task<> { (void)co_await all->permits.acquire(); });
        weft::go([all]() -> task<> { (void)co_await all->fact.wait(); });
        weft::go([all]() -> task<> { (void)co_await all->count.wait(); });
        weft::go([all]() -> task<> { (void)co_await all->meeting.arrive_and_wait(); });
        co_await testing::settle();
    });
    CHECK(left == reasons{"barrier wait", "event wait", "latch wait", "semaphore acquire",
                          "sync.Cond.Wait", "sync.Mutex.Lock", "sync.RWMutex.Lock",
                          "sync.RWMutex.RLock", "sync.WaitGroup.Wait"});
}

TEST_CASE("LEAK-10 with a context the label is the same")
{
    const auto left = left_by([]() -> task<> {
        struct everything {
            weft::wait_group group;
            weft::mutex m;
            weft::semaphore permits{0};
        };
        auto all = std::make_shared<everything>();
        all->group.add();
        CHECK(all->m.try_lock());
        weft::go([all]() -> task<> { (void)co_await all->group.wait(weft::background()); });
        weft::go([all]() -> task<> { (void)co_await all->m.lock(weft::background()); });
        weft::go([all]() -> task<> { (void)co_await all->permits.hold(weft::background(), 2); });
        co_await testing::settle();
    });
    CHECK(left == reasons{"semaphore acquire", "sync.Mutex.Lock", "sync.WaitGroup.Wait"});
}

TEST_CASE("LEAK-10 a thousand that lock their own mutex twice are all found, each a cycle of one")
{
    on_procs(
        []() -> task<> {
            for (int i = 0; i < 1'000; ++i) {
                weft::go([]() -> task<> {
                    weft::mutex own;
                    auto g = co_await own.lock();
                    auto again = co_await own.lock();
                });
            }
            co_await weft_test::until_parked(1'000, "sync.Mutex.Lock");
            const auto found = co_await testing::find_leaks_here(at_once());
            CHECK(found.size() == 1'000);
            CHECK(std::all_of(found.begin(), found.end(), [](const goroutine_info& g) {
                return g.wait_reason == "sync.Mutex.Lock" && g.lock_holder == g.id;
            }));
            CHECK(weft::debug::lock_cycles().size() == 1'000);
        },
        weft_test::leftovers::parked);
}

TEST_CASE("LEAK-11 the counter: one in a fresh main, n more after n spawns, and back")
{
    on_procs([]() -> task<> {
        CHECK(weft::debug::goroutine_count() == 1);
        auto c = make_channel<int>();
        for (int i = 0; i < 100; ++i) start_parked(c);
        CHECK(weft::debug::goroutine_count() == 101);
        co_await weft_test::until_parked(100, "chan receive");
        CHECK(weft::debug::goroutines().size() == 101);
        c.close();
        co_await weft_test::until_alone();
        CHECK(weft::debug::goroutine_count() == 1);
    });
    CHECK(weft::debug::goroutine_count() == 0);
}

TEST_CASE("LEAK-12 a parent that returns early leaves its child at the send, unless there is room")
{
    const auto early_return = [](std::size_t room) {
        return [room]() -> task<> {
            auto result = make_channel<int>(room);
            weft::go([result]() -> task<> { co_await result.send(1); });
            co_return; // an error came first
        };
    };
    CHECK(left_by(early_return(0)) == reasons{"chan send"});
    CHECK(left_by(early_return(1)).empty());
}

TEST_CASE("LEAK-13 a worker that nobody stops is found in its select")
{
    const auto work = [](bool stop) {
        return [stop]() -> task<> {
            auto jobs = make_channel<int>();
            auto done = make_channel<void>();
            weft::go([jobs, done]() -> task<> {
                for (;;) {
                    auto s = co_await weft::select{jobs.receive(), done.receive()};
                    if (s.index() == 1) co_return;
                }
            });
            co_await jobs.send(1);
            if (stop) done.close();
        };
    };
    CHECK(left_by(work(false)) == reasons{"select"});
    CHECK(left_by(work(true)).empty());
}

TEST_CASE("LEAK-14 an error path that sends twice is found at the second send")
{
    const auto twice = [](bool error) {
        return [error]() -> task<> {
            auto result = make_channel<int>();
            weft::go([result, error]() -> task<> {
                if (error) co_await result.send(-1); // and forgets to return
                co_await result.send(1);
            });
            co_await result.receive();
        };
    };
    CHECK(left_by(twice(true)) == reasons{"chan send"});
    CHECK(left_by(twice(false)).empty());
}

TEST_CASE("LEAK-15 of five senders with one receive four are left; without senders the receiver")
{
    const auto cast = [](int senders) {
        return [senders]() -> task<> {
            auto c = make_channel<int>();
            for (int i = 0; i < senders; ++i) {
                weft::go([c]() -> task<> { co_await c.send(1); });
            }
            weft::go(parked_on, c);
            co_return;
        };
    };
    CHECK(left_by(cast(5)) == reasons{"chan send", "chan send", "chan send", "chan send"});
    CHECK(left_by(cast(0)) == reasons{"chan receive"});
}

TEST_CASE("blocked_longer_than names who waits for other goroutines, and for how long")
{
    on_procs([]() -> task<> {
        auto c = make_channel<int>();
        start_parked(c);
        weft::go([]() -> task<> { co_await weft::sleep(300ms); });
        weft::go([]() -> task<> { co_await weft_test::sleep_ms(300); });
        co_await weft_test::until_parked(3);
        CHECK(weft::debug::blocked_longer_than(1h).empty());
        co_await weft_test::sleep_ms(40);
        const auto late = weft::debug::blocked_longer_than(30ms);
        CHECK(late.size() == 1);
        CHECK((!late.empty() && late[0].wait_reason == "chan receive"));
        c.close();
    });
}
