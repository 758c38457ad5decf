// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/scheduler.hpp>

#include <weft/defer.hpp>
#include <weft/detail/binding.hpp>
#include <weft/detail/conductor.hpp>
#include <weft/detail/label_set.hpp>
#include <weft/detail/patience.hpp>
#include <weft/detail/side_pool.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/timekeeper.hpp>
#include <weft/detail/world.hpp>
#include <weft/error.hpp>

#include <asio/execution.hpp>
#if ASIO_VERSION >= 103600
#    include <asio/config.hpp>
#endif
#include <asio/require.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace weft::inline v0_1::detail {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t ids_at_once = 64; ///< of those that a worker gives to goroutines

/// Handlers run inline, as Asio does (its operators rely on a co_spawned coroutine starting at
/// once); but a chain of inline completions must not eat up the stack.
constexpr unsigned deepest_inline = 16;

std::uint64_t next_number() noexcept
{
    static constinit atomic<std::uint64_t> latest{0};
    return latest.fetch_add(1, std::memory_order_relaxed) + 1;
}

unsigned procs_of(const runtime_options& options, const conductor* c)
{
    return c ? 1 : options.procs ? options.procs : default_procs();
}

/// Asio has one thread that looks up names unless it is told otherwise, and a name that takes long holds up all others.
void make_pool(std::optional<asio::thread_pool>& pool, unsigned procs)
{
#if ASIO_VERSION >= 103600
    pool.emplace(procs, asio::config_from_string("resolver.threads=8"));
#else
    pool.emplace(procs);
#endif
}

/// The calling thread holds none of the scheduler's workers.
bool is_outside(const scheduler& s) noexcept
{
    const worker* w = this_thread_state().held;
    return !w || &w->sched != &s;
}

} // namespace

constinit thread_local thread_state this_thread;

WEFT_NOINLINE thread_state& this_thread_state() noexcept
{
    return this_thread;
}

scheduler* scheduler_here() noexcept
{
    const thread_state& me = this_thread_state();
    if (me.held) return &me.held->sched;
    if (me.current) return me.current->sched;
    return me.guest_of;
}

scheduler& current_scheduler(const char* what)
{
    if (scheduler* s = scheduler_here()) return *s;
    throw misuse_error(std::string(what) + ": not on a weft runtime; pass its executor");
}

// ---------------------------------------------------------------- goroutines

goroutine::~goroutine()
{
    if (WEFT_UNLIKELY(bound != nullptr))
        static_cast<slot_binding*>(bound)->release(); // others go with their frame
    if (sched) sched->retire(*this);
    if (WEFT_UNLIKELY(labels != nullptr)) labels->release();
}

goroutine_extras& extras_of(goroutine& g)
{
    if (!g.extras) {
        auto fresh = std::make_unique<goroutine_extras>();
        g.shard->lock.lock(); // a dump may be reading
        g.extras.swap(fresh);
        g.shard->lock.unlock();
    }
    return *g.extras;
}

namespace {

/// `as` says that it is woken.
void wake_up(goroutine& g, wait_reason as) noexcept
{
    if (is_observed()) note_woken(g);
    if (WEFT_LIKELY(g.bound == nullptr)) {
        g.reason.store(as, std::memory_order_relaxed);
    } else { // somebody may be about to take it out of what the caller is free to destroy
        g.reason.store(as, std::memory_order_seq_cst);
        g.bound->let_canceller_leave();
    }
    requeue(g);
}

} // namespace

void ready(goroutine& g) noexcept
{
    wake_up(g, wait_reason::runnable);
}

void ready_to_contend(goroutine& g) noexcept
{
    wake_up(g, wait_reason::contending);
}

void requeue(goroutine& g) noexcept
{
    worker* w = this_thread_state().held;
    if (WEFT_LIKELY(w && &w->sched == g.sched)) {
        w->push(&g);
    } else {
        g.sched->inject(&g);
    }
}

