// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/threads.hpp>

namespace weft::inline v0_1::detail {

/// For loops that wait for another thread, which is in the middle of a few instructions, or of Asio's cancellation.
class patience {
public:
    void wait() noexcept
    {
        constexpr unsigned spins = 64;
        if (++rounds_ < spins) {
            spin();
        } else {
            yield_thread();
        }
    }

private:
    unsigned rounds_ = 0;
};

} // namespace weft::inline v0_1::detail
