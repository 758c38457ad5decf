// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Contexts beyond Go's: stop tokens, cancellation slots, merge, the handles that end them.

#include "testing.hpp"

#include <asio/cancellation_signal.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::background;
using weft::context;
using weft::errc;
using weft::task;
using weft::with_cancel;
using weft_test::on_procs;

namespace {

struct number {
    using type = int;
};

std::size_t children(const context& c)
{
    return c.node().life()->children();
}

std::string text_of(const std::exception_ptr& e)
{
    try {
        if (e) std::rethrow_exception(e);
    } catch (const std::exception& x) {
        return x.what();
    }
    return "";
}

std::exception_ptr reason(const char* what)
{
    return std::make_exception_ptr(std::runtime_error(what));
}

} // namespace

TEST_CASE("the last copy of a cancel function ends the context")
{
    auto made = with_cancel(background());
    const context ctx = made.ctx;
    std::optional<weft::cancel_function> copy = made.cancel;
    const weft::cancel_function moved = std::move(made.cancel);
    made.cancel(); // nothing is left in it
    CHECK_FALSE(ctx.err());
    {
        const weft::cancel_function third = *copy;
    }
    copy.reset();
    CHECK_FALSE(ctx.err());
    {
        const weft::cancel_function last = moved;
        auto another = with_cancel(background());
        const context first = another.ctx;
        another.cancel = last; // what it ended before goes
        CHECK(first.err() == make_error_code(errc::canceled));
    }
    CHECK_FALSE(ctx.err());
    moved();
    CHECK(ctx.err() == make_error_code(errc::canceled));
}

TEST_CASE("a stop token of a context stops with it, and its callbacks have run then")
{
    auto [ctx, cancel] = with_cancel(background());
    auto [below, cancel_below] = with_cancel(weft::with_value<number>(ctx, 1));
    const std::stop_token token = below.stop_token();
    CHECK(token == below.stop_token());
    CHECK(token.stop_possible());
    CHECK_FALSE(token.stop_requested());
    std::thread::id ran_on;
    bool all_had_ended = false;
    const std::stop_callback note(token, [&, parent = ctx, child = below] {
        ran_on = std::this_thread::get_id();
        all_had_ended = parent.err() && child.err();
    });
    std::jthread other([&end = cancel] { end(); });
    const auto its_id = other.get_id();
    other.join();
    CHECK(token.stop_requested());
    CHECK(ran_on == its_id);
    CHECK(all_had_ended);
    CHECK(below.stop_token().stop_requested());

    auto [late, end_late] = with_cancel(background());
    end_late();
    CHECK(late.stop_token().stop_requested()); // asked for after the end
}

TEST_CASE("a context ends with a stop token, whichever goes first")
{
    std::stop_source source;
    {
        auto [ctx, cancel] = weft::with_stop_token(background(), source.get_token());
        auto [child, cancel_child] = with_cancel(ctx);
        auto again = weft::with_stop_token(background(), child.stop_token());
        auto dropped = std::make_optional(weft::with_stop_token(ctx, source.get_token()));
        dropped.reset();
        CHECK_FALSE(again.ctx.err());
        source.request_stop();
        CHECK(ctx.err() == make_error_code(errc::canceled));
        CHECK(again.ctx.err() == make_error_code(errc::canceled));
        auto born_ended = weft::with_stop_token(background(), source.get_token());
        CHECK(born_ended.ctx.err() == make_error_code(errc::canceled));
    }
    auto never = weft::with_stop_token(background(), std::stop_token());
    CHECK_FALSE(never.ctx.err());
}