void requeue_yielded(goroutine& g) noexcept
{
    worker* w = this_thread_state().held;
    if (WEFT_LIKELY(w && &w->sched == g.sched)) {
        worker::count(g.budget < 0 ? w->yields
                                   : w->spent_budgets); // a yield takes all, and one more
        w->push(&g);
    } else {
        g.sched->inject(&g);
    }
}

void enter_foreign(goroutine& g) noexcept
{
    g.parked_on = {};
    if (is_observed()) note_parked(g, wait_reason::asio_operation);
    forget_current(g);
    g.reason.store(wait_reason::asio_operation, std::memory_order_release); // a dump may read now
}

void leave_foreign(goroutine& g) noexcept
{
    thread_state& me = this_thread_state();
    me.current = &g;
    g.budget = g.sched->conducted_by() ? 1 : operation_budget;
    // It may come back inside a slice that a dump did not wait for.
    g.shard->lock.lock();
    if (me.held) g.since = me.held->now;
    g.reason.store(wait_reason::running, std::memory_order_relaxed);
    g.shard->lock.unlock();
    if (is_observed()) note_resumed(g);
}

void forget_frame(goroutine& g, const promise_core& frame) noexcept
{
    g.shard->lock.lock();
    if (g.top_core == &frame) g.top_core = frame.caller;
    g.shard->lock.unlock();
}

void report_panic(goroutine& g, std::exception_ptr e) noexcept
{
    g.sched->panic(g, std::move(e));
}

// ---------------------------------------------------------------- scheduler: life

scheduler::scheduler(runtime_options o, std::optional<asio::any_io_executor> outer, conductor* c)
    : number(next_number()),
      bubble(c ? static_cast<bubble_id>(number % UINT16_MAX + 1) : bubble_id{0}),
      options(std::move(o)),
      on_panic(std::make_shared<const panic_policy>(options.on_panic)),
      seed_(c ? 1 : std::uint64_t{chance()} << 32),
      conductor_(c),
      help_(procs_of(options, c)),
      embedded_(outer.has_value() && !c) // a conductor looks itself whether there is work
{
    const unsigned procs = procs_of(options, c);
    if (outer) {
        host = *outer;
    } else {
        make_pool(pool_, procs);
        host = pool_->get_executor();
    }
    host_never = asio::require(host, asio::execution::blocking.never);
    host_again = asio::prefer(host_never, asio::execution::relationship.continuation);
    for (unsigned i = 0; i < procs; ++i) workers_.push_back(std::make_unique<worker>(*this, i));
    side_ = std::make_unique<side_pool>();
    timers_ = std::make_unique<timekeeper>(*this, procs);
}

std::shared_ptr<scheduler> scheduler::make(runtime_options o,
                                           std::optional<asio::any_io_executor> outer, conductor* c)
{
    auto s = std::make_shared<scheduler>(std::move(o), std::move(outer), c);
    if (!c) s->monitor_ = os_thread([&m = *s] { m.monitor_loop(); });
    join_world(*s);
    if (is_observed()) attach_rings(*s);
    return s;
}

scheduler::~scheduler() = default;

void scheduler::stop() noexcept
{
    if (stopping_.exchange(true, std::memory_order_seq_cst)) return;
    attention_.store(true, std::memory_order_seq_cst);
    if (pool_) pool_->stop();
    timers_->disarm();
    seize_workers();
    while (without_worker_.load(std::memory_order_seq_cst) != 0) pause_thread(50us);
    if (pool_) pool_->join();
    {
        std::lock_guard lock(monitor_mutex_);
        monitor_stop_ = true;
    }
    monitor_wake_.notify_one();
    if (monitor_.joinable()) monitor_.join();
    leave_world(*this);
    // A dump that found this scheduler before may be walking its goroutines.
    std::unique_lock world_lock(world_mutex_);
    // A blocking call may wait for one of these goroutines; so they go first.
    unwind_parked(false);
    side_->shutdown();
    const auto settle = [this] {
        unwind_parked(true);
        while (entered_.load(std::memory_order_seq_cst) != 0) yield_thread();
    };
    settle();
    world_lock.unlock();
    timers_->close(); // contexts end, and with them may come the user's callbacks
    world_lock.lock();
    if (pool_) pool_.reset(); // destroys handlers that never ran, with the goroutines in them
    settle();
    if (has_orphans()) keep_orphaned(shared_from_this());
    hold_host(0);
}

