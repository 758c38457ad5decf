// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Memory of coroutine frames: used again, by whichever thread, and bounded.

#include "testing.hpp"

#include <weft/detail/frame_memory.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#    include <fstream>
#    include <unistd.h>
#endif

using weft::task;
using weft::detail::allocate_frame;
using weft::detail::free_frame;

namespace {

struct block {
    void* at;
    std::size_t size;
    unsigned char mark;
};

/// A block that nobody else writes to keeps its mark at both ends.
block marked(std::size_t size, unsigned char mark)
{
    void* p = allocate_frame(size);
    std::memset(p, mark, size);
    return {p, size, mark};
}

bool intact(const block& b)
{
    const auto* bytes = static_cast<const unsigned char*>(b.at);
    return bytes[0] == b.mark && bytes[b.size / 2] == b.mark && bytes[b.size - 1] == b.mark;
}

/// Bytes of this process that are in memory; 0 where the system, or a sanitizer, cannot tell.
std::size_t resident()
{
#if defined(__linux__)
    if (weft_test::live_heap() == 0) return 0;
    std::size_t total = 0, pages = 0;
    std::ifstream("/proc/self/statm") >> total >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
#else
    return 0;
#endif
}

/// What a goroutine that is parked for a moment has: three frames.
task<> deeper(int n)
{
    if (n > 0) co_await deeper(n - 1);
    else co_await weft::this_goroutine::yield();
}

/// `n` goroutines, all alive at the same time.
task<> wave(std::size_t n)
{
    std::atomic<std::size_t> left{n};
    auto over = weft::make_channel<void>();
    for (std::size_t i = 0; i < n; ++i) {
        weft::go([&left, over]() -> task<> {
            co_await deeper(1);
            if (--left == 0) over.close();
        });
    }
    co_await over.receive();
    co_await weft_test::until_alone();
}

} // namespace

TEST_CASE("frames of all sizes: aligned, their own, and used again")
{
    auto random = weft_test::make_random();
    std::vector<block> live;
    const std::size_t steps = weft_test::count(300'000);
    for (std::size_t i = 0; i < steps; ++i) {
        if (live.empty() || (random() % 2 && live.size() < 3000)) {
            const auto size = 1 + random() % (random() % 8 ? 600 : 5000);
            live.push_back(marked(size, static_cast<unsigned char>(random())));
            REQUIRE(reinterpret_cast<std::uintptr_t>(live.back().at) %
                        __STDCPP_DEFAULT_NEW_ALIGNMENT__ ==
                    0);
        } else {
            std::swap(live[random() % live.size()], live.back());
            REQUIRE(intact(live.back()));
            free_frame(live.back().at, live.back().size);
            live.pop_back();
        }
    }
    for (const block& b : live) {
        REQUIRE(intact(b));
        free_frame(b.at, b.size);
    }
}

TEST_CASE("a block comes back to whoever asks next, and never to two")
{
    for (const std::size_t n : {1u, 32u, 64u, 65u, 1000u}) {
        for (int round = 0; round < 3; ++round) {
            std::vector<void*> blocks;
            for (std::size_t i = 0; i < n; ++i) blocks.push_back(allocate_frame(100));
            REQUIRE(std::set<void*>(blocks.begin(), blocks.end()).size() == n);
            for (void* p : blocks) free_frame(p, 100);
        }
    }
}

TEST_CASE("frames allocated by one thread and freed by another, to and fro")
{
    auto random = weft_test::make_random();
    const std::size_t rounds = weft_test::count(2000);
    constexpr unsigned n = 4;
    std::vector<std::vector<block>> batches(n);
    for (std::size_t round = 0; round < rounds / 20; ++round) {
        std::vector<std::thread> threads; // each round's threads end with full stocks
        for (unsigned k = 0; k < n; ++k) {
            threads.emplace_back([&, k, seed = random()] {
                std::minstd_rand choose(static_cast<unsigned>(seed));
                auto& mine = batches[k];
                for (const block& b : mine) {
                    if (!intact(b)) std::abort();
                    free_frame(b.at, b.size);
                }
                mine.clear();
                for (int i = 0; i < 300; ++i) {
                    mine.push_back(
                        marked(1 + choose() % 700, static_cast<unsigned char>(choose())));
                }
            });
        }
        for (auto& t : threads) t.join();
        std::rotate(batches.begin(), batches.begin() + 1, batches.end());
    }
    for (auto& batch : batches) {
        for (const block& b : batch) free_frame(b.at, b.size);
    }
}

TEST_CASE("frames freed while a thread ends, after its stock has been given back")
{
    for (int i = 0; i < 50; ++i) {
        std::thread([] {
            struct late {
                std::vector<void*> blocks;
                ~late()
                {
                    for (void* p : blocks) free_frame(p, 200);
                    free_frame(allocate_frame(200), 200);
                }
            };
            thread_local late l; // made before the stock is opened: goes after it
            for (int n = 0; n < 100; ++n) l.blocks.push_back(allocate_frame(200));
            for (int n = 0; n < 100; ++n) free_frame(allocate_frame(300), 300);
        }).join();
    }
}

TEST_CASE("tasks made here and destroyed there")
{
    weft_test::watchdog guard;
    const auto n = weft_test::count(20'000);
    for (unsigned procs : {1u, 2u}) {
        weft::runtime rt({.procs = procs});
        for (int round = 0; round < 4; ++round) {
            for (std::size_t i = 0; i < n / 4; ++i) {
                weft::go(rt.get_executor(), deeper, 3); // by this thread, ends on a worker
            }
            rt.join();
        }
    }
}

TEST_CASE("a million goroutines in waves: memory stays after the first")
{
    const std::size_t in_all = weft_test::count(10'000'000); // a million in a quick run
    constexpr std::size_t waves = 20;
    for (unsigned procs : {1u, 2u}) {
        weft_test::note_procs(procs);
        weft::run(
            [&]() -> task<> {
                std::size_t settled = 0;
                for (std::size_t i = 0; i < waves; ++i) {
                    co_await wave(in_all / waves / 2);
                    if (i == 3) settled = resident();
                }
                const std::size_t now = resident();
                // 1 %, and a page here and there that has nothing to do with frames.
                CHECK(now <= settled + settled / 100 + 256 * 1024);
            },
            {.procs = procs});
    }
    weft_test::note_procs(0);
}
