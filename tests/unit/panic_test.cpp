// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// An exception that escapes a goroutine: the three policies, and that none is ever swallowed.

#include "child_process.hpp"
#include "testing.hpp"

#include <atomic>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using weft::make_channel;
using weft::panic_info;
using weft::panic_policy;
using weft::task;

namespace {

/// Keeps what a handler, or the log, was told.
class reports {
public:
    void add(std::string text)
    {
        std::lock_guard lock(mutex_);
        texts_.push_back(std::move(text));
    }
    [[nodiscard]] std::size_t count()
    {
        std::lock_guard lock(mutex_);
        return texts_.size();
    }
    [[nodiscard]] std::string all()
    {
        std::lock_guard lock(mutex_);
        std::string joined;
        for (const auto& t : texts_) joined += t;
        return joined;
    }

private:
    std::mutex mutex_;
    std::vector<std::string> texts_;
};

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != text.npos;
}

task<> inner_frame(bool wait)
{
    if (wait) co_await weft::this_goroutine::yield();
    throw std::runtime_error("the reason");
}

task<> outer_frame(bool wait)
{
    co_await inner_frame(wait);
}

/// Runs until `r` has `n` reports.
template <class Start>
void run_until(reports& r, std::size_t n, const panic_policy& policy, Start start)
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        const std::size_t before = r.count();
        weft::run(
            [&]() -> task<> {
                start();
                const auto told = [&] { return r.count() == before + n; };
                co_await weft_test::yield_until(told);
                auto ch = make_channel<int>(1); // the others go on
                co_await ch.send(1);
                auto one = co_await ch.receive();
                CHECK(one == 1);
            },
            {.procs = procs, .on_panic = policy});
        CHECK(r.count() == before + n);
    }
    weft_test::note_procs(0);
}

} // namespace

TEST_CASE("a handler gets the exception and a report with name, await chain and spawn site")
{
    reports texts;
    std::atomic<int> right_type{0};
    const panic_policy policy([&](const panic_info& info) {
        try {
            std::rethrow_exception(info.exception);
        } catch (const std::runtime_error&) {
            ++right_type;
        }
        texts.add(std::string(info.report));
    });
    run_until(texts, 1, policy, [] {
        weft::go([]() -> task<> {
            weft::this_goroutine::set_name("doomed");
            co_await outer_frame(true);
        });
    });
    CHECK(right_type == 3);
    const std::string text = texts.all();
    CHECK(text.starts_with("panic: the reason\n\ngoroutine "));
    CHECK(has(text, " \"doomed\" [running]:\n"));
    const auto inner = text.find("inner_frame"), outer = text.find("outer_frame");
    CHECK(inner != text.npos);
    CHECK(inner < outer);
    CHECK(outer < text.find("created by goroutine "));
    CHECK(has(text, "panic_test.cpp:"));
}

TEST_CASE("a frame that throws before its first await is not known by name, but its callers are")
{
    reports texts;
    const panic_policy policy([&](const panic_info& info) { texts.add(std::string(info.report)); });
    run_until(texts, 1, policy, [] { weft::go(outer_frame, false); });
    CHECK(has(texts.all(), "outer_frame"));
    CHECK(has(texts.all(), "created by goroutine "));
}

TEST_CASE("with policy log the report is logged and the others go on")
{
    reports logged;
    weft::set_log_sink([&](weft::log_level level, std::string_view text) {
        CHECK(level == weft::log_level::critical);
        logged.add(std::string(text));
    });
    run_until(logged, 3, panic_policy::log, [] {
        weft::go(outer_frame, true);
        weft::go([]() -> task<> { // no std::exception
            throw 42;
            co_return;
        });
        weft::go([] { throw std::logic_error("plain code"); });
    });
    weft::set_log_sink({});
    const std::string text = logged.all();
    CHECK(has(text, "panic: the reason\n"));
    CHECK(has(text, "panic: an exception that is no std::exception\n"));
    CHECK(has(text, "panic: plain code\n"));
}

TEST_CASE("misuse in a goroutine is a panic like any other")
{
    reports texts;
    const panic_policy policy([&](const panic_info& info) { texts.add(std::string(info.report)); });
    run_until(texts, 2, policy, [] {
        auto closed = make_channel<int>();
        closed.close();
        weft::go([closed]() -> task<> { co_await closed.send(1); });
        weft::go([closed] { closed.close(); });
    });
    CHECK(has(texts.all(), "panic: send on closed channel\n"));
    CHECK(has(texts.all(), "panic: close of closed channel\n"));
}

