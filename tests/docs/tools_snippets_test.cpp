// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The snippets of testing.md, tracing.md, debugging.md and production.md.

#include "testing.hpp"

#include <weft/debug/region.hpp>
#include <weft/debug/trace.hpp>
#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <cassert>
#include <chrono>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

weft::task<> serve_for_a_while()
{
    co_await weft::sleep(1ms);
}

weft::task<> traced(std::ostream& out)
{
    // [snippet trace]
    weft::debug::trace t; // "tracing is already enabled" if there is one
    co_await serve_for_a_while();
    t.stop(out);
    // [snippet end]
}

void told()
{
    // [snippet regions]
    weft::debug::trace_task order("order");          // may span goroutines
    weft::debug::region r(order, "charge the card"); // to the end of the scope; may span waits
    weft::debug::trace_log(order, "state", "declined");
    // [snippet end]
}

bool recorded(std::ostream& out)
{
    const auto began = weft::clock::now() - 1s;
    // [snippet flight_recorder]
    weft::debug::flight_recorder recorder({.span = 10s, .panic_file = "/var/tmp/panic.json"});
    // ... and at the end of a request:
    const bool slow = recorder.dump_if_slower_than(500ms, began, out);
    // [snippet end]
    return slow;
}

weft::task<> answer(std::string)
{
    CHECK(weft::this_goroutine::label("route") == "/users");
    co_return;
}

weft::task<> labelled(std::string name)
{
    // [snippet labels]
    const weft::label_scope labels{{"route", "/users"}, {"user", name}};
    co_await answer(name);
    // [snippet end]
}

weft::task<std::size_t> leaks()
{
    // [snippet leaks]
    auto left = co_await weft::testing::find_leaks_here(); // the caller is not counted
    // [snippet end]
    co_return left.size();
}

// [snippet drain]
weft::task<> work(weft::receive_channel<int> jobs, std::vector<int>& done)
{
    while (auto job = co_await jobs.receive()) done.push_back(*job);
}

weft::task<> service(weft::context ctx, weft::receive_channel<int> incoming, std::vector<int>& done)
{
    auto jobs = weft::make_channel<int>(64); // bounded: who is too fast waits
    weft::wait_group workers;
    workers.go(work, jobs, std::ref(done));
    for (;;) {
        auto s = co_await weft::select{incoming.receive(), ctx.done()};
        if (s.index() == 1 || !s.get<0>()) break; // told to end: take nothing new
        co_await jobs.send(*s.get<0>());
    }
    jobs.close();
    co_await workers.wait(); // what was taken is done
}
// [snippet end]

} // namespace

TEST_CASE("virtual time")
{
    // [snippet bubble]
    weft::testing::bubble([]() -> weft::task<> {
        const auto start = weft::clock::now();
        co_await weft::sleep(std::chrono::hours(1));                 // takes no time
        assert(weft::clock::now() - start == std::chrono::hours(1)); // exactly
    });
    // [snippet end]
}

TEST_CASE("a trace has what it is told")
{
    std::ostringstream out;
    weft::run([&]() -> weft::task<> { co_await traced(out); });
    CHECK(out.str().find("\"traceEvents\"") != std::string::npos);

    std::ostringstream said;
    weft::debug::trace t;
    weft::run([&] { told(); });
    t.stop(said);
    CHECK(said.str().find("charge the card") != std::string::npos);

    std::ostringstream last;
    CHECK(recorded(last));
    CHECK_FALSE(last.str().empty());
}

TEST_CASE("labels last as long as their scope")
{
    weft::testing::bubble([]() -> weft::task<> {
        co_await labelled("gopher");
        CHECK_FALSE(weft::this_goroutine::label("route"));
    });
}

TEST_CASE("nothing is left")
{
    weft::run([]() -> weft::task<> {
        const auto left = co_await leaks();
        CHECK(left == 0);
    });
}

TEST_CASE("a service that is told to end finishes what it has taken")
{
    weft::testing::bubble([]() -> weft::task<> {
        std::vector<int> done;
        auto incoming = weft::make_channel<int>();
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto h = weft::spawn(service, ctx, incoming, std::ref(done));
        for (int i = 0; i < 3; ++i) co_await incoming.send(i);
        cancel();
        co_await h.join();
        CHECK(done == std::vector{0, 1, 2});
    });
}
