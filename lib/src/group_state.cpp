// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/group_state.hpp>

#include <weft/detail/binding.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/join_handle.hpp>

#include <algorithm>
#include <mutex>
#include <string>

namespace weft::inline v0_1::detail {

group_state::admission group_state::admit(bool may_wait)
{
    std::lock_guard one(mutex_);
    const std::size_t room = failures_.size() + static_cast<std::size_t>(count_) + 1;
    if (failures_.capacity() < room) failures_.reserve(std::max<std::size_t>(2 * room, 8));
    const bool free = !slots_ || slots_->try_acquire();
    if (!free && !may_wait) return admission::refused;
    ++count_;
    members_.add();
    return free ? admission::admitted : admission::waits;
}

void group_state::leave(bool with_slot) noexcept
{
    if (with_slot && slots_) slots_->release(); // it stays while this member counts
    {
        std::lock_guard one(mutex_);
        --count_;
    }
    members_.done(); // last: who waits may change the limit
}

bool group_state::asked_for(const std::exception_ptr& e) const noexcept
{
    if (ends_by_context()) return true;
    const std::error_code code = ctx().err();
    return code && (is_cancellation(e, code) || e == ctx().cause());
}

bool group_state::failed(std::exception_ptr e) noexcept
{
    const bool quiet = asked_for(e);
    bool first;
    {
        std::lock_guard one(mutex_);
        if (abandoned_) return quiet;
        first = failures_.empty();
        failures_.push_back({e, quiet});
        if (!policy_) policy_ = this_thread_state().current->sched->on_panic;
    }
    if (first) cancel(std::move(e));
    return true;
}

void group_state::set_limit(int n)
{
    std::unique_ptr<semaphore> slots;
    if (n >= 0) slots = std::make_unique<semaphore>(n);
    std::unique_lock one(mutex_);
    if (count_ == 0) return slots_.swap(slots);
    const std::string text = "errgroup: modify limit while " + std::to_string(count_) +
                             " goroutines in the group are still active";
    one.unlock();
    throw_misuse(text.c_str());
}

std::exception_ptr group_state::first_failure() noexcept
{
    std::lock_guard one(mutex_);
    seen_ = failures_.size();
    return failures_.empty() ? nullptr : failures_.front().what;
}

group_state::failure group_state::first_reason() noexcept
{
    std::lock_guard one(mutex_);
    seen_ = failures_.size();
    for (const failure& f : failures_) {
        if (!f.asked_for) return f;
    }
    return failures_.empty() ? failure{} : failures_.front();
}

std::vector<std::exception_ptr> group_state::failures()
{
    std::vector<std::exception_ptr> all;
    std::lock_guard one(mutex_);
    all.reserve(failures_.size());
    for (const failure& f : failures_) all.push_back(f.what);
    seen_ = failures_.size();
    return all;
}

void group_state::abandon() noexcept
{
    cancel(nullptr);
    std::size_t seen;
    {
        std::lock_guard one(mutex_);
        abandoned_ = true; // from now on there are no more failures, and none goes
        seen = seen_;
    }
    for (; seen < failures_.size(); ++seen) {
        const failure& f = failures_[seen];
        if (!f.asked_for) report_unseen_failure(*policy_, f.what);
    }
}

} // namespace weft::inline v0_1::detail
