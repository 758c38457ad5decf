// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "sqlite_queue.hpp"

#include "fingerprint.hpp"
#include "sqlite_store.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <type_traits>
#include <utility>

namespace relay {

namespace {

namespace pattern = weft::pattern;
using namespace std::chrono_literals;

/// A call on its way to the file. It belongs to the caller and to whoever works it off: the caller may leave.
class call {
public:
    call() = default;
    call(const call&) = delete;
    call& operator=(const call&) = delete;
    virtual ~call() = default;

    /// On the side pool, inside of a transaction. What it throws, other than the file's errors, is the caller's.
    virtual void run(sqlite_store& store) = 0;
    /// The transaction is on disk, or `failure` says why not.
    virtual void finish(const std::exception_ptr& failure) = 0;
    /// There may be something to reserve, or will be earlier than was known.
    bool wakes = false;
};

template <class R>
struct outcome {
    std::optional<R> value;
    std::exception_ptr failure;
};

template <class R, class F>
class call_of final : public call {
public:
    call_of(F f, pattern::oneshot_sender<outcome<R>> to) : f_(std::move(f)), to_(std::move(to)) {}

    void run(sqlite_store& store) override
    {
        try {
            result_.value = f_(store);
        } catch (const idempotency_conflict&) {
            result_.failure = std::current_exception();
        }
    }
    void finish(const std::exception_ptr& failure) override
    {
        if (failure) result_ = {std::nullopt, failure};
        to_.set(std::move(result_));
    }

private:
    F f_;
    pattern::oneshot_sender<outcome<R>> to_;
    outcome<R> result_;
};

/// All that the callers and the goroutine that works share.
struct engine {
    engine(std::unique_ptr<sqlite_store> s, sqlite_queue_options o)
        : store(std::move(s)),
          options(o),
          calls(weft::make_channel<std::shared_ptr<call>>(1024)),
          ended(weft::make_channel<void>(0))
    {
    }

    void run_batch(const std::vector<std::shared_ptr<call>>& batch);
    void changed()
    {
        const std::lock_guard lock(mutex);
        for (const auto& f : listeners) f();
    }

    std::unique_ptr<sqlite_store> store; ///< used by one thread of the side pool at a time
    const sqlite_queue_options options;
    weft::channel<std::shared_ptr<call>> calls;
    weft::channel<void> ended; ///< closed once nothing is worked off any more
    std::mutex mutex;
    std::vector<std::function<void()>> listeners; ///< under mutex
    std::exception_ptr failure;                   ///< of the batch
    std::optional<timestamp> next_timed = now();  ///< when something may become ready by itself
    bool prunes_more = false;
    weft::time_point next_prune{};
};

void engine::run_batch(const std::vector<std::shared_ptr<call>>& batch)
{
    failure = nullptr;
    try {
        store->begin();
        if (batch.empty()) store->make_due_ready();
        for (const auto& c : batch) c->run(*store);
        if (weft::clock::now() >= next_prune || prunes_more) {
            prunes_more = store->prune();
            next_prune = weft::clock::now() + std::chrono::seconds(10);
        }
        next_timed = store->next_timed();
        store->commit();
    } catch (const std::exception& e) {
        store->roll_back();
        spdlog::error("queue: {}", e.what());
        next_timed = now() + 1s;
        failure = std::make_exception_ptr(
            queue_unavailable(std::string("the queue's file: ") + e.what()));
    }
}

/// Waits for a call, or until something becomes ready by itself. False: closed.
weft::task<bool> next_call(engine& e, std::vector<std::shared_ptr<call>>& batch)
{
    std::optional<std::shared_ptr<call>> first;
    if (e.next_timed) {
        const weft::duration wait = std::max<weft::duration>(*e.next_timed - now(), 1ms);
        auto got = co_await weft::select{e.calls.receive(), weft::after(wait)};
        if (got.index() == 1) co_return true;
        first = std::move(got.get<0>());
    } else {
        first = co_await e.calls.receive();
    }
    if (!first) co_return false;
    batch.push_back(std::move(*first));
    while (batch.size() < e.options.most_in_a_commit) {
        auto next = e.calls.try_receive();
        if (!next) break;
        batch.push_back(std::move(*next));
    }
    co_return true;
}

weft::task<> work(std::shared_ptr<engine> e)
{
    std::vector<std::shared_ptr<call>> batch;
    while (co_await next_call(*e, batch)) {
        co_await weft::blocking([&e, &batch] { e->run_batch(batch); });
        bool wakes = batch.empty(); // nobody called: something is due
        for (const auto& c : batch) {
            wakes = wakes || c->wakes;
            c->finish(e->failure);
        }
        batch.clear();
        if (wakes) e->changed();
    }
    co_await weft::blocking([&e] { e->store.reset(); });
    e->ended.close();
}

class sqlite_queue final : public queue {
public:
    explicit sqlite_queue(std::shared_ptr<engine> e) : engine_(std::move(e)) {}
    ~sqlite_queue() override
    {
        if (!closed_.exchange(true)) engine_->calls.close();
    }

