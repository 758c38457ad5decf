// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/crew.hpp>

#include <weft/shield.hpp>

namespace weft::inline v0_1::detail {

void crew::fail(std::exception_ptr e) noexcept
{
    const std::exception_ptr cause = e;
    if (keep(e)) scope_.cancel(cause);
}

void crew::cancel() noexcept
{
    cancelled_.store(true, std::memory_order_release);
    scope_.cancel();
}

void crew::ended_by(std::exception_ptr e) noexcept
{
    const bool as_asked = ends_by_context() && cancelled_.load(std::memory_order_acquire);
    if (!as_asked) fail(std::move(e));
}

bool crew::keep(std::exception_ptr& e) noexcept
{
    lock_.lock();
    const bool first = !failure_;
    if (first) failure_.swap(e); // what goes, goes without the lock
    lock_.unlock();
    return first;
}

std::exception_ptr crew::failure() noexcept
{
    lock_.lock();
    std::exception_ptr e = failure_;
    lock_.unlock();
    return e;
}

task<> crew::wait(std::shared_ptr<crew> c)
{
    const shield_scope undisturbed;
    co_await c->members_->wait();
}

task<> crew::join(std::shared_ptr<crew> c, context limit)
{
    std::exception_ptr interrupted;
    try {
        co_await c->members_->wait(limit);
    } catch (...) {
        interrupted = std::current_exception();
    }
    if (interrupted) {
        c->fail(std::move(interrupted));
        co_await wait(c);
    }
    if (auto first = c->failure()) std::rethrow_exception(std::move(first));
}

} // namespace weft::inline v0_1::detail