TEST_CASE("a stop token and the last handle race")
{
    for (std::size_t i = 0; i < weft_test::count(20'000); ++i) {
        std::stop_source source;
        auto made = std::make_optional(weft::with_stop_token(background(), source.get_token()));
        auto [child, cancel_child] = with_cancel(made->ctx);
        std::thread other([&source] { source.request_stop(); });
        made.reset();
        other.join();
        CHECK(child.err() == make_error_code(errc::canceled));
    }
}

TEST_CASE("a context ends with a cancellation slot")
{
    asio::cancellation_signal signal;
    std::optional<context> kept;
    {
        auto [ctx, cancel] = weft::with_cancellation_slot(background(), signal.slot());
        signal.emit(asio::cancellation_type::none);
        CHECK_FALSE(ctx.err());
        signal.emit(asio::cancellation_type::partial);
        CHECK(ctx.err() == make_error_code(errc::canceled));
        kept = ctx;
    }
    signal.emit(asio::cancellation_type::terminal); // once more, to one that has ended
    {
        auto made = weft::with_cancellation_slot(background(), signal.slot());
        kept = made.ctx;
    }
    CHECK(kept->err());
    kept.reset();
    signal.emit(asio::cancellation_type::terminal); // nobody but the slot holds it
}

TEST_CASE("merge: the values of the first, the end and the deadline of both")
{
    on_procs([]() -> task<void> {
        {
            auto [a, end_a] = weft::with_cancel_cause(weft::with_value<number>(background(), 1));
            auto [b, end_b] = weft::with_cancel_cause(weft::with_value<number>(background(), 2));
            auto [m, end_m] = weft::merge(a, b);
            auto [n, end_n] = weft::merge(b, a);
            CHECK(*m.value<number>() == 1);
            CHECK(*n.value<number>() == 2);
            CHECK(children(a) == 2);
            CHECK(children(b) == 2);
            end_b(reason("b"));
            end_a(reason("a"));
            CHECK(text_of(m.cause()) == "b");
            CHECK(text_of(n.cause()) == "b");
            CHECK(children(a) == 0);
            auto [born, end_born] = weft::merge(background(), a);
            CHECK(text_of(born.cause()) == "a");
        }
        {
            auto [a, end_a] = weft::with_timeout(background(), 1h);
            auto [b, end_b] = weft::with_timeout(background(), 2ms);
            auto [m, end_m] = weft::merge(a, b);
            auto [twice, end_twice] = weft::merge(b, b);
            CHECK(m.deadline() == b.deadline());
            co_await m.done();
            CHECK(m.err() == make_error_code(errc::deadline_exceeded));
            CHECK(twice.err() == make_error_code(errc::deadline_exceeded));
            CHECK(children(a) == 0);
        }
        {
            auto [a, end_a] = with_cancel(background());
            auto [ended, end] = with_cancel(background());
            end();
            {
                auto [m, end_m] = weft::merge(ended, a);
                CHECK(m.err() == make_error_code(errc::canceled));
                CHECK(children(a) == 0);
            }
            {
                auto [m, end_m] = weft::merge(background(), a);
                CHECK(children(a) == 1);
                end_m();
                CHECK(children(a) == 0);
            }
            {
                auto [m, end_m] = weft::merge(a, weft::with_value<number>(a, 1));
                CHECK(children(a) == 2);
            }
            CHECK(children(a) == 0);
        }
    });
}

TEST_CASE("merges end and go while others end what they merge")
{
    for (std::size_t i = 0; i < weft_test::count(20'000); ++i) {
        auto a = with_cancel(background()), b = with_cancel(background());
        std::atomic<int> begun{0};
        std::thread one([&] {
            ++begun;
            a.cancel();
        });
        std::thread two([&] {
            ++begun;
            b.cancel();
        });
        while (begun == 0) std::this_thread::yield();
        auto m = std::make_optional(weft::merge(a.ctx, b.ctx));
        const context deeper = weft::merge(b.ctx, m->ctx).ctx;
        if (i % 2) m.reset();
        one.join();
        two.join();
        CHECK(deeper.err());
        CHECK(children(a.ctx) + children(b.ctx) == 0);
    }
}

TEST_CASE("no tree is too deep, nor too wide")
{
    const std::size_t depth = weft_test::count(10'000'000);
    enum class shape { lives, values, merges, mixed };
    for (const shape s : {shape::lives, shape::values, shape::merges, shape::mixed}) {
        auto root = with_cancel(background());
        context top = root.ctx;
        std::vector<weft::cancel_function> ends;
        ends.reserve(depth);
        for (std::size_t i = 0; i < depth; ++i) {
            const shape now = s == shape::mixed ? static_cast<shape>(i % 3) : s;
            if (now == shape::values) {
                top = weft::with_value<number>(top, static_cast<int>(i));
            } else {
                auto made = now == shape::lives ? with_cancel(top) : weft::merge(root.ctx, top);
                top = std::move(made.ctx);
                ends.push_back(std::move(made.cancel));
            }
        }
        CHECK_FALSE(top.err());
        if (s == shape::mixed) {
            ends.front()();
        } else {
            root.cancel();
        }
        CHECK(top.err() == make_error_code(errc::canceled));
        ends.clear();
        top = context();
    }
    auto root = with_cancel(background());
    std::vector<weft::cancellable<weft::cancel_function>> wide;
    for (std::size_t i = 0; i < depth / 10; ++i) wide.push_back(with_cancel(root.ctx));
    CHECK(children(root.ctx) == wide.size());
    root.cancel();
    for (const auto& c : wide) CHECK(c.ctx.err());
}

namespace {

/// Holds one hook, to be called whenever the test likes.
class held_hook final : public weft::custom_context {
public:
    std::function<bool()> on_end(std::function<void(errc, std::exception_ptr)> ended) override
    {
        hook = std::move(ended);
        if (at_once) hook(errc::canceled, reason("at once"));
        return [this] {
            ++taken_back;
            return false; // too late: it will still be called
        };
    }

    std::function<void(errc, std::exception_ptr)> hook;
    bool at_once = false;
    int taken_back = 0;
};

} // namespace

TEST_CASE("a custom context may call its hook at once, late, twice, and with no code")
{
    const auto own = std::make_shared<held_hook>();
    {
        const context ctx = weft::adapt(own);
        own->hook(errc::deadline_exceeded, reason("why"));
        own->hook(errc::canceled, nullptr);
        CHECK(ctx.err() == make_error_code(errc::deadline_exceeded));
        CHECK(text_of(ctx.cause()) == "why");
    }
    CHECK(own->taken_back == 1);
    own->hook(errc::canceled, nullptr); // nobody is there any more
    {
        const context ctx = weft::adapt(own);
        own->hook(errc(), nullptr);
        CHECK(ctx.err() == make_error_code(errc::canceled));
    }
    own->at_once = true;
    const context ctx = weft::adapt(own);
    CHECK(text_of(ctx.cause()) == "at once");
}

TEST_CASE("a custom context's end and the last handle race")
{
    for (std::size_t i = 0; i < weft_test::count(20'000); ++i) {
        const auto own = std::make_shared<held_hook>();
        auto ctx = std::make_optional(weft::adapt(own));
        std::thread other([&own] { own->hook(errc::canceled, nullptr); });
        ctx.reset();
        other.join();
    }
}

TEST_CASE("a slot that is none never ends its context")
{
    auto [ctx, cancel] = weft::with_cancellation_slot(background(), asio::cancellation_slot());
    CHECK_FALSE(ctx.err());
    cancel();
    CHECK(ctx.err() == errc::canceled);
}

namespace {

struct not_to_be_copied {
    not_to_be_copied() = default;
    not_to_be_copied(const not_to_be_copied&) { throw std::runtime_error("copied"); }
};
struct witness_key {
    using type = std::shared_ptr<int>;
};
struct failing_key {
    using type = not_to_be_copied;
};

} // namespace

TEST_CASE("a value that cannot be made leaves the parent as it was")
{
    auto value = std::make_shared<int>(1);
    const std::weak_ptr<int> seen = value;
    {
        const context parent = weft::with_value<witness_key>(background(), std::move(value));
        const not_to_be_copied bad;
        CHECK_THROWS_AS((void)weft::with_value<failing_key>(parent, bad), std::runtime_error);
    }
    CHECK(seen.expired());
}

TEST_CASE("when cancel returns all descendants have ended, also if another thread is at it")
{
    constexpr int wide = 20'000;
    for (int round = 0; round < 5; ++round) {
        auto [parent, cancel] = with_cancel(background());
        std::vector<weft::cancellable<weft::cancel_function>> children;
        for (int i = 0; i < wide; ++i) children.push_back(with_cancel(parent));
        std::thread other([&c = cancel] { c(); });
        while (!parent.err()) {}
        cancel();
        CHECK(std::all_of(children.begin(), children.end(),
                          [](const auto& c) { return c.ctx.err() == errc::canceled; }));
        other.join();
    }
}

TEST_CASE("a child that another thread is ending has taken its own along when the parent's cancel "
          "returns")
{
    constexpr int wide = 20'000;
    for (int round = 0; round < 5; ++round) {
        auto [parent, cancel] = with_cancel(background());
        auto child = with_cancel(parent);
        std::vector<weft::cancellable<weft::cancel_function>> grandchildren;
        for (int i = 0; i < wide; ++i) grandchildren.push_back(with_cancel(child.ctx));
        std::thread other([&c = child] { c.cancel(); });
        while (!child.ctx.err()) {}
        cancel();
        CHECK(std::all_of(grandchildren.begin(), grandchildren.end(),
                          [](const auto& c) { return c.ctx.err() == errc::canceled; }));
        other.join();
    }
}

TEST_CASE("a stop_callback may cancel the context that has just ended")
{
    auto [ctx, cancel] = with_cancel(background());
    int called = 0;
    const std::stop_callback again(ctx.stop_token(), [&, &c = cancel] {
        ++called;
        c();
    });
    cancel();
    CHECK(called == 1);
}
