// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "redis_watch.hpp"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <utility>

namespace relay {

struct redis_watch::state {
    state(std::chrono::milliseconds every, look_function l, std::function<void()> c)
        : look_every(every),
          look(std::move(l)),
          changed(std::move(c)),
          life(weft::with_cancel(weft::background()))
    {
    }

    /// There will be something then.
    void expect(weft::duration from_now)
    {
        const weft::time_point at = weft::clock::now() + from_now;
        {
            const std::lock_guard lock(mutex);
            if (next && *next <= at) return;
            next = at;
        }
        sooner.set();
    }
    std::optional<weft::time_point> expected()
    {
        const std::lock_guard lock(mutex);
        return next;
    }

    void heard(std::string_view message);
    weft::task<> look_once();
    static weft::task<> keep(std::shared_ptr<state> self);

    const std::chrono::milliseconds look_every;
    const look_function look;
    const std::function<void()> changed;
    weft::cancellable<weft::cancel_function> life;
    weft::event sooner; ///< `next` has become an earlier one
    weft::event over;

    std::mutex mutex;
    std::optional<weft::time_point> next; ///< guarded by mutex
};

/// How many milliseconds from now something becomes ready.
void redis_watch::state::heard(std::string_view message)
{
    long long ms = 0;
    std::from_chars(message.data(), message.data() + message.size(), ms);
    if (ms <= 0) {
        changed();
    } else {
        expect(std::chrono::milliseconds(ms));
    }
}

weft::task<> redis_watch::state::look_once()
{
    {
        const std::lock_guard lock(mutex);
        next.reset();
    }
    try {
        const found f = co_await look(life.ctx);
        if (f.ready) changed();
        if (f.next) expect(*f.next);
    } catch (const weft::error&) {       // the end
    } catch (const queue_unavailable&) { // next time
    }
}

weft::task<> redis_watch::state::keep(std::shared_ptr<state> self)
{
    while (!self->life.ctx.err()) {
        co_await self->look_once();
        const weft::time_point look_at = weft::clock::now() + self->look_every;
        while (true) {
            self->sooner.reset();
            const auto next = self->expected();
            const weft::time_point at = next ? std::min(*next, look_at) : look_at;
            const auto s =
                co_await weft::select{self->life.ctx.done(), self->sooner.wait(), weft::at(at)};
            if (s.index() != 1) break;
        }
    }
    self->over.set();
}

redis_watch::redis_watch(const weft::executor& ex, redis_url to, std::chrono::milliseconds patience,
                         std::chrono::milliseconds look_every, look_function look,
                         std::function<void()> changed)
    : state_(std::make_shared<state>(look_every, std::move(look), std::move(changed))),
      messages_(
          ex, to,
          redis_connection_options{.patience = patience,
                                   .channel = "{" + to.queue + "}:changes",
                                   .subscribed = [s = state_] { s->changed(); },
                                   .heard = [s = state_](std::string_view m) { s->heard(m); }})
{
    weft::go(ex, &state::keep, state_);
}

redis_watch::~redis_watch()
{
    state_->life.cancel();
}

weft::task<> redis_watch::close()
{
    state_->life.cancel();
    co_await messages_.close();
    co_await state_->over.wait();
}

} // namespace relay
