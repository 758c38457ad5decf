// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/nursery.hpp>

#include <weft/shield.hpp>

namespace weft::inline v0_1 {

task<> nursery::join(std::shared_ptr<detail::group_state> state)
{
    std::exception_ptr interruption; // of the calling goroutine, which is not bound to the nursery
    try {
        co_await state->all_left();
    } catch (...) {
        interruption = std::current_exception();
    }
    if (interruption) {
        state->cancel(interruption);
        co_await shield(state->all_left());
    }
    state->cancel(nullptr);
    const auto [first, asked_for] = state->first_reason();
    if (first && !(asked_for && interruption)) std::rethrow_exception(first);
    if (interruption) std::rethrow_exception(interruption);
}

} // namespace weft::inline v0_1
