// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// latch: its own members.

#include <weft/latch.hpp>

#include "sync_waits.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

using weft::latch;
using weft::task;
using weft_test::on_procs;

namespace {

struct subject {
    std::optional<latch> l{std::in_place, 0};

    void block() { l.emplace(2); }
    void release() { l->count_down(2); }
    auto wait() { return l->wait(); }
    auto wait(const weft::context& ctx) { return l->wait(ctx); }
    void leave() {}
};

} // namespace

WEFT_TEST_WAITS("latch", subject)

TEST_CASE("counting, and misuse that changes nothing")
{
    CHECK_MISUSE(latch(-1), "latch: negative count");
    latch l(3);
    CHECK(!l.try_wait());
    CHECK_MISUSE(l.count_down(-1), "latch: negative count");
    CHECK_MISUSE(l.count_down(4), "latch: negative count");
    CHECK_MISUSE(l.count_down(std::numeric_limits<std::int64_t>::min()), "latch: negative count");
    l.count_down(0);
    l.count_down(2);
    CHECK(!l.try_wait());
    l.count_down();
    CHECK(l.try_wait());
    l.count_down(0);
    CHECK_MISUSE(l.count_down(), "latch: negative count");
    CHECK_MISUSE((void)l.arrive_and_wait(), "latch: negative count");
    CHECK(l.try_wait());
    CHECK(latch(0).try_wait());
}

TEST_CASE("arrive_and_wait: nobody goes on before the last one has come")
{
    on_procs([]() -> task<> {
        constexpr int n = 20;
        latch l(n);
        std::atomic<int> arrived{0};
        weft_test::team all;
        for (int i = 0; i < n; ++i) {
            all.go([&]() -> task<> {
                ++arrived;
                co_await l.arrive_and_wait();
                CHECK(arrived == n);
            });
        }
        co_await l.wait();
        CHECK(arrived == n);
        co_await all.join();
    });
}

TEST_CASE("arrive_and_wait counts when it is called, whoever awaits it")
{
    on_procs([]() -> task<> {
        latch l(2);
        auto op = l.arrive_and_wait();
        auto other = weft::make_channel<int>(1);
        CHECK(other.try_send(1));
        auto s = co_await weft::select{op, other.receive()};
        CHECK(s.index() == 1);
        l.count_down();
        co_await op;
        CHECK(l.try_wait());
    });
}
