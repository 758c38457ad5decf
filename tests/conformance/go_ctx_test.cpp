// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Contexts: the tree, its values, who ends with whom.

#include "testing.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::background;
using weft::context;
using weft::task;
using weft::with_cancel;
using weft::with_timeout;
using weft::with_value;
using weft_test::on_procs;

namespace {

bool is_done(const context& c)
{
    return weft::try_select{c.done()}.index() == 0;
}

/// Done in every way one can ask, with this code.
bool ended_with(const context& c, weft::errc e)
{
    return is_done(c) && c.err() == make_error_code(e) && c.cause() != nullptr;
}

bool alive(const context& c)
{
    return !is_done(c) && !c.err() && c.cause() == nullptr;
}

std::size_t children(const context& c)
{
    return c.node().life()->children();
}

struct number {
    using type = int;
};
struct other_number {
    using type = int;
};
struct text {
    using type = std::string;
};
struct maybe {
    using type = std::optional<int>;
};

using derived = weft::cancellable<weft::cancel_function>;

} // namespace

TEST_CASE("CTX-01 background and todo never end and know nothing")
{
    on_procs([]() -> task<void> {
        for (const context& c : {background(), weft::todo()}) {
            CHECK(alive(c));
            CHECK_FALSE(c.deadline().has_value());
            CHECK(c.value<number>() == nullptr);
            CHECK_NOTHROW(c.throw_if_done());
            CHECK_FALSE(c.stop_token().stop_possible());
        }
        co_return;
    });
}

TEST_CASE("CTX-02 with_cancel: open before, and done in every way when cancel has returned")
{
    on_procs([]() -> task<void> {
        auto [ctx, cancel] = with_cancel(background());
        const context wrapper = with_value<number>(ctx, 1);
        auto [below, cancel_below] = with_cancel(wrapper);
        for (const context& c : {ctx, wrapper, below}) CHECK(alive(c));
        cancel();
        for (const context& c : {ctx, wrapper, below}) CHECK(ended_with(c, weft::errc::canceled));
        co_await ctx.done(); // level-triggered: ready again and again
        co_await below.done();
    });
}

TEST_CASE("CTX-03 a second cancel changes nothing")
{
    on_procs([]() -> task<void> {
        auto [ctx, cancel] = weft::with_cancel_cause(background());
        cancel(std::make_exception_ptr(std::runtime_error("first")));
        const auto cause = ctx.cause();
        cancel(std::make_exception_ptr(std::runtime_error("second")));
        cancel();
        CHECK(ctx.cause() == cause);
        CHECK(ctx.err() == make_error_code(weft::errc::canceled));

        for (int round = 0; round < 200; ++round) {
            auto [both, end] = weft::with_cancel_cause(background());
            const auto one = std::make_exception_ptr(1), two = std::make_exception_ptr(2);
            std::thread outside([other = end, one] { other(one); });
            end(two);
            const auto kept = both.cause();
            outside.join();
            CHECK((kept == one || kept == two));
            CHECK(both.cause() == kept);
        }
        co_return;
    });
}

TEST_CASE("CTX-04 a parent that ends takes all below with it and forgets them")
{
    on_procs([]() -> task<void> {
        auto [parent, cancel] = with_cancel(background());
        auto [child, cancel_child] = with_cancel(parent);
        const context value = with_value<text>(parent, "v");
        auto [timed, cancel_timed] = with_timeout(value, 10000h);
        CHECK(children(parent) == 2);
        cancel();
        for (const context& c : {parent, child, value, timed}) {
            CHECK(ended_with(c, weft::errc::canceled));
        }
        CHECK(children(parent) == 0);
        CHECK(ended_with(with_value<number>(parent, 1), weft::errc::canceled));
        auto [late, cancel_late] = with_cancel(parent);
        CHECK(ended_with(late, weft::errc::canceled));
        CHECK(children(parent) == 0);
        co_return;
    });
}

