// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/runtime.hpp>

#include <weft/context.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/detail/timer_shard.hpp>
#include <weft/error.hpp>
#include <weft/this_goroutine.hpp>

#include <atomic>
#include <utility>

namespace weft::inline v0_1 {

namespace {

void refuse_on_worker(const char* what)
{
    if (detail::scheduler_here()) detail::throw_misuse(what);
}

detail::goroutine& current_goroutine()
{
    detail::goroutine* g = detail::this_thread_state().current;
    if (!g) detail::throw_misuse("this_goroutine: not called in a goroutine");
    return *g;
}

} // namespace

struct runtime::root_context {
    cancellable<cancel_function> life = with_cancel(background());
};

runtime::runtime(runtime_options options)
    : root_(std::make_unique<root_context>()),
      sched_(detail::scheduler::make(std::move(options), std::nullopt))
{
}

runtime::runtime(asio::any_io_executor host, runtime_options options)
    : root_(std::make_unique<root_context>()),
      sched_(detail::scheduler::make(std::move(options), std::move(host)))
{
}

runtime::~runtime()
{
    sched_->stop();
    root_.reset();
}

context runtime::root() const
{
    return root_->life.ctx;
}

executor runtime::get_executor() const noexcept
{
    return executor(*sched_);
}

unsigned runtime::procs() const noexcept
{
    return sched_->procs();
}

void runtime::join()
{
    refuse_on_worker("runtime::join on a worker thread would wait for itself");
    sched_->wait_idle(std::nullopt);
}

shutdown_report runtime::shutdown(duration grace)
{
    refuse_on_worker("runtime::shutdown on a worker thread would wait for itself");
    root_->life.cancel();
    shutdown_report report;
    const auto until = detail::nanos_after(detail::nanos(clock::now()), grace);
    if (sched_->wait_idle(detail::moment(until))) return report;
    report.remaining = debug::goroutines_of(*sched_);
    return report;
}

namespace this_goroutine {

id get_id()
{
    return current_goroutine().id;
}

std::string_view name()
{
    const auto& extras = current_goroutine().extras;
    return extras ? std::string_view(extras->name) : std::string_view();
}

void set_name(std::string name)
{
    detail::goroutine& g = current_goroutine();
    detail::goroutine_extras& extras = detail::extras_of(g);
    if (detail::is_observed()) note_named(g, name.c_str());
    g.shard->lock.lock();
    extras.renaming = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    extras.name.swap(name); // the old one is freed after the lock
    std::atomic_signal_fence(std::memory_order_seq_cst);
    extras.renaming = false;
    g.shard->lock.unlock();
}

executor get_executor()
{
    return executor(*current_goroutine().sched);
}

} // namespace this_goroutine
} // namespace weft::inline v0_1
