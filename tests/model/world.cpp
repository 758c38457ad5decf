// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "world.hpp"

#include <weft/clock.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/world.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>

#include <sys/time.h>

#if defined(WEFT_ASAN)
#    include <sanitizer/common_interface_defs.h>
#endif

namespace weft_model {

namespace {

constexpr std::size_t most_fibres = 10;
constexpr std::uint64_t most_steps = 200'000;
constexpr weft::time_point first_moment{std::chrono::hours(24)};

struct handler {
    virtual ~handler() = default;
    virtual void run() = 0;
};
template <class F>
struct handler_of final : handler {
    explicit handler_of(F g) : f(std::move(g)) {}
    void run() override { std::move(f)(); }
    F f;
};

struct pending_timer {
    std::uint64_t number;
    weft::time_point when;
    std::function<void(const asio::error_code&)> handler;
};

struct world {
    std::vector<std::unique_ptr<fibre>> fibres;
    fibre* running = nullptr; ///< null: the root
    model_strategy* how = nullptr;
    const model* which = nullptr;
    std::uint64_t seed = 0;
    std::uint64_t schedule = 0; ///< of this model
    std::uint64_t begun = 0;    ///< of all
    std::uint64_t steps = 0;
    bool focus = false;
    bool relaxed_count = true;
    bool over = false; ///< main has returned: the host's threads end
    bool host_gone = false;
    std::deque<std::unique_ptr<handler>> posted;
    int hosts_at_work = 0;
    std::vector<pending_timer> timers;
    std::uint64_t last_timer = 0;
    std::uint64_t last_age = 0;
    weft::time_point now = first_moment;
    std::array<fibre*, most_fibres> runnable{};
};

world& the_world()
{
    static world w;
    return w;
}

void describe_failure(const char* what)
{
    world& w = the_world();
    std::fprintf(stderr, "model %s, schedule %llu, step %llu: %s\n", w.which ? w.which->name : "?",
                 static_cast<unsigned long long>(w.schedule),
                 static_cast<unsigned long long>(w.steps), what);
    if (w.seed) {
        std::fprintf(stderr, "WEFT_SEED=%llu replays this schedule\n",
                     static_cast<unsigned long long>(w.seed));
    }
}

/// A loop without a point in it, say around a broken list, is never left.
void watch_over_schedules(const struct sigaction& on_other_stack)
{
    struct sigaction a = on_other_stack;
    a.sa_handler = [](int) {
        static std::uint64_t before = 0;
        if (std::exchange(before, the_world().begun) != the_world().begun) return;
        describe_failure("it hangs");
        std::_Exit(4);
    };
    ::sigaction(SIGVTALRM, &a, nullptr);
    constexpr ::timeval seconds_of_work{5, 0};
    const ::itimerval often{seconds_of_work, seconds_of_work};
    ::setitimer(ITIMER_VIRTUAL, &often, nullptr);
}

/// Says which schedule it was that crashed, or hangs.
void tell_of_crashes()
{
    // A fibre's stack may be the reason.
    static std::array<char, 65536> room;
    const stack_t other{room.data(), 0, room.size()};
    ::sigaltstack(&other, nullptr);
    struct sigaction a{};
    a.sa_flags = SA_ONSTACK;
    watch_over_schedules(a);
#if defined(WEFT_ASAN)
    __sanitizer_set_death_callback([] { describe_failure("the sanitizer found something"); });
#else
    a.sa_handler = [](int) {
        describe_failure("it crashed");
        std::_Exit(3);
    };
    for (const int s : {SIGSEGV, SIGABRT, SIGBUS, SIGILL}) ::sigaction(s, &a, nullptr);
#endif
}

bool host_has_work(void* x)
{
    auto* o = static_cast<world*>(x);
    return o->over || !o->posted.empty();
}

/// Of the host's threads that wait for a handler any may take it, which is the same: one of them stands for all.
std::span<fibre* const> find_runnable()
{
    world& w = the_world();
    std::size_t n = 0;
    bool host = false;
    for (const auto& f : w.fibres) {
        if (!f->runnable() || (host && f->ready == host_has_work)) continue;
        host = host || f->ready == host_has_work;
        w.runnable[n++] = f.get();
    }
    return {w.runnable.data(), n};
}

/// Where all schedules are tried, they differ where the focus is. What comes before and after takes turns.
std::size_t longest_waiting(std::span<fibre* const> runnable)
{
    const auto it =
        std::min_element(runnable.begin(), runnable.end(), [](const fibre* a, const fibre* b) {
            return a->latest_step < b->latest_step;
        });
    return static_cast<std::size_t>(it - runnable.begin());
}

/// Lets the strategy pick among those that can run, and goes there.
void pick_next()
{
    world& w = the_world();
    if (++w.steps > most_steps) fail("it runs on and on");
    const auto runnable = find_runnable();
    fibre* next = nullptr; // the root, when all have ended
    if (!runnable.empty()) {
        next = runnable[w.focus || w.how->seed() != 0
                            ? w.how->pick(runnable, w.running ? w.running->id : ~std::uint64_t{0})
                            : longest_waiting(runnable)];
    } else if (std::any_of(w.fibres.begin(), w.fibres.end(),
                           [](const auto& f) { return static_cast<bool>(f->task); })) {
        fail("nobody can go on: a deadlock");
    }
    if (next) {
        next->yielded = false;
        next->latest_step = w.steps;
    }
    if (next == w.running) return;
    fibre* from = std::exchange(w.running, next);
    weft::detail::virtual_time = &w.now; // the root has none
    fibre::change(from, next);
}

fibre& idle_fibre()
{
    world& w = the_world();
    for (const auto& f : w.fibres) {
        if (!f->task) return *f;
    }
    if (w.fibres.size() == most_fibres) fail("a model has too many threads");
    w.fibres.push_back(std::make_unique<fibre>(w.fibres.size(), pick_next));
    return *w.fibres.back();
}

void serve_host()
{
    world& w = the_world();
    for (;;) {
        block(host_has_work, &w);
        if (w.posted.empty()) return;
        ++w.hosts_at_work;
        {
            const auto h = std::move(w.posted.front());
            w.posted.pop_front();
            h->run();
        }
        --w.hosts_at_work;
    }
}

template <class F>
void post(F f)
{
    the_world().posted.push_back(std::make_unique<handler_of<F>>(std::move(f)));
}

void serve_clock()
{
    world& w = the_world();
    for (;;) {
        block(
            [](void* x) {
                auto* o = static_cast<world*>(x);
                return o->over || !o->timers.empty();
            },
            &w);
        if (w.over) return;
        while (w.which->patient_clock && find_runnable().size() > 1) yield();
        if (w.timers.empty()) continue;
        const auto first =
            std::min_element(w.timers.begin(), w.timers.end(),
                             [](const auto& a, const auto& b) { return a.when < b.when; });
        w.now = std::max(w.now, first->when);
        post([h = std::move(first->handler)] { h({}); });
        w.timers.erase(first);
        yield(); // else a ticker keeps all others from running
    }
}

struct host_executor {
    static asio::execution_context& query(asio::execution::context_t)
    {
        static asio::execution_context c;
        return c;
    }
    static constexpr asio::execution::blocking_t query(asio::execution::blocking_t)
    {
        return asio::execution::blocking.never;
    }
    host_executor require(asio::execution::blocking_t::never_t) const { return *this; }
    template <class F>
    void execute(F f) const
    {
        point();
        if (the_world().host_gone) fail("it posts to a host that may be gone", {});
        post(std::move(f));
    }
    friend bool operator==(const host_executor&, const host_executor&) noexcept { return true; }
};

} // namespace

std::vector<model>& models()
{
    static std::vector<model> all;
    return all;
}

void fail(const std::string& what, std::source_location at)
{
    describe_failure(what.c_str());
    if (at.line() != 0) std::fprintf(stderr, "\tat %s:%u\n", at.file_name(), at.line());
    std::fflush(nullptr);
    std::_Exit(1);
}

void point(std::memory_order order) noexcept
{
    const world& w = the_world();
    if (w.running && w.focus && (order != std::memory_order_relaxed || w.relaxed_count))
        pick_next();
}

void begin_focus() noexcept
{
    the_world().focus = true;
}

void end_focus() noexcept
{
    the_world().focus = false;
}

void yield() noexcept
{
    world& w = the_world();
    if (!w.running) return;
    w.running->yielded = true;
    pick_next();
}

void block(bool (*ready)(void*), void* arg) noexcept
{
    world& w = the_world();
    if (!w.running) std::abort(); // the root must never wait
    fibre& self = *w.running;
    self.ready = ready;
    self.ready_arg = arg;
    if (!ready(arg)) pick_next();
    self.ready = nullptr;
}

std::uint64_t set_timer(std::chrono::steady_clock::time_point when,
                        std::function<void(const asio::error_code&)> h)
{
    world& w = the_world();
    point();
    w.timers.push_back({++w.last_timer, when, std::move(h)});
    return w.last_timer;
}

void cancel_timer(std::uint64_t number)
{
    world& w = the_world();
    point();
    const auto it = std::find_if(w.timers.begin(), w.timers.end(),
                                 [number](const auto& t) { return t.number == number; });
    if (it == w.timers.end()) return;
    post([h = std::move(it->handler)] { h(asio::error::operation_aborted); });
    w.timers.erase(it);
}

std::uint64_t schedule_number() noexcept
{
    return the_world().seed >> 9; // what is below says how the schedule is drawn
}

std::uint64_t next_age() noexcept
{
    world& w = the_world();
    return w.running ? ++w.last_age : 0;
}

asio::any_io_executor host()
{
    return host_executor();
}

void end_host() noexcept
{
    the_world().host_gone = true;
}

void settle_host()
{
    block(
        [](void* x) {
            auto* o = static_cast<world*>(x);
            return o->posted.empty() && o->hosts_at_work == 0;
        },
        &the_world());
}

outsider::outsider(std::function<void()> f) : fibre_(&idle_fibre())
{
    fibre_->task = std::move(f);
}

void outsider::join()
{
    if (fibre* f = std::exchange(fibre_, nullptr)) {
        block([](void* x) { return !static_cast<fibre*>(x)->task; }, f);
    }
}

std::uint64_t run(const model& m, model_strategy& how, std::uint64_t seed, bool relaxed_count)
{
    static std::once_flag told;
    std::call_once(told, tell_of_crashes);
    world& w = the_world();
    if (w.which != &m) w.schedule = 0; // counted for each model
    w.how = &how;
    w.relaxed_count = relaxed_count;
    w.which = &m;
    w.seed = seed;
    ++w.schedule;
    ++w.begun;
    w.steps = 0;
    w.over = w.focus = w.host_gone = false;
    w.now = first_moment;
    w.last_timer = w.last_age = 0;
    for (const auto& f : w.fibres) f->latest_step = 0;
    idle_fibre().task = [&w, &m] {
        m.main();
        w.over = true;
    };
    for (unsigned i = 0; i < m.host_threads; ++i) idle_fibre().task = serve_host;
    idle_fibre().task = serve_clock;
    weft::detail::virtual_time = &w.now;
    pick_next();
    weft::detail::virtual_time = nullptr;
    w.timers.clear();
    weft::detail::free_orphaned(); // else a schedule's steps tell of those before it
    return w.steps;
}

} // namespace weft_model
