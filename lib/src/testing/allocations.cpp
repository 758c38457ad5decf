// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "allocations.hpp"

namespace weft::inline v0_1::testing::detail {

constinit bool counted = false;

bool allocations_are_counted() noexcept;
bool allocation_fails() noexcept;

namespace {

constinit thread_local std::uint64_t left = 0; ///< how many until one fails; 0: none does
constinit thread_local bool inside = false;

} // namespace

bool allocations_are_counted() noexcept
{
    return counted = true;
}

bool allocation_fails() noexcept
{
    return inside && left != 0 && --left == 0;
}

failing_allocation::failing_allocation(std::uint64_t nth) noexcept
{
    left = nth;
}

failing_allocation::~failing_allocation()
{
    left = 0;
}

bool failing_allocation::came() const noexcept
{
    return left == 0;
}

in_slice::in_slice() noexcept
{
    inside = true;
}

in_slice::~in_slice()
{
    inside = false;
}

} // namespace weft::inline v0_1::testing::detail
