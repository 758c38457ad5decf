// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "worker.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace relay {

namespace {

using namespace std::chrono_literals;

/// Jobs of one reservation: what is taken at a time should not wait long for its goroutine.
constexpr std::size_t most_at_a_time = 64;
/// The queue is asked at least so often: other machines' clocks and news may be lost.
constexpr weft::duration ask_again = 1s;
/// For what must still be said to the queue at the end.
constexpr weft::duration last_words = 5s;

} // namespace

worker::worker(queue& q, deliverer& d, hosts& h, counts& c, const worker_options& o)
    : queue_(q), deliverer_(d), hosts_(h), counts_(c), options_(o)
{
    queue_.on_change([to = nudge_] { static_cast<void>(to.try_send()); });
}

weft::task<> worker::run(weft::context ctx)
{
    // `life` is that of deliveries: it outlives `ctx` by the time to drain.
    const auto life = weft::with_cancel(weft::without_cancel(ctx));
    const auto leases = weft::with_cancel(weft::without_cancel(ctx));
    auto keeper = weft::spawn(&worker::keep_leases, this, leases.ctx);
    co_await dispatch(ctx, life.ctx);
    const auto patience = weft::with_timeout(weft::background(), options_.drain);
    bool in_time = true;
    try {
        co_await working_.wait(patience.ctx);
    } catch (const weft::error&) {
        in_time = false;
    }
    if (!in_time) {
        spdlog::warn("worker: {} deliveries are broken off", counts_.in_flight.load());
        life.cancel();
        co_await working_.wait();
    }
    leases.cancel();
    co_await keeper.join();
}

// ---------------------------------------------------------------- taking jobs

weft::task<> worker::dispatch(weft::context ctx, weft::context life)
{
    weft::backoff_sequence pauses({.initial = 100ms, .max = 5s});
    while (!ctx.err()) {
        weft::duration pause{0};
        try {
            const std::size_t got = co_await reserve(life);
            pauses.reset();
            if (got == 0) co_await wait_for_more(ctx);
        } catch (const queue_unavailable& e) {
            counts_.queue_errors.add();
            pause = pauses.next().value_or(5s);
            spdlog::error("worker: {}", e.what());
        } catch (const weft::error&) { // the end, or the queue took too long
            pause = pauses.next().value_or(5s);
        }
        if (pause > weft::duration::zero()) co_await weft::select{weft::after(pause), ctx.done()};
    }
}

weft::task<std::size_t> worker::reserve(weft::context life)
{
    const std::size_t busy = counts_.in_flight.load();
    if (busy >= options_.concurrency) {
        next_ = std::nullopt;
        co_return 0;
    }
    reserve_request r;
    r.most = std::min(most_at_a_time, options_.concurrency - busy);
    r.lease = options_.lease;
    r.worker = options_.name;
    r.room = [this](std::string_view host) { return hosts_.room(host); };
    // Not with ctx: what was reserved must not get lost on its way here.
    const auto patience = weft::with_timeout(life, options_.lease);
    reserve_result got = co_await queue_.reserve(patience.ctx, std::move(r));
    next_ = got.next;
    for (reserved_job& j : got.jobs) {
        hosts_.begin(j.what.what.host);
        ++counts_.in_flight;
        working_.add(1);
        weft::go(&worker::work, this, life, std::move(j));
    }
    co_return got.jobs.size();
}

weft::task<> worker::wait_for_more(weft::context ctx)
{
    weft::duration longest = ask_again;
    if (next_) longest = std::min<weft::duration>(longest, std::max(0ms, *next_ - now()));
    if (const auto room = hosts_.next_room())
        longest = std::min(longest, std::max(weft::duration::zero(), *room - weft::clock::now()));
    // Times of the queue are in whole milliseconds: not a little too early, again and again.
    longest = std::max<weft::duration>(longest, 1ms);
    co_await weft::select{nudge_.receive(), weft::after(longest), ctx.done()};
}

// ---------------------------------------------------------------- a job

weft::task<> worker::work(weft::context life, reserved_job j)
{
    const auto mine = weft::with_cancel_cause(life);
    const weft::time_point begun = weft::clock::now();
    {
        const std::lock_guard lock(mutex_);
        flights_.insert_or_assign(j.what.id,
                                  flight{j.lease, j.what.what.host, j.what.attempts,
                                         j.what.max_attempts, begun, begun, mine.cancel});
    }
    attempt a;
    try {
        a = co_await deliverer_.deliver(mine.ctx, j.what);
    } catch (const std::exception& e) {
        a.kind = failure_kind::connection; // no memory, likely
        a.result.error = e.what();
    }
    const weft::time_point end = weft::clock::now();
    hosts_.end(j.what.what.host, a.host_answers());
    if (a.kind != failure_kind::none) {
        counts_.failed[static_cast<std::size_t>(a.kind)]->add();
    } else {
        counts_.attempt_time.add(end - begun);
        counts_.attempt_seconds.observe(seconds(end - begun));
        counts_.job_seconds.observe(std::max(0.0, seconds(now() - j.what.created)));
    }
    co_await settle(j, a);
    {
        const std::lock_guard lock(mutex_);
        const auto at = flights_.find(j.what.id);
        if (at != flights_.end() && at->second.lease.token == j.lease.token) flights_.erase(at);
    }
    --counts_.in_flight;
    nudge();
    working_.done();
}

