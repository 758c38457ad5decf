// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/intrusive_list.hpp>
#include <weft/detail/waiter.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

/// The order of everything that waits for a moment.

namespace weft::inline v0_1::detail {

/// The wheel's part of a waiter that waits for a moment; `waiter::slot` points to it. It lives beside the
/// waiter, in the waiting frame or in an `alarm`.
struct timer_entry {
    std::int64_t when = 0;   ///< nanoseconds since the clock's epoch
    std::uint16_t place = 0; ///< which list of the wheel it stands in
    /// Null: the waiter's own claim decides, as in every wait queue. Else it is asked, under the lock, whether
    /// the entry may ring; it counts what the ringing thread will touch.
    bool (*hold)(timer_entry&) noexcept = nullptr;
};

/// A hierarchical timing wheel with a resolution of one nanosecond: pushing and removing are O(1) whatever
/// else waits, an entry moves down at most once a level, and nothing is ever allocated.
///
/// Level l has 64 lists, one for each value of the l-th digit (base 64) of a moment. An entry stands at the
/// level of the highest digit in which its moment differs from `elapsed_`, in the list of that digit. So,
/// whenever the lock is free:
///  - an entry of level l shares all higher digits with `elapsed_`; its own digit is greater (or, at level 0,
///    equal: it is due);
///  - everything of one level comes before everything of the next.
/// A list that time has entered is `falling_`: its entries move down, or ring, before anything else happens.
/// No entry is placed there meanwhile, since `elapsed_` has that very digit. The caller synchronises.
class timer_wheel {
public:
    static constexpr std::int64_t never = INT64_MAX;

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    /// The moment up to which entries have been taken out.
    [[nodiscard]] std::int64_t elapsed() const noexcept { return elapsed_; }

    /// `w.slot` points to its entry. `now` is any moment not after the present; it keeps an idle wheel fresh.
    void push(waiter& w, std::int64_t now) noexcept
    {
        if (count_ == 0) {
            falling_ = none; // its last entries may have been removed
            elapsed_ = std::max(elapsed_, now);
        }
        ++count_;
        w.queued = true;
        place(w);
    }

    /// Takes `w` out if it stands here.
    bool remove(waiter& w) noexcept
    {
        if (!w.queued) return false;
        w.queued = false;
        --count_;
        const std::uint16_t at = entry(w).place;
        lists_[at].remove(&w);
        if (lists_[at].empty()) forget(at);
        return true;
    }

    /// Moves what is due at `now` to `due`, in the order of time: at most `most` entries are looked at, so
    /// that a lock is never held for long. True: there may be more. Each part is in order, and nearly so are
    /// the parts: those of one list are not sorted before they are taken.
    bool advance(std::int64_t now, wake_list& due, std::size_t most) noexcept
    {
        now = std::max(now, elapsed_);
        std::size_t budget = most;
        const auto take = [&](intrusive_list<waiter>& from) noexcept {
            while (!from.empty() && budget != 0) {
                waiter* w = from.pop_front();
                --budget;
                --count_;
                ring(*w, due);
            }
            return from.empty();
        };
        if (!drop_falling(now, due, budget)) return true;
        const std::size_t top = level_of(now);
        // All levels below the one in which `now` differs lie wholly in the past, and so do lower digits there.
        for (std::size_t level = 0; level <= top; ++level) {
            std::uint64_t passed = occupied_[level];
            if (level == top) passed &= low_mask(digit(now, level), level == 0);
            while (passed) {
                const auto bit = static_cast<unsigned>(std::countr_zero(passed));
                passed &= passed - 1;
                const std::size_t at = level * width + bit;
                if (!take(lists_[at])) return true;
                forget(at);
            }
        }
        elapsed_ = now;
        if (top != 0 && (occupied_[top] >> digit(now, top) & 1)) {
            falling_ = top * width + digit(now, top);
            forget(falling_);
            if (!drop_falling(now, due, budget)) return true;
        }
        return false;
    }

    /// No entry is due before this moment; it is exact unless the earliest entry was removed. `never`: empty.
    [[nodiscard]] std::int64_t next() const noexcept
    {
        if (falling_ != none && !lists_[falling_].empty()) return elapsed_;
        if (levels_ == 0) return never;
        const auto level = static_cast<std::size_t>(std::countr_zero(levels_));
        return earliest_[level * width +
                         static_cast<std::size_t>(std::countr_zero(occupied_[level]))];
    }

