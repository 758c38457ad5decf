// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Dumps in Go's forms, of many goroutines, by signal, and by programs in trouble.

#include "testing.hpp"

#include <weft/debug/dump.hpp>
#include <weft/labels.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft::debug::dump_form;
using weft_test::on_procs;

namespace {

std::string dumped(dump_form form, bool all_frames = false)
{
    std::ostringstream out;
    weft::debug::dump_options options;
    options.form = form;
    options.all_frames = all_frames;
    weft::debug::dump(out, options);
    return out.str();
}

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != text.npos;
}

std::size_t times(const std::string& text, const std::string& part)
{
    std::size_t n = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
    return n;
}

task<> wait_here(weft::channel<void> gate)
{
    co_await gate.receive();
}

struct ended {
    int status = 0;
    std::string errors; ///< what it wrote to stderr
};

/// What a process of its own does, until it ends or is killed after 60 s.
[[maybe_unused]] ended in_child(const std::function<void()>& f)
{
    std::FILE* errors = std::tmpfile();
    REQUIRE(errors != nullptr);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        ::dup2(::fileno(errors), STDERR_FILENO);
        ::alarm(60);
        f();
        std::_Exit(0);
    }
    ended e;
    ::waitpid(child, &e.status, 0);
    std::rewind(errors);
    char piece[4096];
    for (std::size_t n = 0; (n = std::fread(piece, 1, sizeof piece, errors)) > 0;)
        e.errors.append(piece, n);
    std::fclose(errors);
    return e;
}

/// In such a process: lets others run until more than `n` bytes were written to stderr; how many there are then.
[[maybe_unused]] task<> until_more_errors(off_t& n)
{
    struct stat is{};
    do {
        co_await weft_test::sleep_ms(10);
        ::fstat(STDERR_FILENO, &is);
    } while (is.st_size <= n);
    n = is.st_size;
}

} // namespace

TEST_CASE("a filter finds by name, label, reason, place and id, whatever the case; a part of it "
          "can be shown")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        for (int i = 0; i < 5; ++i) weft::go(wait_here, gate);
        const auto named = [gate]() -> task<> {
            weft::this_goroutine::set_name("Gate keeper");
            co_await gate.receive();
        };
        {
            const weft::label_scope labels{{"route", "/users"}};
            weft::go(named);
        }
        co_await weft_test::until_parked(6, "chan receive");
        const auto found = [](const std::string& filter, std::size_t skip = 0,
                              std::size_t most = 100) {
            std::ostringstream out;
            weft::debug::dump_options o;
            o.form = dump_form::json;
            o.filter = filter;
            o.skip = skip;
            o.most = most;
            weft::debug::dump(out, o);
            return out.str();
        };
        CHECK(has(found("CHAN receive"), "\"matched\": 6, \"complete\": true}"));
        CHECK(has(found("wait_here"), "\"total\": 7, \"matched\": 5,"));
        CHECK(has(found("gate KEEPER"), "\"matched\": 1,"));
        CHECK(has(found("route=/users"), "\"matched\": 1,"));
        CHECK(has(found("debug_forms_test.cpp receive route="), "\"matched\": 1,"));
        CHECK(has(found("route=/orders"), "\"matched\": 0,"));
        const std::string own = found("id=" + std::to_string(weft::this_goroutine::get_id()));
        CAPTURE(own);
        CHECK(has(own, "\"matched\": 1,"));
        CHECK(has(found("id="), "\"matched\": 0,"));
        CHECK(times(found("chan"), "\"id\"") == 6);
        CHECK(times(found("chan", 4), "\"id\"") == 2);
        CHECK(times(found("chan", 1, 3), "\"id\"") == 3);
        CHECK(times(found("chan", 6), "\"id\"") == 0);
        std::string words;
        for (int i = 0; i < 65; ++i) words += "a ";
        CHECK_THROWS_AS(found(words), std::invalid_argument);
        for (int i = 0; i < 6; ++i) co_await gate.send();
    });
}

