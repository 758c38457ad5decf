// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `retry`: what is tried again, what is thrown, and what a context does to it.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/retry.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using weft::backoff;
using weft::retry;
using weft::retry_event;
using weft::task;
using weft_test::on_procs;
using weft_test::until_parked;

namespace {

constexpr backoff quick{.initial = 1us, .max = 10us};

struct flaky : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::string text_of(const std::exception_ptr& e)
{
    try {
        std::rethrow_exception(e);
    } catch (const std::exception& x) {
        return x.what();
    } catch (...) {
        return "?";
    }
}

/// What an exception of `retry` says, and the failure nested in it.
struct ending {
    std::error_code code;
    std::string text;
    std::string nested;
};

template <class T>
task<ending> ending_of(task<T> t)
{
    ending e;
    try {
        co_await std::move(t);
    } catch (const weft::error& x) {
        e.code = x.code();
        e.text = x.what();
        if (const auto* n = dynamic_cast<const std::nested_exception*>(&x))
            e.nested = text_of(n->nested_ptr());
    } catch (...) {
        e.text = text_of(std::current_exception());
    }
    co_return e;
}

} // namespace

TEST_CASE("a success at the first attempt is returned, of whatever type")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        auto text = []() -> task<std::string> { co_return "yes"; };
        const std::string s = co_await retry(ctx, quick, text);
        CHECK(s == "yes");
        auto owned = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
        const auto p = co_await retry(ctx, quick, owned);
        CHECK(*p == 3);
        auto nothing = []() -> task<> { co_return; };
        co_await retry(ctx, quick, nothing);
        auto plain = [] { return 7; };
        const int n = co_await retry(ctx, quick, plain);
        CHECK(n == 7);
        auto plain_nothing = [](int) {};
        co_await retry(ctx, quick, plain_nothing);
    });
}

TEST_CASE("failures are tried again; the function gets the number of the attempt")
{
    on_procs([]() -> task<> {
        std::vector<int> attempts;
        auto third_time = [&](int attempt) -> task<int> {
            attempts.push_back(attempt);
            co_await weft::this_goroutine::yield();
            if (attempt < 3) throw flaky("not yet");
            co_return attempt * 10;
        };
        const int n = co_await retry(weft::background(), quick, third_time);
        CHECK(n == 30);
        CHECK(attempts == std::vector<int>{1, 2, 3});
    });
}

TEST_CASE("the last failure is thrown as it is, with no pause after it")
{
    on_procs([]() -> task<> {
        int calls = 0;
        auto never = [&]() -> task<int> {
            throw flaky("no " + std::to_string(++calls));
            co_return 0;
        };
        const backoff policy{.initial = 1us, .multiplier = 1, .max_attempts = 4};
        bool caught = false;
        try {
            co_await retry(weft::background(), policy, never);
        } catch (const flaky& e) {
            caught = true;
            CHECK(std::string(e.what()) == "no 4");
        }
        CHECK(caught);
        CHECK(calls == 4);

        // A pause of an hour would come after the only attempt.
        calls = 0;
        const backoff once{.initial = 1h, .max = 1h, .jitter = 0, .max_attempts = 1};
        const ending e = co_await ending_of(retry(weft::background(), once, never));
        CHECK(e.text == "no 1");
        // Or would end too late.
        calls = 0;
        const backoff short_time{.initial = 1h, .max = 1h, .jitter = 0, .max_elapsed = 1min};
        const ending f = co_await ending_of(retry(weft::background(), short_time, never));
        CHECK(f.text == "no 1");
    });
}

TEST_CASE("permanent stops at once, and the failure itself is thrown")
{
    on_procs([]() -> task<> {
        int calls = 0;
        auto gone = [&](int attempt) -> task<> {
            ++calls;
            if (attempt == 2) throw weft::permanent(flaky("gone"));
            throw std::runtime_error("busy");
            co_return;
        };
        bool caught = false;
        try {
            co_await retry(weft::background(), quick, gone);
        } catch (const flaky& e) {
            caught = true;
            CHECK(std::string(e.what()) == "gone");
        }
        CHECK(caught);
        CHECK(calls == 2);

        auto wrapped = []() -> task<> {
            try {
                throw flaky("inner");
            } catch (...) {
                throw weft::permanent(std::current_exception());
            }
            co_return;
        };
        const ending e = co_await ending_of(retry(weft::background(), quick, wrapped));
        CHECK(e.text == "inner");
    });
}

