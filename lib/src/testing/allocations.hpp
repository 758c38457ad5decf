// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

/// The allocation that fails.

namespace weft::inline v0_1::testing::detail {

/// operator_new.hpp is part of the program.
extern bool counted;

/// While it lives, the `nth` allocation of the calling thread in a goroutine fails.
class failing_allocation {
public:
    explicit failing_allocation(std::uint64_t nth) noexcept;
    failing_allocation(const failing_allocation&) = delete;
    failing_allocation& operator=(const failing_allocation&) = delete;
    ~failing_allocation();

    [[nodiscard]] bool came() const noexcept;
};

/// While it lives, allocations are those of a goroutine.
class in_slice {
public:
    in_slice() noexcept;
    in_slice(const in_slice&) = delete;
    in_slice& operator=(const in_slice&) = delete;
    ~in_slice();
};

} // namespace weft::inline v0_1::testing::detail
