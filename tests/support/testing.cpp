// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "testing.hpp"

#include <weft/testing/bubble.hpp>

#include <asio/deferred.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#if defined(__GLIBC__)
#    include <malloc.h>
#endif

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#    define WEFT_TEST_SANITIZED 1
#elif defined(__has_feature)
#    if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#        define WEFT_TEST_SANITIZED 1
#    endif
#endif

namespace weft_test {
namespace {

using namespace std::chrono_literals;

std::atomic<unsigned> current_procs{0};
std::atomic<bool> seed_used{false};

bool full_run()
{
#if defined(WEFT_TEST_FULL)
    return true;
#else
    static const bool asked = std::getenv("WEFT_TEST_FULL") != nullptr;
    return asked;
#endif
}

std::uint64_t choose_seed()
{
    if (const auto given = weft::testing::environment_seed()) return *given;
    return (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();
}

/// Says beside a failed check on which pool size and with which seed it failed.
struct circumstances : doctest::IReporter {
    explicit circumstances(const doctest::ContextOptions&) {}

    void log_assert(const doctest::AssertData& data) override
    {
        if (data.m_failed) tell();
    }
    void test_case_exception(const doctest::TestCaseException&) override { tell(); }

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats&) override {}
    void test_case_start(const doctest::TestCaseData&) override { seed_used = false; }
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}

private:
    static void tell()
    {
        std::string line = "  with";
        if (const unsigned procs = current_procs) line += " procs=" + std::to_string(procs);
        if (seed_used) line += " WEFT_SEED=" + std::to_string(seed());
        if (line != "  with") std::cout << line + "\n" << std::flush;
    }
};

} // namespace

REGISTER_LISTENER("circumstances", 1, circumstances);

std::size_t count(std::size_t full)
{
#if defined(WEFT_TEST_SANITIZED)
    const std::size_t scaled = full / 100;
#else
    const std::size_t scaled = full_run() ? full : full / 10;
#endif
    return std::max(scaled, std::min<std::size_t>(full, 100));
}

std::vector<std::size_t> capacities()
{
    std::vector<std::size_t> all;
    for (std::size_t n = 0; n < 200; ++n) {
        if (full_run() || n < 4 || n % 13 == 0 || n == 199) all.push_back(n);
    }
    return all;
}

std::uint64_t seed()
{
    static const std::uint64_t chosen = choose_seed();
    return chosen;
}

std::mt19937_64 make_random()
{
    seed_used = true;
    return std::mt19937_64{seed()};
}

std::size_t live_heap()
{
#if defined(__GLIBC__) && !defined(WEFT_TEST_SANITIZED)
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

struct watchdog::state {
    std::mutex mutex;
    std::condition_variable changed;
    bool over = false;
    std::thread thread;
};

watchdog::watchdog() : state_(new state)
{
    state_->thread = std::thread([own = state_] {
        std::unique_lock lock{own->mutex};
        if (own->changed.wait_for(lock, 60s, [own] { return own->over; })) return;
        const auto* test = doctest::getContextOptions()->currentTest;
        std::cerr << "watchdog: " << (test ? test->m_name : "a test")
                  << " hangs with procs=" << current_procs << " WEFT_SEED=" << seed() << std::endl;
        weft::debug::dump(std::cerr);
        std::cerr.flush();
        std::abort();
    });
}

watchdog::~watchdog()
{
    {
        std::lock_guard lock{state_->mutex};
        state_->over = true;
    }
    state_->changed.notify_one();
    state_->thread.join();
    delete state_;
}

void note_procs(unsigned procs)
{
    current_procs = procs;
}

weft::task<void> sleep_ms(int milliseconds)
{
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor, std::chrono::milliseconds{milliseconds}};
    co_await timer.async_wait(asio::deferred);
}

std::size_t parked(std::string_view reason)
{
    std::size_t n = 0;
    for (const auto& record : weft::debug::goroutines()) {
        if (record.state == "waiting" && record.wait_reason.starts_with(reason)) ++n;
    }
    return n;
}

weft::task<void> until_parked(std::size_t n, std::string_view reason)
{
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (parked(reason) != n && std::chrono::steady_clock::now() < give_up) {
        co_await weft::this_goroutine::yield();
    }
    CHECK(parked(reason) == n);
}

void wait_until_parked(std::size_t n, std::string_view reason)
{
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (parked(reason) != n && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(1ms);
    CHECK(parked(reason) == n);
}

weft::task<void> until_alone()
{
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    const auto others = [] { return std::ranges::distance(weft::debug::goroutines()) - 1; };
    while (others() != 0 && std::chrono::steady_clock::now() < give_up) {
        co_await weft::this_goroutine::yield();
    }
    CHECK(others() == 0);
    if (others() != 0) weft::debug::dump(std::cerr);
}

} // namespace weft_test