TEST_CASE("CTX-05 a child that ends first leaves its parent alone")
{
    on_procs([]() -> task<void> {
        auto [lonely, cancel_lonely] = with_cancel(background());
        cancel_lonely();
        CHECK(ended_with(lonely, weft::errc::canceled));

        auto [parent, cancel] = with_cancel(background());
        auto [child, cancel_child] = with_cancel(parent);
        CHECK(children(parent) == 1);
        cancel_child();
        CHECK(ended_with(child, weft::errc::canceled));
        CHECK(alive(parent));
        CHECK(children(parent) == 0);
        co_return;
    });
}

TEST_CASE("CTX-06 each registration counts one, and is gone after cancel or stop")
{
    on_procs([]() -> task<void> {
        auto [parent, cancel] = with_cancel(background());
        {
            auto [c, end] = with_cancel(parent);
            CHECK(children(parent) == 1);
            end();
            CHECK(children(parent) == 0);
        }
        {
            auto [c, end] = with_timeout(parent, 60min);
            CHECK(children(parent) == 1);
            end();
            CHECK(children(parent) == 0);
        }
        {
            const auto stop = weft::after_func(parent, [] {});
            CHECK(children(parent) == 1);
            CHECK(stop());
            CHECK(children(parent) == 0);
        }
        { // the end of the scope is enough
            auto [c, end] = with_timeout(parent, 60min);
            CHECK(children(parent) == 1);
        }
        CHECK(children(parent) == 0);
        co_return;
    });
}

TEST_CASE("CTX-10 an expired deadline is a timeout, a cancellation is not")
{
    const std::error_code expired = make_error_code(weft::errc::deadline_exceeded);
    const std::error_code canceled = make_error_code(weft::errc::canceled);
    CHECK(expired == std::errc::timed_out);
    CHECK(canceled != std::errc::timed_out);
    CHECK(canceled == std::errc::operation_canceled);
    CHECK(expired != std::errc::operation_canceled);
}

TEST_CASE("CTX-11 keys of distinct types never meet, and the nearest value counts")
{
    on_procs([]() -> task<void> {
        const context none = background();
        const context one = with_value<number>(none, 1);
        const context two = with_value<other_number>(one, 1);
        const context three = with_value<number>(two, 3);
        CHECK(none.value<number>() == nullptr);
        CHECK(*one.value<number>() == 1);
        CHECK(one.value<other_number>() == nullptr);
        CHECK(*two.value<number>() == 1);
        CHECK(*two.value<other_number>() == 1);
        CHECK(*three.value<number>() == 3);
        CHECK(*three.value<other_number>() == 1);

        auto [wrapped, cancel] = with_timeout(three, 1h);
        CHECK(*wrapped.value<number>() == 3);
        CHECK(wrapped.value<text>() == nullptr);

        const context full = with_value<maybe>(wrapped, 5);
        const context empty = with_value<maybe>(full, std::nullopt); // hides the 5
        CHECK(full.value<maybe>()->has_value());
        CHECK_FALSE(empty.value<maybe>()->has_value());
        CHECK(*weft::without_cancel(empty).value<number>() == 3);
        co_return;
    });
}

TEST_CASE("CTX-12 nothing can be derived from a nil context, nor asked of it")
{
    on_procs([]() -> task<void> {
        constexpr const char* refused = "cannot create context from nil parent";
        const context nil;
        CHECK_FALSE(static_cast<bool>(nil));
        CHECK(nil == context());
        CHECK_FALSE(nil == background());
        CHECK_MISUSE(with_cancel(nil), refused);
        CHECK_MISUSE(weft::with_cancel_cause(nil), refused);
        CHECK_MISUSE(with_timeout(nil, 1s), refused);
        CHECK_MISUSE(weft::with_deadline(nil, weft::clock::now()), refused);
        CHECK_MISUSE(with_value<number>(nil, 1), refused);
        CHECK_MISUSE(weft::without_cancel(nil), refused);
        CHECK_MISUSE(weft::merge(nil, background()), refused);
        CHECK_MISUSE(weft::merge(background(), nil), refused);
        CHECK_MISUSE(weft::with_stop_token(nil, {}), refused);
        CHECK_MISUSE(weft::with_signals(nil, {}), refused);
        CHECK_MISUSE(weft::after_func(nil, [] {}), refused);
        CHECK_MISUSE(weft::adapt(nullptr), refused);
        CHECK_MISUSE(weft::go(nil, [] {}), refused);
        CHECK_MISUSE(nil.done(), "use of a nil context");
        CHECK_MISUSE(nil.err(), "use of a nil context");
        CHECK_MISUSE(nil.value<number>(), "use of a nil context");
        CHECK_MISUSE(nil.throw_if_done(), "use of a nil context");
        co_return;
    });
}

