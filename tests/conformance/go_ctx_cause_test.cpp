// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Contexts: deadlines, and why one ended.

#include "testing.hpp"

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using weft::background;
using weft::context;
using weft::errc;
using weft::task;
using weft::with_cancel;
using weft::with_cancel_cause;
using weft::with_timeout;
using weft::with_timeout_cause;
using weft_test::on_procs;

namespace {

std::exception_ptr reason(const char* what)
{
    return std::make_exception_ptr(std::runtime_error(what));
}

/// "canceled", "deadline", the text of another cause, or "" while it lives.
std::string cause_of(const context& c)
{
    const auto cause = c.cause();
    if (!cause) return "";
    try {
        std::rethrow_exception(cause);
    } catch (const weft::error& e) {
        return e.code() == make_error_code(errc::canceled) ? "canceled" : "deadline";
    } catch (const std::exception& e) {
        return e.what();
    }
}

std::string err_of(const context& c)
{
    if (!c.err()) return "";
    return c.err() == make_error_code(errc::canceled) ? "canceled" : "deadline";
}

/// "err/cause"
std::string end_of(const context& c)
{
    return err_of(c) + '/' + cause_of(c);
}

} // namespace

TEST_CASE("CTX-07 a deadline ends a context on time, one that has passed at once")
{
    on_procs([]() -> task<void> {
        const auto start = weft::clock::now();
        auto [ctx, cancel] = with_timeout(background(), 1ms);
        CHECK(ctx.deadline().has_value());
        co_await ctx.done();
        CHECK(weft::clock::now() - start >= 1ms);
        CHECK(end_of(ctx) == "deadline/deadline");

        for (const auto limit :
             {weft::duration::zero(), weft::duration(-1s), weft::duration::min()}) {
            auto [past, end] = with_timeout(background(), limit);
            CHECK(end_of(past) == "deadline/deadline");
        }
        auto [now, end] = weft::with_deadline(background(), weft::clock::now());
        CHECK(end_of(now) == "deadline/deadline");
        auto [far, end_far] = with_timeout(background(), weft::duration::max());
        CHECK(end_of(far) == "/");
    });
}

TEST_CASE("CTX-08 the parent's earlier deadline is what counts")
{
    on_procs([]() -> task<void> {
        auto [parent, cancel] = with_timeout(background(), 1ms);
        auto [child, cancel_child] = with_timeout(parent, 1000h);
        CHECK(child.deadline() == parent.deadline());
        co_await child.done();
        CHECK(end_of(child) == "deadline/deadline");
        CHECK(end_of(parent) == "deadline/deadline");
    });
}

TEST_CASE("CTX-09 cancelled before the deadline stays cancelled after it")
{
    on_procs([]() -> task<void> {
        auto [ctx, cancel] = with_timeout(background(), 20ms);
        cancel();
        CHECK(end_of(ctx) == "canceled/canceled");
        co_await weft::sleep(40ms);
        CHECK(end_of(ctx) == "canceled/canceled");
    });
}

TEST_CASE("CTX-13 causes: what was given, else the error itself")
{
    on_procs([]() -> task<void> {
        auto [plain, cancel] = with_cancel(background());
        CHECK(end_of(plain) == "/");
        cancel();
        CHECK(end_of(plain) == "canceled/canceled");
        auto [with, cancel_with] = with_cancel_cause(background());
        CHECK(end_of(with) == "/");
        cancel_with(reason("E"));
        CHECK(end_of(with) == "canceled/E");
        auto [empty, cancel_empty] = with_cancel_cause(background());
        cancel_empty(nullptr);
        CHECK(end_of(empty) == "canceled/canceled");
        co_return;
    });
}

TEST_CASE("CTX-14 two levels: what came later changes nothing")
{
    on_procs([]() -> task<void> {
        {
            auto [p, cp] = with_cancel_cause(background());
            auto [c, cc] = with_cancel_cause(p);
            cp(reason("P"));
            cc(reason("C"));
            CHECK(cause_of(c) == "P");
            CHECK(cause_of(p) == "P");
        }
        {
            auto [p, cp] = with_cancel_cause(background());
            auto [c, cc] = with_cancel_cause(p);
            cc(reason("C"));
            cp(reason("P"));
            CHECK(cause_of(c) == "C");
            CHECK(cause_of(p) == "P");
        }
        {
            auto [p, cp] = with_cancel_cause(background());
            auto [c, cc] = with_cancel(p);
            cp(reason("P"));
            cc();
            CHECK(cause_of(c) == "P");
        }
        {
            auto [p, cp] = with_cancel_cause(background());
            auto [c, cc] = with_cancel(p);
            cc();
            cp(reason("P"));
            CHECK(cause_of(c) == "canceled");
        }
        {
            auto [p, cp] = with_cancel(background());
            auto [c, cc] = with_cancel_cause(p);
            cp();
            cc(reason("C"));
            CHECK(cause_of(c) == "canceled");
        }
        {
            auto [p, cp] = with_cancel(background());
            auto [c, cc] = with_cancel_cause(p);
            cc(reason("C"));
            cp();
            CHECK(cause_of(c) == "C");
        }
        co_return;
    });
}

TEST_CASE("CTX-15 a timeout's cause counts only if the timeout ends it")
{
    on_procs([]() -> task<void> {
        {
            auto [c, cancel] = with_timeout(background(), 0s);
            cancel();
            CHECK(end_of(c) == "deadline/deadline");
        }
        {
            auto [c, cancel] = with_timeout_cause(background(), 0s, reason("T"));
            cancel();
            CHECK(end_of(c) == "deadline/T");
        }
        {
            auto [c, cancel] = with_timeout_cause(background(), 1ms, reason("T"));
            co_await c.done();
            CHECK(end_of(c) == "deadline/T");
        }
        {
            auto [c, cancel] = with_timeout_cause(background(), 1h, reason("T"));
            cancel();
            CHECK(end_of(c) == "canceled/canceled");
        }
        {
            auto [p, cancel_parent] = with_cancel_cause(background());
            auto [c, cancel] = with_timeout_cause(p, 0s, reason("T"));
            cancel_parent(reason("F"));
            CHECK(end_of(c) == "deadline/T");
        }
        {
            auto [p, cancel_parent] = with_cancel_cause(background());
            cancel_parent(reason("F"));
            auto [c, cancel] = with_timeout_cause(p, 1h, reason("T"));
            CHECK(end_of(c) == "canceled/F");
            auto [late, cancel_late] = with_timeout_cause(p, 0s, reason("T"));
            CHECK(end_of(late) == "canceled/F");
        }
    });
}

TEST_CASE("CTX-17 a context under one that has ended is born ended, for the same cause")
{
    on_procs([]() -> task<void> {
        auto [p, cancel_parent] = with_cancel_cause(background());
        cancel_parent(reason("E"));
        auto [c, cancel] = with_cancel(p);
        CHECK(end_of(c) == "canceled/E");
        co_await c.done();
    });
}
