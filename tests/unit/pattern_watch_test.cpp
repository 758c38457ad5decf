// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `watch`: the latest value, each seen at most once by each receiver.

#include <weft/pattern/watch.hpp>
#include <weft/testing/explore.hpp>
#include <weft/testing/faults.hpp>

#include "testing.hpp"
#include "witness.hpp"

#include <asio/use_future.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft::pattern::watch;
using weft::pattern::watch_receiver;
using weft_test::on_procs;
using weft_test::team;
using weft_test::until_parked;

namespace {

bool ready(const watch_receiver<int>& r)
{
    auto s = weft::try_select{r.changed()};
    return s.index() == 0;
}

} // namespace

TEST_CASE("a receiver sees the current value first, then each that it has not seen")
{
    on_procs([]() -> task<> {
        watch<std::string> w("one");
        CHECK(*w.get() == "one");
        auto r = w.subscribe();
        auto v = co_await r.changed();
        CHECK(*v == "one");
        w.set("two");
        w.set("three");
        v = co_await r.changed(); // nobody gets every value
        CHECK(*v == "three");
        auto late = w.subscribe();
        v = co_await late.changed();
        CHECK(*v == "three");
        CHECK(*w.get() == "three");
    });
}

TEST_CASE("what get has shown counts as seen, for this receiver alone")
{
    on_procs([]() -> task<> {
        watch<int> w;
        auto r = w.subscribe();
        CHECK(*r.get() == 0);
        CHECK_FALSE(ready(r));
        w.set(1);
        auto copy = r; // has seen what r has
        CHECK(*r.get() == 1);
        CHECK_FALSE(ready(r));
        CHECK(ready(copy));
        CHECK_FALSE(ready(copy));
        auto copy2 = r;
        CHECK_FALSE(ready(copy2));
        auto taken = std::move(copy2);
        CHECK_FALSE(ready(taken));
        CHECK_MISUSE(copy2.get(), "use of an empty watch_receiver"); // NOLINT: moved from
        copy2 = taken;
        w.set(2);
        CHECK(ready(copy2));
        co_return;
    });
}

TEST_CASE("all who wait get the new value")
{
    on_procs([]() -> task<> {
        watch<int> w(1);
        team all;
        auto shared = w.subscribe();
        CHECK(ready(shared));
        for (int i = 0; i < 4; ++i) {
            all.go([r = w.subscribe()]() -> task<> {
                CHECK(ready(r));
                auto v = co_await r.changed();
                CHECK(*v == 2);
            });
            all.go([&shared]() -> task<> {
                auto v = co_await shared.changed();
                CHECK(*v == 2);
            });
        }
        co_await until_parked(8, "event");
        w.set(2);
        co_await all.join();
        CHECK_FALSE(ready(shared));
    });
}

TEST_CASE("close, and the last handle, end it after the last value")
{
    on_procs([]() -> task<> {
        watch<int> w(1);
        auto r = w.subscribe(), behind = w.subscribe();
        CHECK(ready(r));
        auto h = weft::spawn([r]() -> task<bool> { co_return co_await r.changed() == nullptr; });
        co_await until_parked(1, "event");
        w.close();
        const bool ended = co_await h.join();
        CHECK(ended);
        CHECK(w.closed());
        auto v = co_await behind.changed();
        CHECK(*v == 1);
        v = co_await behind.changed();
        CHECK(v == nullptr);
        CHECK(*w.get() == 1);
        CHECK_MISUSE(w.close(), "close of closed watch");
        CHECK_MISUSE(w.set(2), "set of closed watch");
        CHECK_MISUSE(w.update([](int& n) { ++n; }), "set of closed watch");

        auto other = std::make_unique<watch<int>>(5);
        auto s = other->subscribe();
        auto again = std::make_unique<watch<int>>(*other);
        other.reset();
        again->set(6);
        again.reset();
        v = co_await s.changed();
        CHECK(*v == 6);
        v = co_await s.changed();
        CHECK(v == nullptr);
        CHECK(*s.get() == 6);
    });
}

