// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <iterator>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

/// Any range as items with a number, which several goroutines fetch at once.

namespace weft::inline v0_1::detail {

template <class View>
inline constexpr bool owns_items = false;
template <class R>
inline constexpr bool owns_items<std::ranges::owning_view<R>> = true;

/// A range that can be read once only, in a vector.
template <std::ranges::input_range R>
auto lasting(R&& range)
{
    if constexpr (std::ranges::forward_range<R>) {
        return std::views::all(std::forward<R>(range));
    } else {
        std::vector<std::ranges::range_value_t<R>> items;
        for (auto&& item : range) items.emplace_back(std::forward<decltype(item)>(item));
        return std::views::all(std::move(items));
    }
}

/// Refers to a range that is an lvalue, else owns it. Items that it owns are handed out as rvalues.
template <std::ranges::input_range R>
class indexed_range {
    using view = decltype(lasting(std::declval<R>()));
    using iterator = std::ranges::iterator_t<view>;
    static constexpr bool random =
        std::ranges::random_access_range<view> && std::ranges::sized_range<view>;

public:
    explicit indexed_range(R&& range) : view_(lasting(std::forward<R>(range)))
    {
        if constexpr (random) {
            at_ = std::ranges::begin(view_);
            size_ = static_cast<std::size_t>(std::ranges::size(view_));
        } else {
            for (auto i = std::ranges::begin(view_); i != std::ranges::end(view_); ++i)
                at_.push_back(i);
            size_ = at_.size();
        }
    }
    indexed_range(const indexed_range&) = delete; // the iterators are of this `view_`
    indexed_range& operator=(const indexed_range&) = delete;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] decltype(auto) operator[](std::size_t i) const
    {
        if constexpr (owns_items<view>) {
            return std::ranges::iter_move(iterator_to(i));
        } else {
            return *iterator_to(i);
        }
    }

private:
    [[nodiscard]] iterator iterator_to(std::size_t i) const
    {
        if constexpr (random) {
            return at_ + static_cast<std::iter_difference_t<iterator>>(i);
        } else {
            return at_[i];
        }
    }

    view view_;
    std::conditional_t<random, iterator, std::vector<iterator>> at_{};
    std::size_t size_;
};

template <class R>
using indexed_item_t = decltype(std::declval<const indexed_range<R>&>()[0]);

} // namespace weft::inline v0_1::detail
