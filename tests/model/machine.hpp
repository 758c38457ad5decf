// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "world.hpp"

#include <weft/detail/threads.hpp>
#include <weft/weft.hpp>

#include <asio/post.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace weft_model {

/// A runtime on the host's threads. A panic fails the model.
class machine {
public:
    explicit machine(unsigned procs = 2)
        : runtime(host(),
                  {.procs = procs, .on_panic = weft::panic_policy([](const weft::panic_info& p) {
                                       fail(std::string(p.report), {});
                                   })})
    {
    }

    /// Starts a goroutine out of a handler, so that each may begin on a worker of its own. (Those that are injected
    /// one after the other are taken by the first worker that wakes up.)
    template <class F, class... A>
    void go(F f, A... a)
    {
        ++asked_;
        asio::post(runtime.get_executor(),
                   [this, f = std::move(f), ... a = std::move(a)]() mutable {
                       weft::go(std::move(f), std::move(a)...);
                       ++begun_;
                   });
    }

    /// As an outsider does.
    template <class... A>
    void inject(A&&... a)
    {
        weft::go(runtime.get_executor(), std::forward<A>(a)...);
    }

    /// Until no goroutine is left; this is what the schedules are about.
    void join()
    {
        begin_focus();
        block(
            [](void* m) {
                return static_cast<machine*>(m)->begun_ == static_cast<machine*>(m)->asked_;
            },
            this);
        runtime.join();
        end_focus();
        settle_host(); // a runtime that ends with a handler in it is kept for a while
    }

    weft::runtime runtime;

private:
    int asked_ = 0, begun_ = 0;
};

/// Until `n` have counted themselves. Before `machine::join` nobody comes in where nobody waits, so a goroutine
/// that counts itself and then waits stands in line when this returns.
inline void wait_for(const int& n, int of)
{
    while (n != of) yield();
}

inline bool is_canceled(const weft::error& e)
{
    return e.code() == weft::errc::canceled;
}

/// What a lock guards. Who visits it is alone there, though others may come in the middle.
class guarded {
public:
    void visit()
    {
        enter();
        point();
        leave();
    }
    void enter()
    {
        check(inside_++ == 0, "two hold the lock");
        before_ = visits_;
    }
    void leave()
    {
        visits_ = before_ + 1;
        check(--inside_ == 0, "two hold the lock");
    }
    [[nodiscard]] int visits() const noexcept { return visits_; }

private:
    int inside_ = 0, visits_ = 0, before_ = 0;
};

/// Values that go through channels: each arrives once, and those of one sender in order. The goroutines of a
/// model note them without points in between.
class ledger {
public:
    /// With several receivers the order in which they note their values says nothing.
    explicit ledger(int receivers = 1) noexcept : ordered_(receivers == 1) {}

    void sent(int v) { sent_.push_back(v); }
    void received(int v)
    {
        for (const int before : received_) {
            check(before != v, "a value arrived twice");
            check(!ordered_ || before / 100 != v / 100 || before < v,
                  "a sender's values changed places");
        }
        received_.push_back(v);
    }
    /// All that was sent has arrived, but for `kept` of them, which are still in a channel.
    void settle(std::size_t kept = 0) const
    {
        check(received_.size() + kept == sent_.size(), "a value was lost");
        for (const int v : received_) {
            check(std::find(sent_.begin(), sent_.end(), v) != sent_.end(),
                  "a value came from nowhere");
        }
    }
    [[nodiscard]] std::size_t arrived() const noexcept { return received_.size(); }

private:
    const bool ordered_;
    std::vector<int> sent_, received_;
};

inline weft::task<> send_some(weft::channel<int> c, ledger& l, int first, int n)
{
    for (int v = first; v < first + n; ++v) {
        co_await c.send(v);
        l.sent(v);
    }
}

inline weft::task<> receive_some(weft::channel<int> c, ledger& l, int n)
{
    for (int i = 0; i < n; ++i) {
        const auto v = co_await c.receive();
        check(v.has_value(), "closed, though nobody did");
        l.received(*v);
    }
}

inline void close_it(weft::channel<int> c)
{
    c.close();
}

inline weft::task<> receive_all(weft::channel<int> c, ledger& l)
{
    while (const auto v = co_await c.receive()) l.received(*v);
}

} // namespace weft_model
