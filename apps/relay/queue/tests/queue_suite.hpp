// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "queue.hpp"

#include "testing.hpp"

#include <weft/weft.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

/// What every backend of the queue must pass: the cases in queue_suite*.cpp, which a test program compiles in with a `make_backend`
/// of its own.

namespace relay_test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// One store of jobs.
class backend {
public:
    backend() = default;
    backend(const backend&) = delete;
    backend& operator=(const backend&) = delete;
    virtual ~backend() = default;

    /// Opens it; once more only after `close`.
    virtual weft::task<std::unique_ptr<relay::queue>> open() = 0;
};

/// An empty one. The test program defines it.
std::unique_ptr<backend> make_backend();

/// Runs `test(queue, backend)`, a task, with an open queue, which it closes in the end; `test` may put another one in its place.
template <class F>
void on_queue(F test, unsigned procs = 2)
{
    weft_test::note_procs(procs);
    const weft_test::watchdog guard;
    const std::unique_ptr<backend> b = make_backend();
    auto main = [&]() -> weft::task<> {
        std::unique_ptr<relay::queue> q = co_await b->open();
        co_await test(q, *b);
        co_await q->close();
        q.reset();
        co_await weft_test::until_alone();
    };
    weft::run(std::move(main), weft::runtime_options{.procs = procs});
    weft_test::note_procs(0);
}

inline relay::new_job a_job(std::string host = "a.example:443", std::string body = "body")
{
    relay::new_job j;
    j.what.target = "https://" + host + "/hook";
    j.what.host = std::move(host);
    j.what.headers = {{"content-type", "text/plain"}, {"x-secret", "s"}};
    j.what.body = std::move(body);
    return j;
}

inline weft::task<std::string> put(relay::queue& q, relay::new_job j)
{
    const relay::put_result r = co_await q.put(weft::background(), std::move(j));
    CHECK_FALSE(r.existed);
    co_return r.id;
}

inline weft::task<relay::reserve_result> reserve(relay::queue& q, std::size_t most,
                                                 milliseconds lease = 60s)
{
    relay::reserve_request r;
    r.most = most;
    r.lease = lease;
    co_return co_await q.reserve(weft::background(), std::move(r));
}

/// Waits until there is one.
inline weft::task<relay::reserved_job> take(relay::queue& q, milliseconds lease = 60s)
{
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < end) {
        relay::reserve_result r = co_await reserve(q, 1, lease);
        if (!r.jobs.empty()) co_return std::move(r.jobs.front());
        co_await weft::sleep(10ms);
    }
    throw std::runtime_error("there is no job to take");
}

inline weft::task<bool> ack(relay::queue& q, relay::lease l)
{
    relay::attempt_result how;
    how.status = 200;
    co_return co_await q.ack(weft::background(), std::move(l), std::move(how));
}

inline weft::task<bool> release(relay::queue& q, relay::lease l, milliseconds delay = 0ms,
                                bool counts = true)
{
    relay::attempt_result how;
    how.status = 503;
    how.error = "busy";
    co_return co_await q.release(weft::background(), std::move(l), delay, std::move(how), counts);
}

inline weft::task<bool> bury(relay::queue& q, relay::lease l)
{
    relay::attempt_result how;
    how.status = 410;
    how.error = "gone";
    co_return co_await q.bury(weft::background(), std::move(l), std::move(how));
}

inline weft::task<bool> extend(relay::queue& q, relay::lease l, milliseconds by)
{
    std::vector<relay::lease> one;
    one.push_back(std::move(l));
    const std::vector<bool> held = co_await q.extend(weft::background(), std::move(one), by);
    REQUIRE(held.size() == 1);
    co_return held[0];
}

/// The job, which must be there.
inline weft::task<relay::job> look(relay::queue& q, std::string id)
{
    std::optional<relay::job> j = co_await q.find(weft::background(), std::move(id));
    REQUIRE(j.has_value());
    co_return std::move(*j);
}

} // namespace relay_test

/// Checks that `expression`, which may contain co_await, throws `type`.
#define CHECK_ENDS_IN(type, expression)                                                            \
    do {                                                                                           \
        bool thrown_as_expected = false;                                                           \
        try {                                                                                      \
            static_cast<void>(expression);                                                         \
        } catch (const type&) {                                                                    \
            thrown_as_expected = true;                                                             \
        }                                                                                          \
        CHECK_MESSAGE(thrown_as_expected, #expression " does not throw " #type);                   \
    } while (false)