void scheduler::seize_workers() noexcept
{
    for (const auto& w : workers_) {
        while (!w->acquire(worker::state::idle) && !w->acquire(worker::state::scheduled)) {
            pause_thread(20us);
        }
    }
}

/// No worker runs any more; foreign threads may still wake goroutines, so each is first won back
/// from what it is parked on. One that a waker has claimed arrives in the injection queue in a
/// moment.
void scheduler::unwind_parked(bool blocking_calls_too) noexcept
{
    // A canceller may be at it, too; after this none is any more.
    const auto seize = [](goroutine* g) {
        if (g->bound) g->bound->resume();
    };
    const auto unwind = [](goroutine* g) {
        thread_state& me = this_thread_state();
        const thread_state outer =
            std::exchange(me, {nullptr, g, 0, nullptr}); // its destructors may ask who they are
        resumer r = g->thread.take();
        r.unwind();
        me = outer;
    };
    const auto unwind_woken = [&](goroutine* g) {
        seize(g);
        // One that was woken and did not run any more still stands in the other queues of its
        // select.
        if (g->parked_on) g->parked_on.withdraw(true);
        unwind(g);
    };
    for (;;) {
        bool pending = false;
        goroutine* g = nullptr;
        for (const auto& w : workers_) {
            while ((g = w->queue_.pop())) unwind_woken(g);
        }
        while ((g = injected_.pop())) unwind_woken(g);
        for (registry_shard* shard : shards()) {
            shard->lock.lock();
            g = shard->live.front();
            while (g) {
                const wait_reason why = g->reason.load(std::memory_order_relaxed);
                if (why == wait_reason::asio_operation || // its frames belong to Asio
                    (why == wait_reason::blocking_call && !blocking_calls_too)) {
                    g = intrusive_list<goroutine>::next(g);
                    continue;
                }
                pending = true;
                break;
            }
            shard->lock.unlock();
            // Nobody else destroys goroutines now, so `g` stays.
            if (g) seize(g);
            if (g && g->parked_on && take_out(*g)) unwind(g);
        }
        if (!pending) return;
        yield_thread();
    }
}

/// As a canceller does it (detail/binding.hpp): a waker waits in `inject` while `g` is being taken out. False: it is
/// woken, or about to be.
bool scheduler::take_out(goroutine& g) noexcept
{
    taken_out_.store(&g, std::memory_order_seq_cst);
    const bool waits = is_waiting(g.reason.load(std::memory_order_seq_cst));
    const bool out = waits && g.parked_on.withdraw(false);
    taken_out_.store(nullptr, std::memory_order_seq_cst);
    return out;
}

/// Once the runtime ends, only `stop` destroys goroutines that are enrolled: it reads their records without a
/// lock. One that comes too late never is, and one that is enrolled in time is found in a run queue.
void scheduler::start(goroutine& g, const std::source_location& site) noexcept
{
    const bool outside = is_outside(*this);
    if (WEFT_UNLIKELY(outside)) enter_from_outside(); // before it looks whether the runtime ends
    if (WEFT_UNLIKELY(stopping())) {
        resumer r = g.thread.take();
        r.unwind();
    } else {
        g.sched = this;
        enroll(g, site);
        g.budget = operation_budget; // nothing spent yet
        requeue(g);
    }
    if (WEFT_UNLIKELY(outside)) leave_from_outside();
}

