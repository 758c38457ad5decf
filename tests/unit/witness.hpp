// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <atomic>
#include <utility>

namespace weft_test {

/// Counts how often it is destroyed; what was moved away does not count.
class witness {
public:
    explicit witness(std::atomic<int>& destroyed) noexcept : destroyed_(&destroyed) {}
    witness(witness&& o) noexcept : destroyed_(std::exchange(o.destroyed_, nullptr)) {}
    witness(const witness& o) noexcept = default;
    witness& operator=(witness o) noexcept
    {
        std::swap(destroyed_, o.destroyed_);
        return *this;
    }
    ~witness()
    {
        if (destroyed_) ++*destroyed_;
    }

private:
    std::atomic<int>* destroyed_;
};

} // namespace weft_test
