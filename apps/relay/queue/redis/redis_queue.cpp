// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "redis_queue.hpp"

#include "redis_codec.hpp"
#include "redis_store.hpp"
#include "redis_watch.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

namespace relay {

namespace {

using std::chrono::milliseconds;
using texts = std::vector<std::string>;

/// How many hosts are asked for at a time.
constexpr std::size_t hosts_a_page = 256;

std::string text(milliseconds d)
{
    return std::to_string(d.count());
}

class redis_queue final : public queue {
public:
    explicit redis_queue(std::shared_ptr<redis_store> s)
        : store_(std::move(s)), executor_(weft::this_goroutine::get_executor())
    {
    }

    weft::task<put_result> put(weft::context ctx, new_job j) override;
    weft::task<reserve_result> reserve(weft::context ctx, reserve_request r) override;
    weft::task<std::vector<bool>> extend(weft::context ctx, std::vector<lease> held,
                                         milliseconds by) override;
    weft::task<bool> ack(weft::context ctx, lease l, attempt_result how) override;
    weft::task<bool> release(weft::context ctx, lease l, milliseconds delay, attempt_result how,
                             bool counts) override;
    weft::task<bool> bury(weft::context ctx, lease l, attempt_result how) override;
    weft::task<bool> kick(weft::context ctx, std::string id) override;
    weft::task<queue_stats> stats(weft::context ctx) override;
    weft::task<std::optional<job>> find(weft::context ctx, std::string id) override;
    weft::task<std::vector<job>> list(weft::context ctx, list_request r) override;
    void on_change(std::function<void()> f) override;
    weft::task<> close() override;

private:
    /// A call that `close` waits for.
    class visit {
    public:
        explicit visit(redis_queue& q) : queue_(q)
        {
            const std::lock_guard lock(q.mutex_);
            if (q.closed_) throw queue_unavailable("redis: the queue is closed");
            q.visits_.add();
        }
        visit(const visit&) = delete;
        visit& operator=(const visit&) = delete;
        ~visit() { queue_.visits_.done(); }

    private:
        redis_queue& queue_;
    };

    weft::task<redis_value> run(weft::context ctx, const redis_script& s, texts arguments)
    {
        const visit v(*this);
        co_return co_await store_->run(std::move(ctx), s, std::move(arguments));
    }
    weft::task<bool> settle(weft::context ctx, const redis_script& s, lease l, attempt_result how,
                            texts more);
    weft::task<> take(weft::context ctx, const reserve_request& r, texts of, reserve_result& into);
    void set_next(redis_value& now, redis_value& upcoming, const reserve_request& r,
                  reserve_result& into) const;