TEST_CASE("groups as JSON, with ids and how long they wait")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        for (int i = 0; i < 7; ++i) weft::go(wait_here, gate);
        co_await weft_test::until_parked(7, "chan receive");
        co_await weft_test::sleep_ms(20);
        std::ostringstream out;
        weft::debug::dump_options o;
        o.form = dump_form::json_groups;
        o.filter = "wait_here";
        weft::debug::dump(out, o);
        const std::string text = out.str();
        CHECK(has(text, "{\"groups\": [\n{\"count\": 7, \"ids\": ["));
        CHECK(has(text, "\"found\": 1, \"total\": 8, \"matched\": 7, \"complete\": true}\n"));
        const auto number = [&](const std::string& field) {
            return std::stoull(text.substr(text.find('"' + field + "\": ") + field.size() + 4));
        };
        CHECK(number("longest_ns") >= 15'000'000);
        CHECK(number("waiting_ns") >= number("longest_ns"));
        CHECK(number("waiting_ns") <= 7 * number("longest_ns"));
        for (int i = 0; i < 7; ++i) co_await gate.send();
    });
}

TEST_CASE("groups: those with equal stacks and labels are one, the most first")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        const auto start = [&] { weft::go(wait_here, gate); };
        for (int i = 0; i < 5; ++i) start();
        {
            const weft::label_scope labels{{"route", "/a \"b\""}, {"n", "1"}};
            for (int i = 0; i < 2; ++i) start();
        }
        {
            // The same text in another set is the same group.
            const weft::label_scope labels{{"n", "1"}, {"route", "/a \"b\""}};
            start();
        }
        co_await weft_test::until_parked(8, "chan receive");
        const std::string t = dumped(dump_form::groups);
        CHECK(t.starts_with("goroutine profile: total 9\n5 @ chan receive\n#\t"));
        CHECK(has(
            t, "\n3 @ chan receive\n# labels: {\"n\": \"1\", \"route\": \"/a \\\"b\\\"\"}\n#\t"));
        CHECK(has(t, "wait_here"));
        CHECK(has(t, "debug_forms_test.cpp:"));
        CHECK(has(t, "#\tcreated by "));
        CHECK(has(t, "1 @ running\n"));
        CHECK_FALSE(has(t, "weft/detail/"));
        CHECK(has(dumped(dump_form::groups, true), "weft/detail/"));
        gate.close();
    });
}

TEST_CASE("text shows labels behind the reason")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        {
            const weft::label_scope labels("user", "me");
            weft::go([gate]() -> task<> {
                weft::this_goroutine::set_name("named");
                co_await wait_here(gate);
            });
        }
        co_await weft_test::until_parked(1, "chan receive");
        const std::string t = dumped(dump_form::text);
        CHECK(has(t, " \"named\" [chan receive] {\"user\": \"me\"}:\n"));
        std::ostringstream out;
        weft::debug::print(out, weft::debug::goroutines());
        CHECK(out.str() == t);
        gate.close();
    });
}

TEST_CASE("a name cannot look like another goroutine's record")
{
    on_procs([]() -> task<> {
        weft::this_goroutine::set_name("x\" [running]:\n\ngoroutine 99 \"forged");
        CHECK(has(dumped(dump_form::text),
                  " \"x\\\" [running]:\\n\\ngoroutine 99 \\\"forged\" [running]:\n"));
        std::ostringstream out;
        weft::debug::print(out, weft::debug::goroutines());
        CHECK(out.str().starts_with("goroutine "));
        CHECK(times(out.str(), "\ngoroutine ") == 0);
        CHECK(has(out.str(), "\\ngoroutine 99 \\\"forged\" ["));
        co_return;
    });
}