void scheduler::enroll(goroutine& g, const std::source_location& site) noexcept
{
    const thread_state& me = this_thread_state();
    worker* w = me.held && &me.held->sched == this ? me.held : nullptr;
    if (w) {
        std::uint64_t next = w->next_id.load(std::memory_order_relaxed);
        if (next == w->last_id.load(std::memory_order_relaxed)) {
            next = ids_.fetch_add(ids_at_once, std::memory_order_relaxed);
            w->last_id.store(next + ids_at_once, std::memory_order_relaxed);
        }
        g.id = next;
        w->next_id.store(next + 1, std::memory_order_relaxed);
        g.shard = &w->shard;
    } else {
        g.id = ids_.fetch_add(1, std::memory_order_relaxed);
        g.shard = &outside_;
    }
    g.runtime = static_cast<std::uint16_t>(number);
    g.spawn_site = site;
    if (const goroutine* parent = me.current) {
        g.parent = parent->id;
        if (WEFT_UNLIKELY((g.labels = parent->labels) != nullptr)) g.labels->retain();
    }
    g.random = fast_random(seed_ + g.id);
    g.shard->add(g);
    if (is_observed()) note_created(g);
    if (WEFT_UNLIKELY(embedded_)) hold_host(+1);
}

void scheduler::retire(goroutine& g) noexcept
{
    if (is_observed()) note_ended(g);
    forget_current(g);
    const bool outside = is_outside(*this);
    // Without the goroutine nothing else may keep the scheduler.
    if (WEFT_UNLIKELY(outside)) enter_from_outside();
    g.shard->remove(g);
    if (WEFT_UNLIKELY(embedded_)) hold_host(-1);
    if (conductor* c = conductor_.load(std::memory_order_seq_cst); WEFT_UNLIKELY(c != nullptr))
        c->retired(g);
    if (WEFT_UNLIKELY(joins_waiting_.load(std::memory_order_relaxed) != 0)) {
        {
            std::lock_guard lock(join_mutex_);
        }
        join_changed_.notify_all();
    }
    if (WEFT_UNLIKELY(outside)) leave_from_outside();
}

/// Whoever lets go of the last goroutine is still inside: so it is asked about last.
bool scheduler::has_orphans() noexcept
{
    return live() != 0 || external_work_.load() != 0 || entered_.load() != 0;
}

std::vector<registry_shard*> scheduler::shards()
{
    std::vector<registry_shard*> all{&outside_};
    for (const auto& w : workers_) all.push_back(&w->shard);
    return all;
}

std::vector<worker*> scheduler::all_workers() const
{
    std::vector<worker*> all;
    all.reserve(workers_.size());
    for (const auto& w : workers_) all.push_back(w.get());
    return all;
}

std::size_t scheduler::live() noexcept
{
    std::size_t n = 0;
    const auto all = shards();
    for (registry_shard* s : all) s->lock.lock();
    for (registry_shard* s : all) n += s->count;
    for (registry_shard* s : all) s->lock.unlock();
    return n;
}

bool scheduler::wait_idle(std::optional<clock::time_point> deadline)
{
    std::unique_lock lock(join_mutex_);
    joins_waiting_.fetch_add(1, std::memory_order_seq_cst);
    while (live() != 0) {
        if (!deadline) {
            join_changed_.wait(lock);
        } else if (join_changed_.wait_until(lock, *deadline) == std::cv_status::timeout) {
            break;
        }
    }
    joins_waiting_.fetch_sub(1, std::memory_order_relaxed);
    return live() == 0;
}

// ---------------------------------------------------------------- scheduler: running

void scheduler::post_drain(worker& w, const asio::any_io_executor& how)
{
    if (stopping()) return;
    how.execute([keep = shared_from_this(), &w] {
        if (w.acquire(worker::state::scheduled)) w.drain();
    });
}

void scheduler::inject(goroutine* g) noexcept
{
    enter_from_outside();
    if (WEFT_UNLIKELY(stopping())) {
        // Its reason says that it is woken. From here on whoever takes it out has seen that, or is at it still.
        g->reason.store(g->reason.load(std::memory_order_relaxed), std::memory_order_seq_cst);
        patience p;
        while (taken_out_.load(std::memory_order_seq_cst) == g) p.wait();
    }
    injected_.push(g);
    injections_.fetch_add(1, std::memory_order_seq_cst);
    // A thread from outside is about to do something else, most likely to block: it must not keep
    // the worker that it wakes from being solo.
    if (!this_thread_state().held) leave_population();
    wake_for_injected();
    leave_from_outside();
}