    /// Takes out any one entry; null: empty.
    waiter* pop_any() noexcept
    {
        waiter* w = falling_ != none ? lists_[falling_].front() : nullptr;
        if (!w && levels_ != 0) {
            const auto level = static_cast<std::size_t>(std::countr_zero(levels_));
            w = lists_[level * width + static_cast<std::size_t>(std::countr_zero(occupied_[level]))]
                    .front();
        }
        if (w) remove(*w);
        return w;
    }

    template <class F>
    void for_each(F f) const
    {
        for (const intrusive_list<waiter>& list : lists_) {
            for (waiter* w = list.front(); w; w = intrusive_list<waiter>::next(w)) f(*w);
        }
    }

    static timer_entry& entry(const waiter& w) noexcept
    {
        return *static_cast<timer_entry*>(w.slot);
    }

private:
    static constexpr std::size_t bits = 6, width = 64, levels = 11; // 66 bits: all of them
    static constexpr std::size_t none = SIZE_MAX;

    static std::size_t digit(std::int64_t t, std::size_t level) noexcept
    {
        return static_cast<std::uint64_t>(t) >> (bits * level) & (width - 1);
    }

    /// The digits below `d`, at level 0 with `d` itself.
    static std::uint64_t low_mask(std::size_t d, bool inclusive) noexcept
    {
        const std::uint64_t below = (std::uint64_t{1} << d) - 1;
        return inclusive ? below | std::uint64_t{1} << d : below;
    }

    [[nodiscard]] std::size_t level_of(std::int64_t t) const noexcept
    {
        const std::uint64_t differs = static_cast<std::uint64_t>(t ^ elapsed_) | 1;
        return static_cast<std::size_t>(std::bit_width(differs) - 1) / bits;
    }

    void place(waiter& w) noexcept
    {
        timer_entry& e = entry(w);
        const std::int64_t t = std::max(e.when, elapsed_); // what is overdue is due now
        const std::size_t level = level_of(t);
        const std::size_t d = digit(t, level);
        const std::size_t at = level * width + d;
        e.place = static_cast<std::uint16_t>(at);
        if (occupied_[level] >> d & 1) {
            earliest_[at] = std::min(earliest_[at], e.when);
        } else {
            occupied_[level] |= std::uint64_t{1} << d;
            levels_ |= 1u << level;
            earliest_[at] = e.when;
        }
        lists_[at].push_back(&w);
    }

    /// The list has become empty.
    void forget(std::size_t at) noexcept
    {
        const std::size_t level = at / width;
        occupied_[level] &= ~(std::uint64_t{1} << at % width);
        if (occupied_[level] == 0) levels_ &= ~(1u << level);
    }

    bool drop_falling(std::int64_t now, wake_list& due, std::size_t& budget) noexcept
    {
        if (falling_ == none) return true;
        intrusive_list<waiter>& from = lists_[falling_];
        while (!from.empty()) {
            if (budget == 0) return false;
            --budget;
            waiter* w = from.pop_front();
            if (entry(*w).when <= now) {
                --count_;
                ring(*w, due);
            } else {
                place(*w);
            }
        }
        falling_ = none;
        return true;
    }

    static void ring(waiter& w, wake_list& due) noexcept
    {
        w.queued = false;
        timer_entry& e = entry(w);
        if (e.hold ? !e.hold(e) : (w.contest && !w.contest->win(&w))) return;
        w.ok = true;
        due.push_sorted(
            &w, [](const waiter* a, const waiter* b) { return entry(*a).when < entry(*b).when; });
    }

    std::int64_t elapsed_ = 0;
    std::size_t count_ = 0;
    std::uint32_t levels_ = 0; ///< which levels have an entry
    std::array<std::uint64_t, levels> occupied_{};
    std::array<intrusive_list<waiter>, levels * width> lists_{};
    std::array<std::int64_t, levels * width> earliest_; ///< of each occupied list
    std::size_t falling_ = none;                        ///< which list
};

} // namespace weft::inline v0_1::detail
