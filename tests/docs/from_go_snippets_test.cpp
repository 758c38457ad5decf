// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The snippets of from-go.md and getting-started.md.

#include "testing.hpp"

#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using weft_test::on_procs;
using namespace std::chrono_literals;

namespace {

// [snippet gcc12]
struct job {
    std::string name;
    int size;
};

weft::task<> gcc12(weft::send_channel<job> jobs, std::string path)
{
    // wrong with GCC 12:  co_await jobs.send(job{path, 1});
    job j{path, 1};
    co_await jobs.send(std::move(j));

    // wrong with GCC 12:  co_await weft::blocking([path] { return path.size(); });
    auto measure = [path] { return path.size(); };
    const std::size_t n = co_await weft::blocking(measure);

    // Classes with constructors are safe: std::string, std::unique_ptr, std::pair, ...
    // So is a statement without co_await:
    weft::go([path]() -> weft::task<> { co_await weft::this_goroutine::yield(); });
    std::cout << n << '\n';
}
// [snippet end]

// [snippet range]
weft::task<> count(int n, weft::send_channel<int> out)
{
    weft::defer no_more([&] { out.close(); });
    for (int i = 0; i < n; ++i) co_await out.send(i);
}

weft::task<> print_all()
{
    auto ch = weft::make_channel<int>(4);
    weft::go(count, 10, ch);
    while (auto v = co_await ch.receive()) std::cout << *v << '\n';
}
// [snippet end]

std::vector<int> used;
int idled = 0;

void use(int n)
{
    used.push_back(n);
}

void idle()
{
    ++idled;
}

// [snippet select]
weft::task<> choose(weft::receive_channel<int> in, weft::send_channel<int> out,
                    weft::receive_channel<void> quit, int x)
{
    auto s = co_await weft::select{in.receive(), out.send(x), quit.receive()};
    switch (s.index()) {
    case 0:
        if (auto& v = s.get<0>()) use(*v);
        break;
    case 1: break; // sent
    case 2: co_return;
    }

    auto t = weft::try_select{in.receive()};
    if (t.index() == 0) {
        if (auto& v = t.get<0>()) use(*v);
    } else {
        idle(); // t.index() == t.npos
    }
}
// [snippet end]

std::atomic<int> visited = 0;

weft::task<> visit(std::string)
{
    ++visited;
    co_return;
}

int square(int n)
{
    return n * n;
}

// [snippet results]
weft::task<> visit_all(const std::vector<std::string>& names)
{
    weft::wait_group all;
    for (const auto& name : names) all.go(visit, name);
    co_await all.wait();
}

weft::task<int> sum_of_squares()
{
    std::vector<weft::join_handle<int>> all;
    for (int i = 1; i <= 10; ++i) all.push_back(weft::spawn(square, i));
    int sum = 0;
    for (auto& h : all) sum += co_await h.join();
    co_return sum;
}
// [snippet end]

// [snippet recover]
weft::task<> may_fail()
{
    throw std::runtime_error("no");
    co_return;
}

weft::task<> careful()
{
    try {
        co_await may_fail();
    } catch (const std::exception& e) {
        std::cout << "recovered: " << e.what() << '\n';
    }
}
// [snippet end]

// [snippet mutex]
class account {
public:
    weft::task<> add(int amount)
    {
        const auto held = co_await mutex_.lock();
        balance_ += amount;
    }
    int balance() const { return balance_; } // for when nobody adds

private:
    weft::mutex mutex_;
    int balance_ = 0;
};
// [snippet end]

// [snippet within]
weft::task<std::optional<int>> receive_within(weft::receive_channel<int> in, weft::duration limit)
{
    auto s = co_await weft::select{in.receive(), weft::after(limit)};
    if (s.index() == 0) co_return s.get<0>();
    co_return std::nullopt;
}
// [snippet end]

// [snippet captures]
weft::task<> captures(std::string name)
{
    // wrong: the lambda dies at the semicolon, the task still refers to its captures
    //   auto t = [name]() -> weft::task<> { ... }();
    //   co_await std::move(t);
    auto body = [name]() -> weft::task<> {
        co_await weft::this_goroutine::yield();
        std::cout << name << '\n';
    };
    co_await body(); // fine: `body` lives longer
    weft::go(body);  // fine: the goroutine has its own copy
}
// [snippet end]

} // namespace

namespace {

/// What a snippet prints.
class printed {
public:
    printed() : before_(std::cout.rdbuf(text_.rdbuf())) {}
    printed(const printed&) = delete;
    printed& operator=(const printed&) = delete;
    ~printed() { std::cout.rdbuf(before_); }
    [[nodiscard]] std::string text() const { return text_.str(); }

private:
    std::ostringstream text_;
    std::streambuf* before_;
};

} // namespace

TEST_CASE("a range over a channel ends with its close")
{
    const printed out;
    weft::testing::bubble(print_all);
    CHECK(out.text() == "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

TEST_CASE("what has a name is destroyed once")
{
    const printed out;
    weft::run([]() -> weft::task<> {
        auto jobs = weft::make_channel<job>(1);
        co_await gcc12(jobs, "/a/path");
        auto j = co_await jobs.receive();
        CHECK(j->name == "/a/path");
        co_await weft::this_goroutine::yield();
    });
    CHECK(out.text() == "7\n");
}

TEST_CASE("a select, and one with a default")
{
    used.clear();
    idled = 0;
    weft::testing::bubble([]() -> weft::task<> {
        auto in = weft::make_channel<int>(2);
        auto out = weft::make_channel<int>();
        auto quit = weft::make_channel<void>();
        co_await in.send(7);
        co_await choose(in, out, quit, 1);
        CHECK(used == std::vector{7});
        CHECK(idled == 1);
        co_await in.send(8);
        co_await in.send(9);
        co_await choose(in, out, quit, 1);
        CHECK(used == std::vector{7, 8, 9});
    });
}

TEST_CASE("groups and results")
{
    visited = 0;
    on_procs([]() -> weft::task<> {
        const std::vector<std::string> names{"a", "b", "c"};
        co_await visit_all(names);
        const int sum = co_await sum_of_squares();
        CHECK(sum == 385);
    });
    CHECK(visited == 9); // three names, on one, two and four workers
}

TEST_CASE("an exception is caught as a panic is recovered from")
{
    const printed out;
    weft::testing::bubble(careful);
    CHECK(out.text() == "recovered: no\n");
}

TEST_CASE("a receive gives up after its time")
{
    weft::testing::bubble([]() -> weft::task<> {
        auto in = weft::make_channel<int>(1);
        const auto nothing = co_await receive_within(in, 1s);
        CHECK_FALSE(nothing);
        co_await in.send(5);
        const auto five = co_await receive_within(in, 1s);
        CHECK(five == 5);
    });
}

TEST_CASE("a lock keeps a sum")
{
    on_procs([]() -> weft::task<> {
        account a;
        weft::wait_group all;
        for (int i = 0; i < 10; ++i) all.go([&a] { return a.add(3); });
        co_await all.wait();
        CHECK(a.balance() == 30);
    });
}

TEST_CASE("captures live as long as their lambda")
{
    const printed out;
    weft::testing::bubble([]() -> weft::task<> { co_await captures("gopher"); });
    CHECK(out.text() == "gopher\ngopher\n");
}
