// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/errgroup.hpp>

namespace weft::inline v0_1 {

namespace {

/// Keeps the state: the group may go while somebody waits.
template <class Wait>
task<> settle(std::shared_ptr<detail::group_state> state, Wait all_left)
{
    co_await std::move(all_left);
    const std::exception_ptr first = state->first_failure();
    state->cancel(first);
    if (first) std::rethrow_exception(first);
}

} // namespace

task<> errgroup::wait()
{
    return settle(state_, state_->all_left());
}

task<> errgroup::wait(context ctx)
{
    return settle(state_, context_operation<wait_group_operation>(ctx, state_->all_left()));
}

} // namespace weft::inline v0_1