TEST_CASE("outside of retry a permanent failure has the failure's text")
{
    CHECK(std::string(weft::permanent(flaky("gone")).what()) == "gone");
    CHECK(std::string(weft::permanent(42).what()) == "permanent failure");
    CHECK(text_of(weft::permanent(flaky("gone")).cause()) == "gone");
    CHECK_MISUSE(weft::permanent(std::exception_ptr()), "permanent: no exception");
}

TEST_CASE("misuse is not tried again")
{
    on_procs([]() -> task<> {
        int calls = 0;
        auto wrong = [&] {
            ++calls;
            auto ch = weft::make_channel<int>();
            ch.close();
            ch.close();
        };
        bool caught = false;
        try {
            co_await retry(weft::background(), quick, wrong);
        } catch (const weft::misuse_error& e) {
            caught = true;
            CHECK(std::string(e.what()) == "close of closed channel");
        }
        CHECK(caught);
        CHECK(calls == 1);
    });
}

TEST_CASE("bad arguments are misuse at the call")
{
    on_procs([]() -> task<> {
        auto f = [] {};
        CHECK_MISUSE(retry(weft::context(), quick, f), "use of a nil context");
        CHECK_MISUSE(retry(weft::background(), {.initial = -1s}, f), "backoff: negative delay");
        CHECK_MISUSE(retry(weft::background(), {.max_attempts = 0}, f),
                     "backoff: max_attempts below 1");
        co_return;
    });
}

TEST_CASE("the observer hears of each failure that is followed by a pause")
{
    on_procs([]() -> task<> {
        std::vector<int> attempts;
        auto observe = [&](const retry_event& e) {
            attempts.push_back(e.attempt);
            CHECK(text_of(e.failure) == "no " + std::to_string(e.attempt));
            CHECK(e.pause == 1us);
        };
        auto never = [](int attempt) -> task<> {
            throw flaky("no " + std::to_string(attempt));
            co_return;
        };
        const backoff policy{.initial = 1us, .multiplier = 1, .jitter = 0, .max_attempts = 3};
        const ending e = co_await ending_of(retry(weft::background(), policy, never, observe));
        CHECK(e.text == "no 3");
        CHECK(attempts == std::vector<int>{1, 2});

        auto stop = [](const retry_event&) { throw flaky("enough"); };
        const ending f = co_await ending_of(retry(weft::background(), policy, never, stop));
        CHECK(f.text == "enough");
    });
}

TEST_CASE("a context that has ended: no attempt")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        cancel();
        int calls = 0;
        auto f = [&] { ++calls; };
        const ending e = co_await ending_of(retry(ctx, quick, f));
        CHECK(e.code == weft::errc::canceled);
        CHECK(e.nested.empty());
        CHECK(calls == 0);
    });
}

TEST_CASE("a context that ends in a pause: its code, and the last failure inside")
{
    on_procs([]() -> task<> {
        const backoff slow{.initial = 1h, .max = 1h, .jitter = 0};
        auto never = []() -> task<> {
            throw flaky("busy");
            co_return;
        };
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto h = weft::spawn([&, ctx] { return ending_of(retry(ctx, slow, never)); });
        co_await until_parked(1, "sleep");
        cancel();
        const ending e = co_await h.join();
        CHECK(e.code == weft::errc::canceled);
        CHECK(e.nested == "busy");

        auto [timed, stop] = weft::with_timeout(weft::background(), 2ms);
        const ending f = co_await ending_of(retry(timed, slow, never));
        CHECK(f.code == weft::errc::deadline_exceeded);
        CHECK(f.nested == "busy");
    });
}

