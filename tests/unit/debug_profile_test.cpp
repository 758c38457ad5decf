// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Profiles as pprof's bytes, decoded by hand; the profile of goroutines; the processor's.

#include "pprof_reader.hpp"
#include "testing.hpp"

#include <weft/debug/cpu_profile.hpp>
#include <weft/debug/dump.hpp>
#include <weft/debug/profile.hpp>
#include <weft/labels.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft::debug::cpu_profile;
using weft::debug::profile;
using weft_test::decoded_profile;

namespace {

std::chrono::nanoseconds processor_time()
{
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

/// Takes so much processor time, however many others want some; not inlined, so that it has a name in a profile. Static:
/// only a symbol table knows it.
[[gnu::noinline]] std::uint64_t burn_for(std::chrono::milliseconds d)
{
    const auto until = processor_time() + d;
    std::uint64_t n = 1;
    while (processor_time() < until) {
        for (int i = 0; i < 2000; ++i) n = n * 6364136223846793005U + 1442695040888963407U;
        asm volatile("" : "+r"(n));
    }
    return n;
}

bool has_function(const decoded_profile& p, std::string_view part)
{
    return std::any_of(p.samples.begin(), p.samples.end(), [&](const auto& s) {
        return std::any_of(s.stack.begin(), s.stack.end(),
                           [&](const auto& f) { return f.function.find(part) != part.npos; });
    });
}

} // namespace

TEST_CASE("an empty profile is what says its types")
{
    profile p;
    p.values = {{"cpu", "nanoseconds"}};
    const auto d = weft_test::decode_profile(p.encoded());
    CHECK(d.types == std::vector<std::string>{"cpu/nanoseconds"});
    CHECK(d.samples.empty());
    CHECK(weft_test::decode_profile(profile{}.encoded()).types.empty());
}

TEST_CASE(
    "equal stacks with equal labels are one sample; strings, functions and places are there once")
{
    profile p;
    p.values = {{"contentions", "count"}, {"delay", "nanoseconds"}};
    p.period_type = {"contentions", "count"};
    p.period = 100;
    p.begin_nanoseconds = 1'700'000'000'000'000'000;
    p.length = std::chrono::duration_cast<weft::duration>(3s);
    const weft::debug::profile_frame inner{"lock()", "/src/a.cpp", 3, 0},
        outer{"main()", "/src/a.cpp", 9, 0}, other{"lock()", "/src/a.cpp", 4, 0};
    p.samples.push_back({{inner, outer}, {1, 10}, {}});
    p.samples.push_back({{inner, outer}, {2, 20}, {}});
    p.samples.push_back({{inner, outer}, {4, 40}, {{"k", "v"}}});
    p.samples.push_back({{other, outer}, {8, -80}, {{"k", "v"}}});
    p.samples.push_back({{}, {16}, {}}); // one value is missing: zero
    const auto d = weft_test::decode_profile(p.encoded());
    CHECK(d.types == std::vector<std::string>{"contentions/count", "delay/nanoseconds"});
    CHECK(d.period_type == "contentions/count");
    CHECK(d.period == 100);
    CHECK(d.time == 1'700'000'000'000'000'000);
    CHECK(d.length == 3'000'000'000);
    REQUIRE(d.samples.size() == 4);
    CHECK(d.samples[0].values == std::vector<std::int64_t>{3, 30});
    CHECK(d.samples[0].labels.empty());
    CHECK(d.samples[1].values == std::vector<std::int64_t>{4, 40});
    CHECK(d.samples[1].labels.at("k") == "v");
    CHECK(d.samples[2].values == std::vector<std::int64_t>{8, -80});
    CHECK(d.samples[3].values == std::vector<std::int64_t>{16, 0});
    REQUIRE(d.samples[0].stack.size() == 2);
    CHECK(d.samples[0].stack[0].function == "lock()");
    CHECK(d.samples[0].stack[0].file == "/src/a.cpp");
    CHECK(d.samples[0].stack[0].line == 3);
    CHECK(d.samples[0].stack[1].function == "main()");
    CHECK(d.functions == 2);
    CHECK(d.locations == 3);
    CHECK(d.strings_are_unique);
}

TEST_CASE("an address lies in the mapping of its file")
{
    profile p;
    p.values = {{"samples", "count"}};
    const auto here = reinterpret_cast<std::uint64_t>(&burn_for);
    p.samples.push_back({{{"burn_for", "", 0, here}, {"nowhere", "", 0, 1}}, {1}, {}});
    const auto d = weft_test::decode_profile(p.encoded());
    REQUIRE(d.samples.size() == 1);
    CHECK(d.samples[0].stack[0].address == here);
    CHECK(d.samples[0].stack[0].mapped.find("debug_profile_test") != std::string::npos);
    CHECK(d.samples[0].stack[1].mapped.empty());
}

TEST_CASE("goroutines by await chain, labels and reason")
{
    weft_test::on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        for (int i = 0; i < 3; ++i) weft::go([gate]() -> task<> { co_await gate.receive(); });
        {
            const weft::label_scope labels("kind", "labelled");
            weft::go([gate]() -> task<> { co_await gate.receive(); });
        }
        co_await weft_test::until_parked(4, "chan receive");
        const auto d = weft_test::decode_profile(weft::debug::goroutine_profile().encoded());
        CHECK(d.types == std::vector<std::string>{"goroutine/count"});
        std::int64_t three = 0, labelled = 0, total = 0;
        for (const auto& s : d.samples) {
            total += s.values[0];
            if (s.values[0] == 3 && s.labels.at("wait_reason") == "chan receive") ++three;
            if (s.labels.contains("kind")) ++labelled;
        }
        CHECK(three == 1);
        CHECK(labelled == 1);
        CHECK(total >= 5);
        gate.close();
    });
}