void scheduler::wake_for_injected() noexcept
{
    for (const auto& w : workers_) { // one that is on its way will look here
        if (w->state_.load(std::memory_order_seq_cst) == worker::state::scheduled) return;
    }
    for (const auto& w : workers_) {
        auto expected = worker::state::idle;
        if (w->state_.compare_exchange_strong(expected, worker::state::scheduled,
                                              std::memory_order_seq_cst)) {
            post_drain(*w, host_never);
            return;
        }
    }
}

/// Somebody who is awake looks at the injection queue soon, and before it goes idle.
bool scheduler::anybody_awake() const noexcept
{
    return std::any_of(workers_.begin(), workers_.end(), [](const auto& w) {
        return w->state_.load(std::memory_order_seq_cst) != worker::state::idle &&
               !w->slow_.load(std::memory_order_relaxed);
    });
}

bool scheduler::wake_worker(worker& victim) noexcept
{
    for (const auto& w : workers_) {
        auto expected = worker::state::idle;
        if (w->state_.load(std::memory_order_relaxed) == expected &&
            w->state_.compare_exchange_strong(expected, worker::state::scheduled,
                                              std::memory_order_seq_cst)) {
            w->steal_from_.store(&victim, std::memory_order_relaxed);
            post_drain(*w, host_never);
            return true;
        }
    }
    return false;
}

/// Busy workers look at the injection queue now and then, at each other's queues only when they have nothing to do.
void scheduler::give_to_all(worker& from) noexcept
{
    const goroutine_chain waiting = from.queue_.take(SIZE_MAX);
    if (waiting.empty()) return;
    injected_.push(waiting);
    injections_.fetch_add(1, std::memory_order_seq_cst);
    leave_population();
    wake_for_injected(); // somebody may have gone idle meanwhile
}

/// A worker in one long slice is none: it does not get on with what waits.
bool scheduler::enough_help() noexcept
{
    unsigned awake = 0;
    for (const auto& w : workers_) {
        awake += w->state_.load(std::memory_order_relaxed) != worker::state::idle &&
                 !w->slow_.load(std::memory_order_relaxed);
    }
    return awake >= help_.get();
}

/// What counts as work: slices and operations; and the starts of goroutines, of which one slice can make very many.
void scheduler::look_at_help(clock::time_point now) noexcept
{
    help_.look(now, [this] {
        std::uint64_t work = ids_.load(std::memory_order_relaxed);
        for (const auto& w : workers_) work += w->work_.load(std::memory_order_relaxed);
        return work;
    });
}

bool scheduler::enter_worker(worker*& held) noexcept
{
    thread_state& me = this_thread_state();
    for (const auto from : {worker::state::idle, worker::state::scheduled}) {
        for (const auto& w : workers_) {
            if (!w->acquire(from)) continue;
            me.held = w.get();
            w->now = clock::now();
            if (monitor_asleep_.load(std::memory_order_seq_cst)) wake_monitor();
            if (attention_.load(std::memory_order_seq_cst)) pay_attention(w.get());
            held = w.get();
            return true;
        }
    }
    // More host threads than workers are inside handlers: run without one, waking through the
    // queue.
    without_worker_.fetch_add(1, std::memory_order_seq_cst);
    if (attention_.load(std::memory_order_seq_cst)) pay_attention(nullptr);
    if (!stopping_.load(std::memory_order_seq_cst)) return true;
    without_worker_.fetch_sub(
        1, std::memory_order_release); // too late: stop() may be unwinding already
    return false;
}

