// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "machine.hpp"

#include "allocations.hpp"

#include <weft/debug/goroutines.hpp>
#include <weft/debug/lock_cycles.hpp>
#include <weft/defer.hpp>
#include <weft/detail/binding.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/timekeeper.hpp>
#include <weft/error.hpp>
#include <weft/log.hpp>

#include <algorithm>
#include <sstream>
#include <utility>

namespace weft::inline v0_1::detail {

using testing::failure;
using testing::failure_kind;

namespace {

/// How often handlers of Asio get a turn while goroutines could run.
constexpr std::uint64_t handlers_every = 64;

} // namespace

void testing_machine::refuse_inside()
{
    if (virtual_time) throw_misuse("testing: a bubble inside another bubble");
    const thread_state& me = this_thread_state();
    if (me.held || me.current) {
        throw_misuse("testing: a bubble in a goroutine would block its thread until it is over");
    }
}

testing_machine::testing_machine()
{
    runtime_options options;
    options.on_panic = panic_policy(
        [sink = failures_.sink](const panic_info& p) { sink->put(p.exception, p.report); });
    sched_ = scheduler::make(std::move(options), io_.get_executor(), this);
    static_cast<void>(was_visited(sched_->bubble)); // an earlier one of that number
    set_time(now_);
}

testing_machine::~testing_machine()
{
    if (!broken_) end();
}

/// Goroutines that Asio still holds go with `io_`, or with another context, on whose thread one may be going now; from
/// here on they do not look for a conductor any more.
void testing_machine::end() noexcept
{
    sched_->stop();
    sched_->conductor_.store(nullptr, std::memory_order_seq_cst);
    while (sched_->entered_.load(std::memory_order_seq_cst) != 0) yield_thread();
}

/// Nothing of an earlier schedule may reach into the next. Whoever else holds the policy may yet fail by it.
bool testing_machine::reusable() noexcept
{
    return !broken_ && sched_->on_panic.use_count() == 1 && now_ == first_moment &&
           sched_->timers().empty() &&
           sched_->external_work_.load(std::memory_order_acquire) == 0 && sched_->live() == 0;
}

worker& testing_machine::only_worker() const noexcept
{
    return *sched_->workers_.front();
}

// ---------------------------------------------------------------- failures

void failure_sink::open() noexcept
{
    const std::lock_guard lock(mutex_);
    open_ = true;
    first_ = nullptr;
    any_.store(false, std::memory_order_relaxed);
}

std::exception_ptr failure_sink::close() noexcept
{
    const std::lock_guard lock(mutex_);
    open_ = false;
    any_.store(false, std::memory_order_relaxed);
    return std::exchange(first_, nullptr);
}

void failure_sink::put(const std::exception_ptr& e, std::string_view report) noexcept
{
    {
        const std::lock_guard lock(mutex_);
        if (open_) {
            if (!first_) first_ = e;
            any_.store(true, std::memory_order_relaxed);
            return;
        }
    }
    log(log_level::critical, report);
}

std::exception_ptr failure_sink::take() noexcept
{
    if (!any_.load(std::memory_order_relaxed)) return nullptr;
    const std::lock_guard lock(mutex_);
    any_.store(false, std::memory_order_relaxed);
    return std::exchange(first_, nullptr);
}

// ---------------------------------------------------------------- a run

void testing_machine::begin(const schedule& how)
{
    how_ = &how;
    main_over_ = false;
    failures_.sink->open();
    settler_ = nullptr;
    slices_ = latest_ = turns_ = 0;
    idle_moments_ = 0;
    look_at_all_.store(false, std::memory_order_relaxed);
    random_ = fast_random(how.how.seed() | 1);
    runnable_.clear();
    outside_.clear();
    waiting_since_ = {};
    sched_->seed_ = how.how.seed();
    sched_->ids_.store(1, std::memory_order_relaxed);
    only_worker().next_id = only_worker().last_id = 0;
}

void testing_machine::run(const testing::detail::program& main, const std::source_location& site,
                          const schedule& how)
{
    thread_state& me = this_thread_state();
    begin(how);
    const conducted_time time(now_);
    worker& w = only_worker();
    // Somebody from outside may have woken it in between; that handler will find nothing to do.
    static_cast<void>(w.acquire(worker::state::idle) || w.acquire(worker::state::scheduled));
    me.held = &w;
    w.now = now_;
    join_population(true);
    const auto body = [this](const testing::detail::program& f) -> task<> {
        const defer over([this] { main_over_ = true; });
        try {
            co_await f();
        } catch (...) {
            failures_.sink->put(std::current_exception(), {});
        }
    };
    try {
        start_goroutine(*sched_, site, body, std::ref(main));
        conduct();
        if (auto late = failures_.sink->close()) std::rethrow_exception(late);
    } catch (...) {
        abandon();
        throw;
    }
    me = {};
    w.state_.store(worker::state::idle, std::memory_order_seq_cst);
    leave_population();
}

void testing_machine::abandon() noexcept
{
    broken_ = true;
    worker& w = only_worker();
    for (goroutine* g : std::exchange(runnable_, {})) w.queue_.push(g);
    if (settler_) w.queue_.push(std::exchange(settler_, nullptr));
    this_thread_state() = {};
    w.state_.store(worker::state::idle, std::memory_order_seq_cst);
    leave_population();
    end();
}

void testing_machine::conduct()
{
    thread_state& me = this_thread_state();
    for (;;) {
        if (sched_->attention_.load(std::memory_order_relaxed)) {
            sched_->pay_attention(&only_worker()); // somebody wants a dump
        }
        collect();
        if (auto thrown = failures_.sink->take()) std::rethrow_exception(thrown);
        if (was_visited(sched_->bubble)) {
            fail(failure_kind::visit,
                 "a channel or timer of a bubble is used from outside of that bubble");
        }
        if (!runnable_.empty()) {
            waiting_since_ = {};
            if (slices_ % handlers_every == handlers_every - 1) static_cast<void>(run_handlers());
            step(me);
            continue;
        }
        if (run_handlers()) {
            count_turn();
            continue;
        }
        if (sched_->live() == 0) return;
        if (waits_outside()) {
            wait_outside(failure_kind::stuck,
                         "the bubble waits for something outside of it that does not come");
        } else if (settler_) {
            waiting_since_ = {};
            ready(*std::exchange(settler_, nullptr));
        } else if (const auto next = next_moment()) {
            waiting_since_ = {};
            count_turn();
            advance_time(*next);
        } else {
            verdict();
        }
    }
}

/// Nothing in the bubble can go on. What is on its way outside is waited for before that is said.
void testing_machine::verdict()
{
    const auto kind = main_over_ ? failure_kind::leak : failure_kind::deadlock;
    const char* text =
        main_over_ ? "the bubble's main goroutine has ended, but goroutines remain that wait"
                   : "all goroutines in the bubble are asleep - deadlock!";
    look_at_all_.store(true, std::memory_order_relaxed); // one may be on another thread's context
    if (waits_outside() || sched_->external_work_.load(std::memory_order_acquire) != 0) {
        wait_outside(kind, text);
    } else {
        fail(kind, text);
    }
}

/// Handlers that post themselves, or wait for one moment after the other, go on for ever.
void testing_machine::count_turn()
{
    if (++turns_ > how_->most_slices) {
        fail(main_over_ ? failure_kind::leak : failure_kind::deadlock,
             "no goroutine can run: only timers and handlers go on, more often than most_slices");
    }
}

void testing_machine::collect() noexcept
{
    for (run_queue* q : {&only_worker().queue_, &sched_->injected_}) {
        goroutine_chain chain = q->take(SIZE_MAX);
        while (goroutine* g = chain.pop_front()) runnable_.push_back(g);
    }
}

void testing_machine::step(thread_state& me)
{
    if (++slices_ > how_->most_slices) {
        fail(failure_kind::livelock, "the program runs on and on: more slices than most_slices");
    }
    if (how_->before_slice) {
        how_->before_slice(slices_);
        collect();
    }
    turns_ = 0;
    idle_moments_ = 0;
    const std::size_t at = how_->how.pick(runnable_, latest_);
    goroutine* g = std::exchange(runnable_[at], runnable_.back());
    runnable_.pop_back();
    latest_ = g->id;
    running_ = g;
    if (sched_->seed_ == 0) g->random = fast_random::asking();
    {
        const testing::detail::in_slice counts;
        only_worker().run_slice(*g, me, 1);
    }
    const std::lock_guard lock(outside_mutex_);
    if (running_ && reaches_out(*g)) outside_.insert(g);
    running_ = nullptr;
}

void testing_machine::retired(goroutine& g) noexcept
{
    const std::lock_guard lock(outside_mutex_);
    if (&g == running_) running_ = nullptr;
    outside_.erase(&g);
}

// ---------------------------------------------------------------- what lies outside

/// True: something ran.
bool testing_machine::run_handlers()
{
    if (io_.stopped()) io_.restart();
    if (io_.poll_one() == 0) return false;
    look_at_all_.store(true, std::memory_order_relaxed);
    return true;
}

/// Not durably blocked: something that is not of the bubble may wake it.
bool testing_machine::reaches_out(goroutine& g) const noexcept
{
    switch (g.reason.load(std::memory_order_acquire)) {
    case wait_reason::runnable:
    case wait_reason::contending: return false; // it is found in a queue
    case wait_reason::running: // on another thread, by a handler that Asio called there
    case wait_reason::asio_operation:
    case wait_reason::blocking_call:
    case wait_reason::pending: return true;
    default:
        return g.parked_on && g.parked_on.verb->reaches_out(g.parked_on.driver, sched_->bubble);
    }
}

bool testing_machine::waits_outside()
{
    if (look_at_all_.exchange(false, std::memory_order_relaxed)) look_at_all();
    const std::lock_guard lock(outside_mutex_);
    std::erase_if(outside_, [this](goroutine* g) { return !reaches_out(*g); });
    return !outside_.empty();
}

/// A goroutine that Asio let run did not pass through `step`, and may have been started by asio::co_spawn.
void testing_machine::look_at_all()
{
    // Held all the while: one that ends leaves its shard first, and `outside_` after it.
    const std::lock_guard lock(outside_mutex_);
    constexpr std::size_t slack = 64;
    std::vector<goroutine*> found; // under the shards' locks nothing may be allocated
    found.reserve(sched_->live() + slack);
    for (registry_shard* shard : sched_->shards()) {
        shard->lock.lock();
        for (goroutine* g = shard->live.front(); g; g = intrusive_list<goroutine>::next(g)) {
            if (!reaches_out(*g)) continue;
            if (found.size() == found.capacity()) {
                look_at_all_.store(true, std::memory_order_relaxed); // there are more since
                break;
            }
            found.push_back(g);
        }
        shard->lock.unlock();
    }
    outside_.insert(found.begin(), found.end());
}

void testing_machine::wait_outside(failure_kind kind, const char* text)
{
    constexpr auto look_every = std::chrono::milliseconds(1);
    const auto now = std::chrono::steady_clock::now();
    if (waiting_since_ == std::chrono::steady_clock::time_point()) waiting_since_ = now;
    // In its own unit: more milliseconds may be wanted than there are nanoseconds.
    if (std::chrono::floor<std::chrono::milliseconds>(now - waiting_since_) >= how_->patience) {
        fail(kind, text);
    }
    if (io_.stopped()) io_.restart();
    const auto work = io_.get_executor();
    const auto hold = asio::prefer(work, asio::execution::outstanding_work.tracked);
    if (io_.run_one_for(look_every) == 0) return;
    waiting_since_ = {};
    look_at_all_.store(true, std::memory_order_relaxed);
}

/// When time moves to, while nothing can run. Nothing: no timer will wake anybody.
std::optional<time_point> testing_machine::next_moment()
{
    if (main_over_) return std::nullopt;
    timekeeper& timers = sched_->timers();
    std::int64_t next = timers.earliest();
    // Ticks that nobody waits for are no reason to go on, and an hour of them is no reason to take long. To look at all
    // alarms is worth it after as many moments that woke nobody.
    if (constexpr std::size_t few = 16; idle_moments_ > few + timers.pending()) {
        next = timers.shard().pass_over_idle();
        if (next < last_moment) idle_moments_ = 0;
    }
    if (next >= last_moment) return std::nullopt;
    return moment(next);
}

void testing_machine::advance_time(time_point to)
{
    ++idle_moments_;
    set_time(std::max(now_, to));
    only_worker().now = now_;
    while (sched_->timers().ring(nanos(now_)) == rung::some) {}
}

void testing_machine::set_time(time_point t) noexcept
{
    now_ = t;
    sched_->bubble_time_.store(t.time_since_epoch().count(), std::memory_order_relaxed);
}

bool testing_machine::settle(goroutine& g) noexcept
{
    if (settler_) return false;
    settler_ = &g;
    return true;
}

bool testing_machine::unsettle(const goroutine& g) noexcept
{
    if (settler_ != &g) return false;
    settler_ = nullptr;
    return true;
}

void testing_machine::fail(failure_kind kind, const std::string& text)
{
    auto all = debug::goroutines_of(*sched_);
    const auto cycles = debug::lock_cycles(all);
    for (auto& g : all) {
        if (g.id == 1 && g.name.empty()) g.name = "main";
    }
    std::ostringstream out;
    out << text << "\n\n";
    debug::print(out, all);
    for (const auto& cycle : cycles) {
        out << '\n';
        debug::print_cycle(out, cycle);
    }
    throw failure(kind, out.str(), std::move(all));
}

} // namespace weft::inline v0_1::detail