    weft::task<put_result> put(weft::context ctx, new_job j) override
    {
        std::string sum;
        if (!j.idempotency_key.empty()) sum = fingerprint(j.what);
        return perform<put_result>(
            std::move(ctx), true,
            [j = std::move(j), sum = std::move(sum)](sqlite_store& s) { return s.put(j, sum); });
    }
    weft::task<reserve_result> reserve(weft::context ctx, reserve_request r) override
    {
        return perform<reserve_result>(
            std::move(ctx), false, [r = std::move(r)](sqlite_store& s) { return s.reserve(r); });
    }
    weft::task<std::vector<bool>> extend(weft::context ctx, std::vector<lease> held,
                                         std::chrono::milliseconds by) override
    {
        return perform<std::vector<bool>>(std::move(ctx), false,
                                          [held = std::move(held), by](sqlite_store& s) {
                                              std::vector<bool> still;
                                              for (const lease& l : held)
                                                  still.push_back(s.extend(l, by));
                                              return still;
                                          });
    }
    weft::task<bool> ack(weft::context ctx, lease l, attempt_result how) override
    {
        return perform<bool>(
            std::move(ctx), false,
            [l = std::move(l), how = std::move(how)](sqlite_store& s) { return s.ack(l, how); });
    }
    weft::task<bool> release(weft::context ctx, lease l, std::chrono::milliseconds delay,
                             attempt_result how, bool counts) override
    {
        return perform<bool>(std::move(ctx), true,
                             [l = std::move(l), delay, how = std::move(how), counts](
                                 sqlite_store& s) { return s.release(l, delay, how, counts); });
    }
    weft::task<bool> bury(weft::context ctx, lease l, attempt_result how) override
    {
        return perform<bool>(
            std::move(ctx), false,
            [l = std::move(l), how = std::move(how)](sqlite_store& s) { return s.bury(l, how); });
    }
    weft::task<bool> kick(weft::context ctx, std::string id) override
    {
        return perform<bool>(std::move(ctx), true,
                             [id = std::move(id)](sqlite_store& s) { return s.kick(id); });
    }
    weft::task<queue_stats> stats(weft::context ctx) override
    {
        return perform<queue_stats>(std::move(ctx), false,
                                    [](sqlite_store& s) { return s.stats(); });
    }
    weft::task<std::optional<job>> find(weft::context ctx, std::string id) override
    {
        return perform<std::optional<job>>(
            std::move(ctx), false, [id = std::move(id)](sqlite_store& s) { return s.find(id); });
    }
    weft::task<std::vector<job>> list(weft::context ctx, list_request r) override
    {
        return perform<std::vector<job>>(std::move(ctx), false,
                                         [r = std::move(r)](sqlite_store& s) { return s.list(r); });
    }

    void on_change(std::function<void()> f) override
    {
        const std::lock_guard lock(engine_->mutex);
        engine_->listeners.push_back(std::move(f));
    }

    weft::task<> close() override
    {
        if (!closed_.exchange(true)) engine_->calls.close();
        co_await engine_->ended.receive();
    }

private:
    template <class R, class F>
    weft::task<R> perform(weft::context ctx, bool wakes, F f)
    {
        pattern::oneshot<outcome<R>> way;
        std::shared_ptr<call> c =
            std::make_shared<call_of<R, F>>(std::move(f), std::move(way.sender));
        c->wakes = wakes;
        if (closed_) throw queue_unavailable("the queue is closed");
        try {
            co_await engine_->calls.send(ctx, std::move(c));
        } catch (const weft::misuse_error&) { // closed meanwhile
            throw queue_unavailable("the queue is closed");
        }
        std::optional<outcome<R>> result = co_await way.receiver.receive(ctx);
        if (!result) throw queue_unavailable("the queue is closed");
        if (result->failure) std::rethrow_exception(result->failure);
        co_return std::move(*result->value);
    }

    std::shared_ptr<engine> engine_;
    std::atomic<bool> closed_{false};
};

} // namespace

weft::task<std::unique_ptr<queue>> open_sqlite_queue(std::string file, sqlite_queue_options options)
{
    std::unique_ptr<sqlite_store> store;
    co_await weft::blocking(
        [&] { store = std::make_unique<sqlite_store>(file, options.keep_done); });
    auto e = std::make_shared<engine>(std::move(store), options);
    weft::go(work, e);
    co_return std::make_unique<sqlite_queue>(std::move(e));
}

} // namespace relay
