// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// chriskohlhoff/asio#1135: a lambda with captures that is a coroutine keeps its captures in the
// lambda, not in the coroutine. Handed to co_spawn as a temporary, or called in place, it leaves
// the coroutine with captures that are gone at its first suspension. `go`, `spawn`, `sync_wait` and
// `run` move the callable into the goroutine's own frame, where it lives as long as the goroutine.
// AddressSanitizer is the judge.

#include "../unit/witness.hpp"
#include "testing.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

using weft::make_channel;
using weft::task;
using weft_test::on_procs;
using weft_test::witness;

namespace {

const std::string long_text(200, 'w'); // no small string: the captures own memory

/// Uses the stack that a temporary lambda might have been on.
[[gnu::noinline]] int overwrite_stack()
{
    volatile char room[2048];
    for (volatile char& c : room) c = 'X';
    return room[17];
}

} // namespace

TEST_CASE("captures of a temporary lambda outlive the call to go")
{
    on_procs([]() -> task<> {
        auto out = make_channel<std::string>();
        std::atomic<int> destroyed{0};
        for (int i = 0; i < 20; ++i) {
            weft::go([out, text = long_text, w = witness(destroyed),
                      p = std::make_unique<int>(i)]() -> task<> {
                for (int n = 0; n < 3; ++n) co_await weft::this_goroutine::yield();
                co_await out.send(text + std::to_string(*p));
                co_await weft::this_goroutine::yield();
                CHECK(text == long_text);
            });
            CHECK(overwrite_stack() == 'X');
        }
        std::size_t length = 0;
        for (int i = 0; i < 20; ++i) {
            auto text = co_await out.receive();
            CHECK(text->starts_with(long_text));
            length += text->size();
        }
        CHECK(length == 20 * long_text.size() + 10 + 2 * 10);
        co_await weft_test::until_alone();
        CHECK(destroyed == 20);
    });
}

TEST_CASE(
    "the same for spawn, for arguments, and for a goroutine that is started by another's lambda")
{
    on_procs([]() -> task<> {
        auto h = weft::spawn(
            [text = long_text](std::string more) -> task<std::string> {
                co_await weft::this_goroutine::yield();
                co_return text + more;
            },
            std::string(100, 'a'));
        auto nested = weft::spawn([text = long_text]() -> task<std::size_t> {
            auto inner = weft::spawn([copy = text]() -> task<std::size_t> {
                co_await weft::this_goroutine::yield();
                co_return copy.size();
            });
            co_await weft::this_goroutine::yield();
            const std::size_t n = co_await inner.join();
            co_return n + text.size();
        });
        CHECK(overwrite_stack() == 'X');
        const std::string joined = co_await h.join();
        CHECK(joined == long_text + std::string(100, 'a'));
        const std::size_t sizes = co_await nested.join();
        CHECK(sizes == 400);
    });
}

TEST_CASE("sync_wait and run own their callable, too")
{
    weft::runtime rt({.procs = 2});
    std::vector<std::size_t> sizes;
    for (int i = 0; i < 10; ++i) {
        sizes.push_back(
            weft::sync_wait(rt.get_executor(), [text = long_text]() -> task<std::size_t> {
                co_await weft::this_goroutine::yield();
                co_return text.size();
            }));
        sizes.push_back(weft::run([text = long_text]() -> task<std::size_t> {
            co_await weft::this_goroutine::yield();
            co_return text.size();
        }));
    }
    for (const std::size_t n : sizes) CHECK(n == long_text.size());
}

TEST_CASE("captures are destroyed once when the goroutine is unwound while it uses them")
{
    std::atomic<int> destroyed{0};
    weft::run([&]() -> task<> {
        for (int i = 0; i < 10; ++i) {
            weft::go([w = witness(destroyed), text = long_text]() -> task<> {
                const weft::defer look([&] { CHECK(text == long_text); }); // the captures go last
                co_await weft::channel<int>().receive();
            });
        }
        co_await weft_test::until_parked(10);
    });
    CHECK(destroyed == 10);
}