TEST_CASE("update loses nothing that is set at the same time, and may leave the value alone")
{
    on_procs([](unsigned procs) -> task<> {
        watch<int> w(0);
        auto r = w.subscribe();
        static_cast<void>(r.get());
        CHECK_FALSE(w.update([](int&) { return false; }));
        CHECK_FALSE(ready(r));
        CHECK(w.update([](int&) { return true; }));
        CHECK(ready(r));
        CHECK_THROWS_AS(w.update([](int&) { throw std::runtime_error("no"); }), std::runtime_error);
        CHECK_FALSE(ready(r));
        const int each = static_cast<int>(weft_test::count(2000));
        team adders;
        for (unsigned i = 0; i < procs + 1; ++i) {
            adders.go([w, each]() -> task<> {
                for (int k = 0; k < each; ++k) {
                    w.update([](int& n) { ++n; });
                    if (k % 16 == 0) co_await weft::this_goroutine::yield();
                }
            });
        }
        // Who watches sees it grow, and the last value.
        auto growing = weft::spawn([r]() -> task<int> {
            int last = 0;
            while (auto v = co_await r.changed()) {
                CHECK(*v > last);
                last = *v;
            }
            co_return last;
        });
        co_await adders.join();
        w.close();
        const int last = co_await growing.join();
        CHECK(last == each * static_cast<int>(procs + 1));
    });
}

TEST_CASE("a cancelled wait has seen nothing")
{
    on_procs([]() -> task<> {
        watch<int> w(1);
        auto r = w.subscribe();
        CHECK(ready(r));
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto h = weft::spawn([until = ctx, &r]() -> task<bool> {
            try {
                static_cast<void>(co_await r.changed(until));
            } catch (const weft::error& e) {
                co_return e.code() == weft::errc::canceled;
            }
            co_return false;
        });
        co_await until_parked(1, "event");
        cancel();
        const bool ended = co_await h.join();
        CHECK(ended);
        w.set(2);
        bool refused = false;
        try {
            static_cast<void>(co_await r.changed(ctx)); // a context that has ended comes first
        } catch (const weft::error&) {
            refused = true;
        }
        CHECK(refused);
        auto v = co_await r.changed();
        CHECK(*v == 2);
        auto c = make_channel<int>(1);
        co_await c.send(1);
        auto s = co_await weft::select{r.changed(), c.receive()};
        CHECK(s.index() == 1);
    });
}

TEST_CASE("set from an ordinary thread, watched with a completion token")
{
    watch<int> w(0);
    auto r = w.subscribe();
    CHECK(*r.changed()(asio::use_future).get() == 0);
    auto next = r.changed()(asio::use_future);
    std::thread setter([w] { w.set(1); });
    CHECK(*next.get() == 1);
    setter.join();
}

TEST_CASE("values that nobody holds any more are gone")
{
    std::atomic<int> destroyed{0};
    on_procs([&]() -> task<> {
        destroyed = 0;
        watch<weft_test::witness> w{weft_test::witness(destroyed)};
        auto r = w.subscribe();
        auto first = co_await r.changed();
        w.set(weft_test::witness(destroyed));
        CHECK(destroyed == 0);
        first.reset();
        CHECK(destroyed == 1);
        w.set(weft_test::witness(destroyed));
        CHECK(destroyed == 2);
    });
    CHECK(destroyed == 3);
}

TEST_CASE("no change is missed, on many schedules")
{
    const auto seen = weft::testing::explore(
        []() -> task<> {
            watch<int> w(0);
            std::vector<weft::join_handle<int>> readers;
            for (int i = 0; i < 2; ++i) {
                readers.push_back(weft::spawn([r = w.subscribe()]() -> task<int> {
                    int last = -1;
                    while (auto v = co_await r.changed()) {
                        CHECK(*v > last);
                        last = *v;
                    }
                    co_return last;
                }));
            }
            team setters;
            for (int i = 0; i < 2; ++i) {
                setters.go([w]() -> task<> {
                    for (int k = 0; k < 3; ++k) {
                        w.update([](int& n) { ++n; });
                        co_await weft::this_goroutine::yield();
                    }
                });
            }
            co_await setters.join();
            w.close();
            for (auto& r : readers) {
                const int last = co_await r.join();
                CHECK(last == 6);
            }
        },
        {.schedules = 500});
    CHECK(seen.schedules == 500);
}

TEST_CASE("the end of a context at every moment leaves nobody behind")
{
    const auto report = weft::testing::cancel_everywhere(
        [](weft::context ctx) -> task<> {
            watch<int> w(0);
            auto done = make_channel<int>();
            for (int i = 0; i < 2; ++i) {
                weft::go(ctx, [r = w.subscribe(), done]() -> task<> {
                    for (;;) {
                        auto s = co_await weft::select{r.changed(), done.receive()};
                        if (s.index() == 1 || !s.get<0>()) co_return;
                    }
                });
            }
            for (int i = 0; i < 4; ++i) {
                co_await weft::sleep(1s);
                w.set(i);
            }
        },
        {.schedules = 5});
    CHECK(report.places > 8);
}