void scheduler::leave_worker(worker* w, bool drain)
{
    thread_state& me = this_thread_state();
    me.current = nullptr;
    if (w) {
        drain ? w->drain() : w->hand_back(me);
    } else {
        arm_changed_timers();
        without_worker_.fetch_sub(1, std::memory_order_release);
    }
}

/// A pause or a stop is wanted: rest while the world is stopped.
void scheduler::pay_attention(worker* w)
{
    if (!paused_.load(std::memory_order_acquire)) return;
    std::unique_lock lock(pause_mutex_);
    if (w) w->resting_.store(true, std::memory_order_release);
    else without_worker_.fetch_sub(1, std::memory_order_release);
    pause_changed_.notify_all();
    pause_changed_.wait(lock, [&] { return !paused_.load(std::memory_order_relaxed); });
    if (w) w->resting_.store(false, std::memory_order_relaxed);
    else without_worker_.fetch_add(1, std::memory_order_relaxed);
}

void scheduler::rest_if_asked()
{
    worker* mine = this_thread_state().held;
    if (mine && &mine->sched == this) pay_attention(mine);
}

bool scheduler::with_world_stopped(const std::function<void()>& f,
                                   std::optional<std::chrono::steady_clock::time_point> limit)
{
    constexpr auto patience = 100ms; // for a goroutine in a long slice
    worker* mine = this_thread_state().held;
    if (mine && &mine->sched != this) mine = nullptr;
    while (!world_mutex_.try_lock()) {
        if (stopping() || (limit && std::chrono::steady_clock::now() >= *limit)) return false;
        if (mine) pay_attention(mine);
        pause_thread(50us);
    }
    std::unique_lock one_at_a_time(world_mutex_, std::adopt_lock);
    if (stopping()) return false; // its goroutines are being unwound
    {
        std::unique_lock lock(pause_mutex_);
        paused_.store(true, std::memory_order_seq_cst);
        attention_.store(true, std::memory_order_seq_cst);
        const auto deadline = std::chrono::steady_clock::now() + patience;
        for (const auto& w : workers_) {
            if (w.get() == mine) continue;
            const auto at_rest = [&] {
                return w->state_.load(std::memory_order_seq_cst) != worker::state::running ||
                       w->resting_.load(std::memory_order_acquire);
            };
            while (!at_rest() && std::chrono::steady_clock::now() < deadline)
                pause_changed_.wait_for(lock, 200us);
        }
        while (without_worker_.load(std::memory_order_seq_cst) != 0 &&
               std::chrono::steady_clock::now() < deadline) {
            pause_changed_.wait_for(lock, 200us);
        }
    }
    const defer goes_on([this] { // also if `f` finds no memory
        {
            std::lock_guard lock(pause_mutex_);
            paused_.store(false, std::memory_order_release);
            attention_.store(stopping(), std::memory_order_seq_cst);
        }
        pause_changed_.notify_all();
    });
    f();
    return true;
}

scheduler_statistics scheduler::statistics()
{
    scheduler_statistics s;
    s.created = ids_.load(std::memory_order_relaxed) - 1;
    for (const auto& w : workers_) {
        const std::uint64_t next = w->next_id.load(std::memory_order_relaxed);
        const std::uint64_t last = w->last_id.load(std::memory_order_relaxed);
        // Taken, and not used yet; the two may be of different moments.
        if (next < last) s.created -= std::min({last - next, ids_at_once, s.created});
        s.workers.push_back({w->queue_.size(), w->slices_.load(std::memory_order_relaxed),
                             w->yields.load(std::memory_order_relaxed),
                             w->spent_budgets.load(std::memory_order_relaxed),
                             w->steals.load(std::memory_order_relaxed),
                             w->stolen.load(std::memory_order_relaxed)});
    }
    // Nothing on the way to a park counts it: each slice ends in a wait, a yield or the goroutine's end. The numbers are of
    // different moments, and a goroutine that co_spawn started may end outside of any slice.
    const std::uint64_t ended = s.created - std::min<std::uint64_t>(s.created, live());
    std::uint64_t slices = 0, others = ended;
    for (const auto& w : s.workers) {
        slices += w.slices;
        others += w.yields + w.spent_budgets;
    }
    std::uint64_t before = parks_shown_.load(std::memory_order_relaxed);
    s.parks = std::max(before, slices - std::min(slices, others));
    while (before < s.parks && !parks_shown_.compare_exchange_weak(before, s.parks)) {}
    s.parks = std::max(before, s.parks);
    s.injected = injected_.size();
    s.injections = injections_.load(std::memory_order_relaxed);
    s.timers = timers_->pending();
    s.blocking_threads = side_->threads();
    return s;
}

