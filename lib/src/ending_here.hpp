// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/binding.hpp>
#include <weft/detail/scheduler.hpp>

namespace weft::inline v0_1::detail {

/// The goroutine that runs here, if what it is bound to makes it end; else, as while a shield holds, null.
[[nodiscard]] inline const goroutine* ending_here() noexcept
{
    const goroutine* g = this_thread_state().current;
    return g && g->bound && g->bound->must_end() ? g : nullptr;
}

} // namespace weft::inline v0_1::detail
