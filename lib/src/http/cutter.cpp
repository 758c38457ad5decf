// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "cutter.hpp"

#include <sys/socket.h>

namespace weft::inline v0_1::http::detail {

void cutter::target::cut(unsigned for_turn) noexcept
{
    const std::lock_guard lock(mutex);
    if (descriptor < 0 || turn != for_turn) return;
    was_cut = true;
    ::shutdown(descriptor, SHUT_RDWR);
}

void cutter::stop() noexcept
{
    if (hook_) (*hook_)();
    hook_.reset();
}

bool cutter::follow(const context& ctx)
{
    stop();
    unsigned turn = 0;
    {
        const std::lock_guard lock(target_->mutex);
        if (target_->was_cut) return false;
        turn = ++target_->turn;
    }
    ctx_ = ctx;
    hook_ = after_func(ctx, [to = target_, turn] { to->cut(turn); });
    return true;
}

bool cutter::let_go() noexcept
{
    stop();
    const std::lock_guard lock(target_->mutex);
    target_->descriptor = -1;
    return !target_->was_cut;
}

} // namespace weft::inline v0_1::http::detail