// ---------------------------------------------------------------- work of the host

void scheduler::work_started() noexcept
{
    external_work_.fetch_add(1, std::memory_order_relaxed);
    if (embedded_) hold_host(+1);
}
void scheduler::work_finished() noexcept
{
    if (embedded_) hold_host(-1);
    external_work_.fetch_sub(1, std::memory_order_release); // the last access: see has_orphans
}

/// Keeps the host's context running while there are goroutines or tracked work.
void scheduler::hold_host(int by)
{
    std::optional<asio::any_io_executor> dropped; // released after the lock
    std::lock_guard lock(host_mutex_);
    host_holds_ += by;
    if (host_holds_ > 0 && !host_guard_ && !stopping()) {
        host_guard_.emplace(asio::prefer(host, asio::execution::outstanding_work.tracked));
    } else if ((host_holds_ == 0 || stopping()) && host_guard_) {
        dropped.swap(host_guard_);
    }
}

// ---------------------------------------------------------------- the executor's needs

handover::handover(scheduler& s, bool never_block) noexcept
{
    const bool outside = is_outside(s);
    entered_ = outside ? &s : nullptr;
    if (outside) s.enter_from_outside(); // before it looks whether the runtime ends
    if (s.stopping()) {
        where_ = place::dropped;
    } else if (never_block) {
        where_ = place::posted;
    } else if (outside) {
        where_ = place::dispatched;
    } else {
        where_ = this_thread_state().nested < deepest_inline ? place::inline_here : place::posted;
    }
}

handover::~handover()
{
    if (entered_) entered_->leave_from_outside();
}

nested_run::nested_run() noexcept : outer_(this_thread_state().current)
{
    thread_state& me = this_thread_state();
    me.current = nullptr;
    ++me.nested;
}

nested_run::~nested_run()
{
    thread_state& me = this_thread_state();
    me.current = outer_;
    --me.nested;
}

const asio::any_io_executor& host_executor(const scheduler& s, bool never_block) noexcept
{
    return never_block ? s.host_never : s.host;
}

void work_started(scheduler& s) noexcept
{
    s.work_started();
}
void work_finished(scheduler& s) noexcept
{
    s.work_finished();
}

queued_work::queued_work(scheduler& s) : sched_(s.shared_from_this())
{
    s.work_started();
}

queued_work::~queued_work()
{
    if (sched_) sched_->work_finished();
}

worker_scope::worker_scope(scheduler& s)
    : sched_(s), outer_(this_thread_state()), exceptions_(std::uncaught_exceptions())
{
    thread_state& me = this_thread_state();
    if (me.held && &me.held->sched == &s) {
        me.current = nullptr;
        ++me.nested;
    } else {
        me = {};
        entered_ = true;
        admitted_ = s.enter_worker(worker_);
        if (admitted_ && !worker_) me.guest_of = &s;
    }
}

worker_scope::~worker_scope() noexcept(false)
{
    struct put_back {
        const thread_state& outer;
        ~put_back() { this_thread_state() = outer; }
    } guard{outer_};
    if (!entered_ || !admitted_) return;
    // Inside somebody else's goroutine or handler the run queue has to wait for another turn.
    const bool inside = outer_.held || outer_.current;
    sched_.leave_worker(worker_, !inside && std::uncaught_exceptions() == exceptions_);
}

} // namespace weft::inline v0_1::detail
