// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace weft::inline v0_1::detail {

/// Key and value pairs, sorted by key, no key twice.
using label_list = std::vector<std::pair<std::string, std::string>>;

/// A goroutine's labels: immutable, counted, shared with the goroutines it starts. Counting is all a signal handler
/// does with one.
class label_set {
public:
    explicit label_set(label_list sorted) noexcept : all(std::move(sorted)) {}

    void retain() const noexcept { uses_.fetch_add(1, std::memory_order_relaxed); }
    void release() const noexcept
    {
        if (uses_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    const label_list all;

private:
    ~label_set() = default;

    mutable std::atomic<std::uint32_t> uses_{1};
};

/// A counted reference; null: no labels.
class label_ref {
public:
    label_ref() noexcept = default;
    /// Shares `s`.
    explicit label_ref(const label_set* s) noexcept : set_(s)
    {
        if (set_) set_->retain();
    }
    /// Takes over a reference that the caller holds.
    static label_ref taken(const label_set* s) noexcept
    {
        label_ref r;
        r.set_ = s;
        return r;
    }
    label_ref(const label_ref& o) noexcept : label_ref(o.set_) {}
    label_ref(label_ref&& o) noexcept : set_(std::exchange(o.set_, nullptr)) {}
    label_ref& operator=(label_ref o) noexcept
    {
        std::swap(set_, o.set_);
        return *this;
    }
    ~label_ref()
    {
        if (set_) set_->release();
    }

    explicit operator bool() const noexcept { return set_ != nullptr; }
    [[nodiscard]] const label_set* get() const noexcept { return set_; }
    /// Gives the reference up to the caller.
    [[nodiscard]] const label_set* release() noexcept { return std::exchange(set_, nullptr); }
    [[nodiscard]] const label_list& list() const noexcept
    {
        static const label_list none;
        return set_ ? set_->all : none;
    }

private:
    const label_set* set_ = nullptr;
};

} // namespace weft::inline v0_1::detail