TEST_CASE("CTX-16 without_cancel keeps the values and nothing else")
{
    on_procs([]() -> task<void> {
        auto [parent, cancel] = weft::with_cancel_cause(with_value<number>(background(), 7));
        auto [timed, cancel_timed] = with_timeout(parent, 1ms);
        const context free = weft::without_cancel(timed);
        co_await timed.done();
        cancel(std::make_exception_ptr(1));
        CHECK(alive(free));
        CHECK_FALSE(free.deadline().has_value());
        CHECK(*free.value<number>() == 7);
        auto [below, end] = with_cancel(free);
        CHECK(alive(below));
        end();
        CHECK(alive(free));
    });
}

TEST_CASE("CTX-22 layers at random: values show through, and any layer ends the innermost")
{
    on_procs([]() -> task<void> {
        auto random = weft_test::make_random();
        for (int round = 0; round < 20; ++round) {
            context top = background();
            std::vector<derived> cancels;
            int bound = 0;
            const int layers = 30 + static_cast<int>(random() % 50);
            for (int i = 0; i < layers; ++i) {
                switch (random() % 3) {
                case 0: top = with_value<number>(top, ++bound); break;
                case 1: top = cancels.emplace_back(with_cancel(top)).ctx; break;
                default: top = cancels.emplace_back(with_timeout(top, 1000h)).ctx; break;
                }
            }
            CHECK((bound == 0 || *top.value<number>() == bound));
            if (cancels.empty()) continue;
            CHECK(alive(top));
            cancels[random() % cancels.size()].cancel();
            CHECK(ended_with(top, weft::errc::canceled));
            CHECK((bound == 0 || *top.value<number>() == bound));
        }
        co_return;
    });
}

TEST_CASE("CTX-23 a node that ends takes its descendants, not its parent nor sibling")
{
    on_procs([]() -> task<void> {
        auto [root, end_root] = with_cancel(background());
        auto [sibling, end_sibling] = with_cancel(root);
        auto [middle, end_middle] = with_cancel(root);
        auto [child1, e1] = with_cancel(middle);
        auto [child2, e2] = with_cancel(middle);
        auto [grand1, e3] = with_cancel(child1);
        auto [grand2, e4] = with_cancel(child2);
        auto [great, e5] = with_cancel(grand1);
        const std::vector<context> inside{middle, child1, child2, grand1, grand2, great};
        weft_test::team waiters;
        for (const context& c : inside) {
            waiters.go([](context own) -> task<void> { co_await own.done(); }, c);
        }
        co_await weft_test::until_parked(inside.size(), "context done");
        end_middle();
        for (const context& c : inside) CHECK(ended_with(c, weft::errc::canceled));
        co_await waiters.join();
        CHECK(alive(root));
        CHECK(alive(sibling));
    });
}

TEST_CASE("CTX-24 children outlive the handles of their parent")
{
    on_procs([]() -> task<void> {
        constexpr std::size_t n = 20;
        for (std::size_t turn = 0; turn < n; ++turn) {
            std::vector<derived> some;
            std::optional<derived> parent = with_cancel(background());
            for (std::size_t i = 0; i < n; ++i) some.push_back(with_cancel(parent->ctx));
            const weft::cancel_function keep = parent->cancel;
            parent.reset(); // but not what would end it
            for (const derived& d : some) CHECK(alive(d.ctx));
            std::rotate(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(turn), some.end());
            for (std::size_t i = 0; i < n; ++i) {
                const context ctx = some.back().ctx;
                some.pop_back(); // its scope ends
                CHECK(ended_with(ctx, weft::errc::canceled));
                for (const derived& d : some) CHECK(alive(d.ctx));
            }
        }
        co_return;
    });
}