TEST_CASE("a bound goroutine is interrupted in a pause, in the same way")
{
    on_procs([]() -> task<> {
        const backoff slow{.initial = 1h, .max = 1h, .jitter = 0};
        auto never = []() -> task<> {
            throw flaky("busy");
            co_return;
        };
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto h =
            weft::spawn(ctx, [&] { return ending_of(retry(weft::background(), slow, never)); });
        co_await until_parked(1, "sleep");
        cancel();
        const ending e = co_await h.join();
        CHECK(e.code == weft::errc::canceled);
        CHECK(e.nested == "busy");
    });
}

TEST_CASE("a context that ends while an attempt runs ends the retry, not the attempt")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        int calls = 0;
        // It does not look at the context.
        auto stubborn = [&, cancel]() -> task<> {
            ++calls;
            cancel();
            co_await weft::this_goroutine::yield();
            throw flaky("busy");
        };
        const ending e = co_await ending_of(retry(ctx, quick, stubborn));
        CHECK(e.code == weft::errc::canceled);
        CHECK(e.nested == "busy");
        CHECK(calls == 1);

        // It does: what the context says is not nested in itself.
        auto [other, cancel_other] = weft::with_cancel(weft::background());
        auto obedient = [&, other, cancel_other]() -> task<> {
            cancel_other();
            co_await weft::sleep(other, 1h);
        };
        const ending f = co_await ending_of(retry(other, quick, obedient));
        CHECK(f.code == weft::errc::canceled);
        CHECK(f.nested.empty());

        // It succeeds all the same.
        auto [late, cancel_late] = weft::with_cancel(weft::background());
        auto lucky = [cancel_late] {
            cancel_late();
            return 5;
        };
        const int five = co_await retry(late, quick, lucky);
        CHECK(five == 5);
    });
}

TEST_CASE("the deadline of an attempt is a failure like another")
{
    on_procs([]() -> task<> {
        int calls = 0;
        auto impatient = [&]() -> task<int> {
            auto [ctx, cancel] = weft::with_timeout(weft::background(), 1ms);
            if (++calls < 3) co_await weft::sleep(ctx, 1h);
            co_return calls;
        };
        const int n = co_await retry(weft::background(), quick, impatient);
        CHECK(n == 3);
    });
}

TEST_CASE("a bound goroutine whose attempt is interrupted does not try again")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        std::atomic<int> calls = 0;
        auto waits = [&]() -> task<> {
            ++calls;
            co_await weft::sleep(1h);
        };
        const backoff at_once{.initial = 0s};
        auto h =
            weft::spawn(ctx, [&] { return ending_of(retry(weft::background(), at_once, waits)); });
        co_await until_parked(1, "sleep");
        cancel();
        const ending e = co_await h.join();
        CHECK(e.code == weft::errc::canceled);
        CHECK(calls == 1);
    });
}

TEST_CASE("under a shield the goroutine's own context does not end it")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto h = weft::spawn(ctx, [end = cancel]() -> task<int> {
            end();
            auto third = [](int attempt) {
                if (attempt < 3) throw std::runtime_error("not yet");
                return attempt;
            };
            const int n = co_await weft::shield(retry(weft::background(), {.initial = 1ms}, third));
            co_return n;
        });
        const int n = co_await h.join();
        CHECK(n == 3);
    });
}

TEST_CASE("unwound in a pause, the function and its captures are destroyed")
{
    std::atomic<int> destroyed = 0;
    on_procs(
        [&]() -> task<> {
            auto never = [w = weft_test::witness(destroyed)]() -> task<> {
                throw flaky("busy");
                co_return;
            };
            auto body = [never = std::move(never)]() mutable -> task<> {
                const backoff slow{.initial = 1h, .max = 1h, .jitter = 0};
                co_await retry(weft::background(), slow, std::move(never));
            };
            weft::go(std::move(body));
            co_await until_parked(1, "sleep");
        },
        weft_test::leftovers::parked);
    CHECK(destroyed == 3);
}
