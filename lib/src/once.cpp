// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/once.hpp>

#include "ending_here.hpp"

#include <weft/detail/binding.hpp>
#include <weft/error.hpp>

#include <exception>
#include <system_error>

namespace weft::inline v0_1::detail {

bool ending_by_context() noexcept
{
    const goroutine* g = ending_here();
    if (!g) return false;
    const std::error_code code = g->bound->to() == binding::tied_to::context
                                     ? make_error_code(g->bound->reason())
                                     : std::error_code();
    return is_cancellation(std::current_exception(), code);
}

} // namespace weft::inline v0_1::detail