TEST_CASE("JSON has everything")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        {
            const weft::label_scope labels("k\n", "v\t\\");
            weft::go([gate]() -> task<> {
                weft::this_goroutine::set_name("a \"name\"");
                co_await wait_here(gate);
            });
        }
        co_await weft_test::until_parked(1, "chan receive");
        std::this_thread::sleep_for(2ms);
        const std::string t = dumped(dump_form::json);
        CHECK(t.starts_with("{\"goroutines\": [\n{\"id\": "));
        CHECK(has(t, "\n], \"total\": "));
        CHECK(t.ends_with(", \"complete\": true}\n"));
        CHECK(has(t,
                  "\"name\": \"a \\\"name\\\"\", \"labels\": {\"k\\n\": \"v\\u0009\\\\\"}, "
                  "\"state\": \"waiting\", \"wait_reason\": \"chan receive\", \"waiting_ns\": "));
        CHECK(has(t, "\"parent\": " + std::to_string(weft::this_goroutine::get_id())));
        CHECK(has(t, "\"spawned_at\": {\"function\": "));
        CHECK(has(t, "\"frames\": [{\"function\": \""));
        CHECK(has(t, "wait_here(channel<void>)\", \"file\": ") !=
              has(t, "wait_here(weft::channel<void>)\", \"file\": "));
        CHECK(times(t, "\"lock_holder\": 0, \"lock_holder_runtime\": 0}") == 2);
        if (std::system("command -v python3 >/dev/null 2>&1") == 0) {
            std::FILE* judge = ::popen("python3 -c 'import json,sys; json.load(sys.stdin)'", "w");
            std::fwrite(t.data(), 1, t.size(), judge);
            CHECK(::pclose(judge) == 0);
        }
        gate.close();
    });
}

TEST_CASE("many goroutines are shown in parts: each of those that stay, once")
{
    on_procs([]() -> task<> {
        constexpr std::size_t many = 20'000;
        auto gate = make_channel<void>();
        std::atomic<bool> over{false};
        for (std::size_t i = 0; i < many; ++i) weft::go(wait_here, gate);
        co_await weft_test::until_parked(many, "chan receive");
        // Others begin and end meanwhile.
        for (int i = 0; i < 3; ++i) {
            weft::go([&over]() -> task<> {
                while (!over) {
                    auto child =
                        weft::spawn([]() -> task<> { co_await weft::this_goroutine::yield(); });
                    co_await child.join();
                }
            });
        }
        co_await weft::this_goroutine::yield();
        for (int round = 0; round < 3; ++round) {
            CHECK(has(dumped(dump_form::groups), "\n20000 @ chan receive\n"));
            CHECK(times(dumped(dump_form::text), "[chan receive]:") == many);
        }
        CHECK(times(dumped(dump_form::json), "\"chan receive\"") == many);
        over = true;
        gate.close();
        co_await weft_test::until_alone(); // before `over` goes
    });
}

TEST_CASE(
    "several look at many goroutines at a time, on workers and beside them, until the runtime ends")
{
    weft_test::watchdog guard;
    std::atomic<bool> over{false};
    std::thread beside;
    {
        auto gate = make_channel<void>();
        std::atomic<int> looks{0};
        weft::runtime rt({.procs = 2});
        for (int i = 0; i < 10'000; ++i) weft::go(rt.get_executor(), wait_here, gate);
        for (int i = 0; i < 2; ++i) {
            weft::go(rt.get_executor(), [&]() -> task<> {
                for (;;) {
                    CHECK(!dumped(dump_form::groups).empty());
                    ++looks;
                    co_await weft::this_goroutine::yield();
                }
            });
        }
        beside = std::thread([&] {
            while (!over) static_cast<void>(dumped(dump_form::json));
        });
        while (looks < 4) std::this_thread::sleep_for(1ms);
    }
    over = true;
    beside.join();
}

TEST_CASE("a dump that has no time says that it is not all")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        for (int i = 0; i < 20'000; ++i) weft::go(wait_here, gate);
        co_await weft_test::until_parked(20'000, "chan receive");
        std::ostringstream out, json;
        weft::debug::dump(out, {.form = dump_form::groups, .limit = weft::duration::zero()});
        CHECK(has(out.str(), "(not all of them"));
        weft::debug::dump(json, {.form = dump_form::json, .limit = weft::duration::zero()});
        CHECK(json.str().ends_with("\"complete\": false}\n"));
        gate.close();
    });
}

