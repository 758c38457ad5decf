// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>

/// Values that are accounted for.

namespace stress {

/// A value that knows whether it was moved from and is counted while it carries something.
class counted {
public:
    counted() noexcept = default;
    explicit counted(std::int64_t v) noexcept : value_(v), live_(true) { alive().fetch_add(1); }
    counted(counted&& o) noexcept : value_(o.value_), live_(o.live_) { o.live_ = false; }
    counted& operator=(counted&& o) noexcept
    {
        if (this != &o) {
            drop();
            value_ = o.value_;
            live_ = o.live_;
            o.live_ = false;
        }
        return *this;
    }
    ~counted() { drop(); }

    [[nodiscard]] std::int64_t value() const noexcept { return value_; }
    static std::atomic<std::int64_t>& alive()
    {
        static std::atomic<std::int64_t> n{0};
        return n;
    }

private:
    void drop() noexcept
    {
        if (live_) alive().fetch_sub(1);
        live_ = false;
    }

    std::int64_t value_ = 0;
    bool live_ = false;
};

} // namespace stress