    const std::shared_ptr<redis_store> store_;
    const weft::executor executor_;
    std::mutex mutex_;
    bool closed_ = false; ///< guarded by mutex_
    weft::wait_group visits_;
    std::unique_ptr<redis_watch> watch_;
};

// ---------------------------------------------------------------- put

weft::task<put_result> redis_queue::put(weft::context ctx, new_job j)
{
    texts arguments{text(j.delay),
                    std::to_string(j.max_attempts),
                    store_->new_id,
                    std::move(j.idempotency_key),
                    std::move(j.what.target),
                    std::move(j.what.host),
                    packed(j.what.headers, &header_list::value_type::first),
                    packed(j.what.headers, &header_list::value_type::second),
                    std::move(j.what.body)};
    redis_value v = co_await run(ctx, store_->scripts.put, std::move(arguments));
    const std::int64_t how = v.at(0).number();
    if (how < 0)
        throw idempotency_conflict("the idempotency key is that of a job that delivers something "
                                   "else");
    co_return put_result{std::move(v.at(1).string()), how == 0};
}

// ---------------------------------------------------------------- reserve

/// Of upcoming moments the first whose host has room.
void redis_queue::set_next(redis_value& now, redis_value& upcoming, const reserve_request& r,
                           reserve_result& into) const
{
    redis_value::array& all = upcoming.elements();
    if (all.size() < 2) return;
    std::size_t i = 0;
    while (r.room && i + 2 < all.size() && r.room(all[i + 1].string()) == 0) i += 2;
    const timestamp next = relay::now() + (time_of(all[i]) - time_of(now));
    into.next = std::min(next, into.next.value_or(next));
}

/// `of`: host, how many, host, how many ...; empty: of any.
weft::task<> redis_queue::take(weft::context ctx, const reserve_request& r, texts of,
                               reserve_result& into)
{
    texts arguments{text(r.lease), r.worker.empty() ? store_->options.worker : r.worker,
                    std::to_string(r.most - into.jobs.size())};
    arguments.insert(arguments.end(), std::make_move_iterator(of.begin()),
                     std::make_move_iterator(of.end()));
    redis_value v = co_await run(ctx, store_->scripts.take, std::move(arguments));
    for (redis_value& j : v.at(1).elements()) {
        lease l{"", static_cast<std::uint64_t>(j.at(0).number())};
        job what = job_of(j, 1);
        l.id = what.id;
        into.jobs.push_back(reserved_job{std::move(what), std::move(l)});
    }
    set_next(v.at(0), v.at(3), r, into);
    if (v.at(2).number() != 0) into.next = relay::now();
}

weft::task<reserve_result> redis_queue::reserve(weft::context ctx, reserve_request r)
{
    reserve_result result;
    if (!r.room) {
        if (r.most > 0) co_await take(ctx, r, {}, result);
        co_return result;
    }
    std::size_t seen = 0;
    std::set<std::string> asked; // one that was served may stand at the end of the line
    while (result.jobs.size() < r.most) {
        texts page{std::to_string(seen), std::to_string(hosts_a_page)};
        redis_value v = co_await run(ctx, store_->scripts.hosts, std::move(page));
        redis_value::array& hosts = v.at(1).elements();
        texts of;
        for (redis_value& h : hosts) {
            if (!asked.insert(h.string()).second) continue;
            const std::size_t n = std::min(r.room(h.string()), r.most);
            if (n == 0) continue;
            of.push_back(h.string());
            of.push_back(std::to_string(n));
        }
        // Hosts of which something is taken go to the end of the line, or leave it.
        seen += hosts.size() - of.size() / 2;
        if (of.empty()) {
            set_next(v.at(0), v.at(2), r, result);
        } else {
            co_await take(ctx, r, std::move(of), result);
        }
        if (hosts.size() < hosts_a_page) break;
    }
    co_return result;
}

// ---------------------------------------------------------------- leases

weft::task<std::vector<bool>> redis_queue::extend(weft::context ctx, std::vector<lease> held,
                                                  milliseconds by)
{
    std::vector<bool> result;
    texts arguments{text(by)};
    for (lease& l : held) {
        arguments.push_back(std::move(l.id));
        arguments.push_back(std::to_string(l.token));
    }
    redis_value v = co_await run(ctx, store_->scripts.extend, std::move(arguments));
    for (const redis_value& one : v.elements()) result.push_back(one.number() != 0);
    if (result.size() != held.size()) redis_value::unexpected();
    co_return result;
}

weft::task<bool> redis_queue::settle(weft::context ctx, const redis_script& s, lease l,
                                     attempt_result how, texts more)
{
    texts arguments{std::move(l.id), std::to_string(l.token), std::to_string(how.status),
                    std::move(how.error)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const redis_value v = co_await run(ctx, s, std::move(arguments));
    co_return v.number() != 0;
}

weft::task<bool> redis_queue::ack(weft::context ctx, lease l, attempt_result how)
{
    co_return co_await settle(ctx, store_->scripts.ack, std::move(l), std::move(how),
                              store_->keep_times());
}

weft::task<bool> redis_queue::release(weft::context ctx, lease l, milliseconds delay,
                                      attempt_result how, bool counts)
{
    texts more{text(delay), counts ? "1" : "0"};
    co_return co_await settle(ctx, store_->scripts.release, std::move(l), std::move(how),
                              std::move(more));
}

weft::task<bool> redis_queue::bury(weft::context ctx, lease l, attempt_result how)
{
    texts nothing;
    co_return co_await settle(ctx, store_->scripts.bury, std::move(l), std::move(how),
                              std::move(nothing));
}

weft::task<bool> redis_queue::kick(weft::context ctx, std::string id)
{
    texts arguments{std::move(id)};
    const redis_value v = co_await run(ctx, store_->scripts.kick, std::move(arguments));
    co_return v.number() != 0;
}

// ---------------------------------------------------------------- for those who look

weft::task<queue_stats> redis_queue::stats(weft::context ctx)
{
    redis_value v = co_await run(ctx, store_->scripts.stats, store_->keep_times());
    const auto count = [&](std::size_t i) { return static_cast<std::uint64_t>(v.at(i).number()); };
    queue_stats s;
    s.ready = count(0);
    s.delayed = count(1);
    s.in_flight = count(2);
    s.done = count(3);
    s.dead = count(4);
    if (v.at(5).elements().size() > 1) s.oldest_ready = time_of(v.at(5).at(1));
    co_return s;
}

weft::task<std::optional<job>> redis_queue::find(weft::context ctx, std::string id)
{
    texts arguments{std::move(id)};
    redis_value v = co_await run(ctx, store_->scripts.find, std::move(arguments));
    std::optional<job> j;
    if (!v.is_nil()) j = job_of(v);
    co_return j;
}

weft::task<std::vector<job>> redis_queue::list(weft::context ctx, list_request r)
{
    std::vector<job> jobs;
    const std::string state = r.state ? std::string(name_of(*r.state)) : "";
    std::string after = std::move(r.after);
    do {
        texts arguments{state, std::to_string(r.limit - jobs.size()), after,
                        text(store_->options.keep_done), text(store_->options.keep_keys)};
        redis_value v = co_await run(ctx, store_->scripts.list, std::move(arguments));
        for (redis_value& j : v.at(0).elements()) jobs.push_back(job_of(j));
        after = std::move(v.at(1).string());
    } while (!after.empty() && jobs.size() < r.limit);
    co_return jobs;
}

void redis_queue::on_change(std::function<void()> f)
{
    watch_ = std::make_unique<redis_watch>(
        executor_, store_->url, store_->options.patience, store_->options.look_every,
        [s = store_](weft::context ctx) { return redis_store::look(s, std::move(ctx)); },
        std::move(f));
}

weft::task<> redis_queue::close()
{
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    co_await visits_.wait();
    if (watch_) co_await watch_->close();
    co_await store_->redis->close();
}

} // namespace

weft::task<std::unique_ptr<queue>> open_redis_queue(weft::context ctx, std::string url,
                                                    redis_queue_options o)
{
    std::shared_ptr<redis_store> s = co_await redis_store::open(ctx, std::move(url), std::move(o));
    std::unique_ptr<queue> q = std::make_unique<redis_queue>(std::move(s));
    co_return q;
}

weft::task<std::unique_ptr<queue>> open_redis_queue(weft::context ctx, std::string url)
{
    redis_queue_options usual; // no default argument: GCC 12 destroys it twice
    return open_redis_queue(std::move(ctx), std::move(url), std::move(usual));
}

} // namespace relay