TEST_CASE("a long chain of awaits is shown whole")
{
    on_procs([]() -> task<> {
        struct deep {
            static task<> go(int depth, weft::channel<void> gate)
            {
                if (depth == 0) co_await gate.receive();
                else co_await go(depth - 1, gate);
            }
        };
        auto gate = make_channel<void>();
        // More than a part of a walk has room for at first: 10 goroutines of 10,000 frames, among many.
        for (int i = 0; i < 9'000; ++i) weft::go(wait_here, gate);
        for (int i = 0; i < 10; ++i) weft::go(deep::go, 10'000, gate);
        co_await weft_test::until_parked(9'010, "chan receive");
        const std::string t = dumped(dump_form::text);
        CHECK(times(t, "deep::go(int") == 10 * 10'001);
        gate.close();
    });
}

#if !defined(WEFT_TSAN)

TEST_CASE("SIGQUIT writes a dump, and the program goes on")
{
    const auto e = in_child([] {
        weft::run([]() -> task<> {
            weft::debug::dump_on_signal(SIGQUIT);
            auto gate = make_channel<void>();
            weft::go(wait_here, gate);
            co_await weft_test::until_parked(1, "chan receive");
            off_t written = 0;
            ::raise(SIGQUIT);
            co_await until_more_errors(written);
            ::raise(SIGQUIT);
            co_await until_more_errors(written);
        });
        std::_Exit(7);
    });
    CHECK(WIFEXITED(e.status));
    CHECK(WEXITSTATUS(e.status) == 7);
    CHECK(times(e.errors, "SIGQUIT: quit\n\ngoroutine ") == 2);
    CHECK(times(e.errors, "[chan receive]:") == 2);
}

TEST_CASE("SIGQUIT may end the program as Go's does; another signal and form may be asked for")
{
    const auto e = in_child([] {
        weft::debug::dump_options groups;
        groups.form = dump_form::groups;
        weft::debug::dump_on_signal(SIGUSR2, weft::debug::after_dump::go_on, groups);
        weft::debug::dump_on_signal(SIGQUIT, weft::debug::after_dump::exit);
        weft::run([]() -> task<> {
            off_t written = 0;
            ::raise(SIGUSR2);
            co_await until_more_errors(written);
            ::raise(SIGQUIT);
            co_await weft_test::sleep_ms(50'000);
        });
    });
    CHECK(WIFEXITED(e.status));
    CHECK(WEXITSTATUS(e.status) == 2);
    CHECK(has(e.errors, "\n\ngoroutine profile: total 1\n"));
    CHECK(has(e.errors, "SIGQUIT: quit\n\ngoroutine "));
    CHECK_THROWS_AS(weft::debug::dump_on_signal(SIGKILL), std::system_error);
    CHECK_THROWS_AS(weft::debug::dump_on_signal(0), std::system_error);
    CHECK_THROWS_AS(weft::debug::dump_on_signal(1000), std::system_error);
}

TEST_CASE("a deadlock is still told of when a thread waits for SIGQUIT")
{
    const auto e = in_child([] {
        weft::debug::dump_on_signal(SIGQUIT);
        weft::run([]() -> task<> {
            auto never = make_channel<void>();
            co_await never.receive();
        });
    });
    CHECK(WEXITSTATUS(e.status) == 2);
    CHECK(has(e.errors, "all goroutines are asleep - deadlock!"));
}

TEST_CASE("a forked child dumps what was, and hangs on no lock")
{
    weft_test::watchdog guard;
    weft::runtime rt({.procs = 2});
    auto gate = make_channel<void>();
    weft::go(rt.get_executor(), wait_here, gate);
    std::atomic<bool> over{false};
    // Threads that hold all kinds of locks at the moment of the fork.
    std::thread looker([&] {
        while (!over) static_cast<void>(dumped(dump_form::text));
    });
    for (int i = 0; i < 3; ++i) {
        weft::go(rt.get_executor(), [&over]() -> task<> {
            while (!over) co_await weft::this_goroutine::yield();
        });
    }
    while (weft_test::parked("chan receive") != 1) std::this_thread::yield();
    for (int i = 0; i < 10; ++i) {
        const auto e = in_child([] {
            const std::string t = dumped(dump_form::text);
            const std::string json = dumped(dump_form::json);
            static_cast<void>(weft::debug::goroutines());
            static_cast<void>(weft::debug::goroutine_profile());
            weft::debug::emergency_dump(STDERR_FILENO);
            std::_Exit(has(t, "[chan receive]:") && has(t, "wait_here") &&
                               json == "{\"goroutines\": [], \"total\": 0, \"matched\": 0, "
                                       "\"complete\": false}\n"
                           ? 3
                           : 4);
        });
        CHECK(WIFEXITED(e.status));
        CHECK(WEXITSTATUS(e.status) == 3);
        CHECK(has(e.errors, "(of the process that this one was forked from)"));
        CHECK(has(e.errors, "[chan receive]:\n"));
    }
    over = true;
    looker.join();
    gate.close();
    rt.join();
}

TEST_CASE("a crash writes what can be seen, then happens")
{
    for (const int how : {SIGABRT, SIGSEGV}) {
        const auto e = in_child([how] {
            for (const int s : {SIGABRT, SIGSEGV}) ::signal(s, SIG_DFL); // not the test's own
            weft::debug::dump_on_crash();
            weft::debug::dump_on_crash();
            weft::run([how]() -> task<> {
                auto gate = make_channel<void>();
                weft::go(wait_here, gate);
                co_await weft_test::until_parked(1, "chan receive");
                ::raise(how);
            });
        });
        CHECK(WIFSIGNALED(e.status));
        CHECK(WTERMSIG(e.status) == how);
        CHECK(has(e.errors, "goroutines, seen without stopping them:"));
        CHECK(has(e.errors, "[chan receive]:\n"));
        CHECK(has(e.errors, "wait_here(")); // clang puts the namespace before it
        CHECK(has(e.errors, "[running]:"));
    }
}

#endif

TEST_CASE("an emergency dump beside goroutines that come and go")
{
    weft_test::watchdog guard;
    std::atomic<bool> over{false};
    weft::runtime rt({.procs = 2});
    for (int i = 0; i < 4; ++i) {
        weft::go(rt.get_executor(), [&over]() -> task<> {
            while (!over) {
                auto child =
                    weft::spawn([]() -> task<> { co_await weft::this_goroutine::yield(); });
                co_await child.join();
            }
        });
    }
    std::FILE* nowhere = std::fopen("/dev/null", "w");
#if !defined(WEFT_TSAN) &&                                                                         \
    !defined(WEFT_ASAN) // it reads what others write, and memory that is free: on purpose
    for (int i = 0; i < 100; ++i) weft::debug::emergency_dump(::fileno(nowhere));
#endif
    std::fclose(nowhere);
    over = true;
    rt.join();
}

TEST_CASE("a dump during shutdown ends")
{
    weft_test::watchdog guard;
    std::string seen = "nothing";
    {
        std::atomic<bool> begun{false};
        auto never = make_channel<void>();
        weft::runtime rt({.procs = 1});
        weft::go(rt.get_executor(), [&]() -> task<> {
            const weft::defer look([&] { seen = dumped(dump_form::text); });
            begun = true;
            co_await never.receive();
        });
        while (!begun) std::this_thread::yield();
    }
    CHECK(!has(seen, "nothing"));
}