TEST_CASE("an exception caught on its way is none, and leaves no trace in a later one")
{
    reports texts;
    const panic_policy policy([&](const panic_info& info) { texts.add(std::string(info.report)); });
    run_until(texts, 1, policy, [] {
        weft::go([]() -> task<> {
            try {
                co_await outer_frame(true);
            } catch (const std::runtime_error&) {
            }
            throw std::runtime_error("another one");
        });
    });
    CHECK(has(texts.all(), "panic: another one\n"));
    CHECK(!has(texts.all(), "outer_frame"));
}

TEST_CASE("a spawned goroutine's exception is a panic only when nobody can join it any more")
{
    reports texts;
    const panic_policy policy([&](const panic_info& info) { texts.add(std::string(info.report)); });
    run_until(texts, 2, policy, [] {
        (void)weft::spawn(outer_frame, true);        // dropped before it failed
        auto kept = weft::spawn(outer_frame, false); // dropped after, by the goroutine that owns it
        weft::go([kept]() -> task<> {
            CHECK(kept);
            for (int i = 0; i < 100; ++i) co_await weft::this_goroutine::yield();
        });
    });
    CHECK(has(texts.all(), "panic: the reason\n"));
    const std::size_t before = texts.count();
    weft::run(
        [&]() -> task<> { // joined: the joiner has it
            auto h = weft::spawn(outer_frame, true);
            CHECK_THROWS_AS(co_await h.join(), std::runtime_error);
        },
        {.on_panic = policy});
    CHECK(texts.count() == before);
}

TEST_CASE("a goroutine that is unwound does not panic")
{
    reports texts;
    const panic_policy policy([&](const panic_info& info) { texts.add(std::string(info.report)); });
    weft::run(
        []() -> task<> {
            weft::go([]() -> task<> { co_await weft::channel<int>().receive(); });
            (void)weft::spawn([]() -> task<int> {
                co_await weft::channel<int>().receive();
                co_return 1;
            });
            co_await weft_test::until_parked(2);
        },
        {.on_panic = policy});
    CHECK(texts.count() == 0);
}

#if defined(WEFT_TEST_CAN_FORK)
TEST_CASE(
    "with policy terminate the report and all goroutines go to stderr, and the process aborts")
{
    for (unsigned procs : {1u, 2u}) {
        const auto child = weft_test::in_child([procs] {
            weft::run(
                []() -> task<> {
                    weft::go([]() -> task<> {
                        weft::this_goroutine::set_name("bystander");
                        co_await weft::channel<int>().receive();
                    });
                    co_await weft_test::until_parked(1);
                    weft::go([]() -> task<> {
                        weft::this_goroutine::set_name("culprit");
                        co_await outer_frame(true);
                    });
                    co_await weft::channel<int>().receive();
                },
                {.procs = procs});
        });
        CHECK(child.signal == SIGABRT);
        CHECK(child.wrote("panic: the reason\n"));
        CHECK(child.wrote("\"culprit\" [running]:\n"));
        CHECK(child.wrote("inner_frame"));
        CHECK(child.wrote("\"bystander\" [chan receive (nil chan)]:\n"));
        CHECK(child.wrote("\"main\" [chan receive (nil chan)]:\n"));
    }
}

TEST_CASE("an exception out of a panic handler aborts")
{
    const auto child = weft_test::in_child([] {
        const panic_policy policy([](const panic_info&) { throw std::runtime_error("handler"); });
        weft::run(
            []() -> task<> {
                weft::go(outer_frame, true);
                co_await weft_test::sleep_ms(10'000);
            },
            {.procs = 1, .on_panic = policy});
    });
    CHECK(child.signal == SIGABRT);
}

TEST_CASE("an exception of a goroutine nobody joined is not lost when the runtime ends")
{
    const auto child = weft_test::in_child([] {
        weft::run(
            []() -> task<> {
                auto h = weft::spawn(outer_frame, false);
                while (weft_test::parked() != 0) co_await weft::this_goroutine::yield();
                for (int i = 0; i < 100; ++i) co_await weft::this_goroutine::yield();
            },
            {.procs = 1});
    });
    CHECK(child.signal == SIGABRT);
    CHECK(child.wrote("panic: the reason\n"));
}
#endif
