// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/semaphore.hpp>

namespace weft::inline v0_1 {

/// Locked. In order, until there are not enough permits for the first.
void semaphore::serve(detail::wake_list& wakes) noexcept
{
    while (detail::waiter* w = line_.front_open()) {
        const std::int64_t n = *static_cast<const std::int64_t*>(w->slot);
        if (size_ - held_ < n) return;
        if (!line_.claim_from(*w)) continue;
        held_ += n;
        w->ok = true;
        wakes.push(w);
    }
}

} // namespace weft::inline v0_1