std::chrono::milliseconds worker::pause_before_next(const job& j, const attempt& a) const
{
    weft::backoff_sequence pauses(options_.retry);
    weft::duration pause = pauses.next().value_or(options_.retry.max);
    for (int i = 1; i < std::min(j.attempts, 64); ++i)
        pause = pauses.next().value_or(options_.retry.max);
    auto ms = std::chrono::ceil<std::chrono::milliseconds>(pause);
    if (a.pause) ms = std::max(ms, *a.pause);
    return std::max(ms, 1ms);
}

weft::task<> worker::settle(const reserved_job& j, const attempt& a)
{
    // While the lease holds it is worth trying; then the job is somebody else's.
    const auto patience = weft::with_timeout(weft::background(),
                                             std::max<weft::duration>(options_.lease, last_words));
    const bool over = a.final || j.what.attempts >= j.what.max_attempts;
    bool held = true;
    const auto say = [&]() -> weft::task<> {
        switch (a.kind) {
        case failure_kind::none: held = co_await queue_.ack(patience.ctx, j.lease, a.result); break;
        case failure_kind::broken_off:
            held = co_await queue_.release(patience.ctx, j.lease, 0ms, a.result, false);
            break;
        default:
            if (over) {
                held = co_await queue_.bury(patience.ctx, j.lease, a.result);
            } else {
                const auto pause = pause_before_next(j.what, a);
                held = co_await queue_.release(patience.ctx, j.lease, pause, a.result);
            }
        }
    };
    const weft::backoff policy{.initial = 50ms, .max = 2s};
    try {
        co_await weft::retry(patience.ctx, policy, say);
    } catch (const std::exception& e) {
        counts_.queue_errors.add();
        spdlog::error("worker: job {}: {}; its lease will run out", j.what.id, e.what());
        co_return;
    }
    if (!held) {
        counts_.leases_lost.add();
        spdlog::warn("worker: the lease of job {} was lost", j.what.id);
        co_return;
    }
    switch (a.kind) {
    case failure_kind::none: counts_.delivered.add(); break;
    case failure_kind::broken_off: break;
    default:
        if (over) {
            counts_.buried.add();
            spdlog::warn("job {} to {} is dead after {} attempts: {}", j.what.id, j.what.what.host,
                         j.what.attempts, a.result.error);
        } else {
            counts_.retries.add();
        }
    }
}

// ---------------------------------------------------------------- leases

weft::task<> worker::keep_leases(weft::context life)
{
    const weft::duration every = std::max<weft::duration>(options_.lease / 6, 1ms);
    while (!life.err()) {
        co_await weft::select{weft::after(every), life.done()};
        std::vector<lease> held;
        const weft::time_point t = weft::clock::now();
        {
            const std::lock_guard lock(mutex_);
            for (auto& [id, f] : flights_) {
                if (t - f.extended >= options_.lease / 3) held.push_back(f.lease);
            }
        }
        if (held.empty()) continue;
        const auto patience = weft::with_timeout(life, options_.lease / 3);
        std::vector<bool> still;
        try {
            still = co_await queue_.extend(patience.ctx, held, options_.lease);
        } catch (const std::exception&) {
            counts_.queue_errors.add();
            continue; // next time; there are two more before it is too late
        }
        std::vector<weft::cancel_cause_function> lost;
        {
            const std::lock_guard lock(mutex_);
            for (std::size_t i = 0; i < held.size(); ++i) {
                const auto at = flights_.find(held[i].id);
                if (at == flights_.end() || at->second.lease.token != held[i].token) continue;
                if (still[i]) {
                    at->second.extended = t;
                } else {
                    lost.push_back(at->second.cancel);
                }
            }
        }
        for (const auto& cancel : lost)
            cancel(std::make_exception_ptr(std::runtime_error("the lease was lost")));
    }
}

std::vector<delivery_view> worker::view(std::size_t most)
{
    std::vector<delivery_view> views;
    {
        const std::lock_guard lock(mutex_);
        const weft::time_point t = weft::clock::now();
        for (const auto& [id, f] : flights_)
            views.push_back({id, f.host, f.attempt, f.max_attempts, t - f.begun});
    }
    std::sort(views.begin(), views.end(),
              [](const delivery_view& a, const delivery_view& b) { return a.since > b.since; });
    if (views.size() > most) views.resize(most);
    return views;
}

} // namespace relay
