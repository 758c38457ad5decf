// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <weft/weft.hpp>

#include <doctest/doctest.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the test programs share: the same test on several pool sizes, a watchdog, repetition
/// counts, and goroutines that wait without timers of weft's own.
namespace weft_test {

// ---------------------------------------------------------------- how much, how random

/// Scales a repetition count: `full` where WEFT_TEST_FULL is defined or set in the environment,
/// one tenth otherwise, one hundredth under a sanitizer. Never below 100 (or `full` if smaller).
std::size_t count(std::size_t full);

/// The capacities 0..199, or a sample of them with both ends in a quick run.
std::vector<std::size_t> capacities();

/// The seed of this process: WEFT_SEED, or a fresh one. A failing check prints it.
std::uint64_t seed();

/// A generator that replays with the seed.
std::mt19937_64 make_random();

/// Bytes of heap in use; 0 where the platform, or a sanitizer, cannot tell.
std::size_t live_heap();

// ---------------------------------------------------------------- running a test

/// Prints all goroutines and aborts when it lives for longer than 60 s.
class watchdog {
public:
    watchdog();
    ~watchdog();
    watchdog(const watchdog&) = delete;
    watchdog& operator=(const watchdog&) = delete;

private:
    struct state;
    state* state_;
};

/// Names the pool size that failing checks report: checks run on worker threads, where doctest's
/// CAPTURE of the test's own thread is not seen.
void note_procs(unsigned procs);

// ---------------------------------------------------------------- waiting, in goroutines

/// Suspends the calling goroutine for `milliseconds` on a plain Asio timer.
weft::task<void> sleep_ms(int milliseconds);

/// Lets others run until `condition()` holds.
template <class Condition>
weft::task<void> yield_until(Condition condition)
{
    while (!condition()) co_await weft::this_goroutine::yield();
}

/// How many goroutines are parked for a reason that starts with `reason` ("" counts them all).
std::size_t parked(std::string_view reason = {});

/// Waits until exactly `n` goroutines are parked for `reason`; fails the test after 10 s.
weft::task<void> until_parked(std::size_t n, std::string_view reason = {});
/// The same on a thread of its own.
void wait_until_parked(std::size_t n, std::string_view reason = {});

/// Waits until the calling goroutine is the only one; fails the test after 10 s.
weft::task<void> until_alone();

/// Goroutines that a test waits for together; an exception in one of them fails the join.
class team {
public:
    template <class F, class... Args>
    void go(F f, Args... args)
    {
        members_.push_back(weft::spawn(std::move(f), std::move(args)...));
    }

    weft::task<void> join()
    {
        for (auto& member : members_) co_await member.join();
        members_.clear();
    }

private:
    std::vector<weft::join_handle<void>> members_;
};

/// Whether a test ends with goroutines still parked, which the end of run() then unwinds.
enum class leftovers { none, parked };

/// Runs `test`, a callable returning task<void> that may take the number of worker threads, on
/// pools of 1, 2 and 4 of them.
template <class Test>
void on_procs(Test test, leftovers at_end = leftovers::none, weft::panic_policy on_panic = {})
{
    for (unsigned procs : {1u, 2u, 4u}) {
        note_procs(procs);
        watchdog guard;
        auto main = [&]() -> weft::task<void> {
            if constexpr (std::invocable<Test&, unsigned>) {
                co_await test(procs);
            } else {
                co_await test();
            }
            if (at_end == leftovers::none) co_await until_alone();
        };
        weft::run(std::move(main), weft::runtime_options{.procs = procs, .on_panic = on_panic});
    }
    note_procs(0);
}

} // namespace weft_test

/// Checks that `expression`, which may contain co_await, ends in misuse_error with Go's text.
#define CHECK_MISUSE(expression, text)                                                             \
    do {                                                                                           \
        std::string misuse_text = "no misuse_error";                                               \
        try {                                                                                      \
            static_cast<void>(expression);                                                         \
        } catch (const weft::misuse_error& misuse) {                                               \
            misuse_text = misuse.what();                                                           \
        }                                                                                          \
        CHECK(misuse_text == (text));                                                              \
    } while (false)