TEST_CASE(
    "a processor profile names functions, static ones too, and the goroutine's labels and name")
{
    weft_test::watchdog guard;
    weft::run(
        []() -> task<> {
            cpu_profile running;
            auto worker = weft::spawn([]() -> task<> {
                weft::this_goroutine::set_name("burner");
                const weft::label_scope labels("step", "burn");
                for (int i = 0; i < 4; ++i) {
                    burn_for(150ms);
                    co_await weft::this_goroutine::yield();
                }
            });
            co_await worker.join();
            const auto p = running.stop();
            CHECK_MISUSE(running.stop(), "cpu_profile: stopped twice");
            const auto d = weft_test::decode_profile(p.encoded());
            CHECK(d.types == std::vector<std::string>{"samples/count", "cpu/nanoseconds"});
            CHECK(d.period == 10'000'000);
            CHECK(has_function(d, "burn_for"));
            std::int64_t labelled = 0, named = 0;
            for (const auto& s : d.samples) {
                if (s.labels.contains("step") && s.labels.at("step") == "burn")
                    labelled += s.values[0];
                if (s.labels.contains("goroutine") && s.labels.at("goroutine") == "burner")
                    named += s.values[0];
                CHECK(s.values[1] == s.values[0] * 10'000'000);
            }
            CHECK(labelled > 10); // of about 60
            CHECK(named > 10);
        },
        weft::runtime_options{.procs = 2});
}

TEST_CASE("a thread that begins later is seen as well")
{
    cpu_profile running;
    std::thread late([] {
        std::this_thread::sleep_for(100ms);
        burn_for(500ms);
    });
    late.join();
    CHECK(has_function(weft_test::decode_profile(running.stop().encoded()), "burn_for"));
}

TEST_CASE("one processor profile at a time; a rate must make sense")
{
    CHECK_MISUSE(cpu_profile(0), "cpu_profile: a rate between 1 and 1000 Hz");
    CHECK_MISUSE(cpu_profile(1001), "cpu_profile: a rate between 1 and 1000 Hz");
    {
        const cpu_profile first;
        CHECK_MISUSE(cpu_profile(), "cpu profiling already in use");
        CHECK_MISUSE(cpu_profile(), "cpu profiling already in use");
    }
    cpu_profile again;
    CHECK(again.stop().values.size() == 2);
    const cpu_profile after_stop;
}

TEST_CASE("labels and names change under the profiler's hands")
{
    weft_test::watchdog guard;
    weft::run(
        []() -> task<> {
            cpu_profile running(1000);
            for (int g = 0; g < 4; ++g) {
                weft::go([]() -> task<> {
                    const auto until = std::chrono::steady_clock::now() + 300ms;
                    for (int n = 0; std::chrono::steady_clock::now() < until; ++n) {
                        weft::this_goroutine::set_name("n" + std::string(30, 'x'));
                        const weft::label_scope labels("n", std::to_string(n));
                        auto child = weft::spawn([]() -> task<> {
                            weft::this_goroutine::set_label("child", "yes");
                            co_return;
                        });
                        co_await child.join();
                    }
                });
            }
            co_await weft_test::until_alone();
            const auto p = running.stop();
            CHECK(p.samples.size() > 5);
        },
        weft::runtime_options{.procs = 2});
}

TEST_CASE("a late signal of an ended profile does no harm, and a handler of somebody else's is "
          "left alone")
{
    {
        const cpu_profile once;
    }
    std::raise(SIGPROF);
    struct sigaction mine{}, ours{};
    mine.sa_handler = [](int) {};
    ::sigaction(SIGPROF, &mine, &ours);
    CHECK_THROWS_AS(cpu_profile(), std::system_error);
    ::sigaction(SIGPROF, &ours, nullptr);
    const cpu_profile again;
}

TEST_CASE("without an allocator that keeps one, a heap profile is refused with words")
{
    try {
        static_cast<void>(weft::debug::heap_profile());
        FAIL("there is none");
    } catch (const std::runtime_error& e) {
        CHECK(std::string(e.what()).find("tcmalloc") != std::string::npos);
    }
}
