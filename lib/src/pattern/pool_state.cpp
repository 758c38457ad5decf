// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/pool_state.hpp>

#include <weft/detail/scheduler.hpp>

namespace weft::inline v0_1::detail {

pool_state::pool_state(const context& parent, std::int64_t workers, std::int64_t queue_size,
                       const std::source_location& at)
    : crew(parent), policy_(current_scheduler("worker_pool").on_panic), site_(at), wanted_(workers)
{
    if (workers <= 0) throw_misuse("worker_pool: non-positive number of workers");
    if (queue_size < 0) throw_misuse("worker_pool: negative queue size");
    static_cast<void>(retirements_.try_acquire(any_number));
}

void pool_state::begin(const std::shared_ptr<pool_state>& self)
{
    try {
        for (std::int64_t i = self->wanted_; i > 0; --i) start_worker(self);
    } catch (...) {
        self->cancel(); // nobody else will end those that have started
        throw;
    }
}

void pool_state::resize(const std::shared_ptr<pool_state>& self, std::int64_t workers)
{
    if (workers <= 0) throw_misuse("worker_pool: non-positive number of workers");
    self->lock_.lock();
    std::int64_t more = workers - std::exchange(self->wanted_, workers);
    self->lock_.unlock();
    if (more < 0) return self->retirements_.release(-more);
    try {
        for (; more > 0; --more) {
            // One that was to retire and did not come to it yet stays instead.
            if (!self->retirements_.try_acquire()) start_worker(self);
        }
    } catch (...) {
        self->lock_.lock();
        self->wanted_ -= more;
        self->lock_.unlock();
        throw;
    }
}

std::int64_t pool_state::workers() noexcept
{
    lock_.lock();
    const std::int64_t n = wanted_;
    lock_.unlock();
    return n;
}

void pool_state::close() noexcept
{
    close_queue();
}

void pool_state::refuse() const
{
    ctx().throw_if_done();
    throw_misuse("worker_pool: submit after drain");
}

void pool_state::start_worker(const std::shared_ptr<pool_state>& self)
{
    weft::go(worker, ticket(self), self->site_);
}

/// Not bound itself: the one whom the end of the context sends home tells those whose jobs were not done. No job is
/// added after the queue was closed, so none is forgotten.
task<> pool_state::worker(ticket t)
{
    auto& self = static_cast<pool_state&>(*t.operator->());
    const auto serve = [&self] { return self.serve(); };
    co_await run(self, serve);
    if (self.ctx().err()) {
        self.close_queue();
        self.drop_queued();
    }
}

} // namespace weft::inline v0_1::detail
