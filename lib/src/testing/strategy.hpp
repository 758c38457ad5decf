// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/goroutine.hpp>
#include <weft/detail/random.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Who runs next: the three ways in which a bubble decides.

namespace weft::testing {

using weft::detail::fast_random;
using weft::detail::goroutine;

class strategy {
public:
    strategy() = default;
    strategy(const strategy&) = delete;
    strategy& operator=(const strategy&) = delete;
    virtual ~strategy() = default;

    /// An index into `runnable`, which is not empty. `latest` is the id of the goroutine that ran
    /// last.
    virtual std::size_t pick(std::span<goroutine* const> runnable, std::uint64_t latest) = 0;

    /// Of the goroutines' own generators; 0: their selects ask `choose`.
    [[nodiscard]] virtual std::uint64_t seed() const noexcept = 0;
    virtual std::uint32_t choose(std::uint32_t) noexcept { return 0; }
    virtual void chose(std::uint32_t) noexcept {}
};

/// It has asked to run after the others.
bool has_yielded(const goroutine& g) noexcept;

/// What a seed says. The number alone replays a schedule, so it also tells the strategy.
struct schedule_seed {
    bool by_priority = false;
    unsigned change_points = 1; ///< 1 to 4
    unsigned length_log2 = 0;   ///< of how many steps the change points are drawn from
    std::uint64_t random = 0;   ///< 55 bits

    static schedule_seed of(std::uint64_t n) noexcept;
    [[nodiscard]] std::uint64_t number() const noexcept;
};

/// Uniform at each step.
class random_strategy final : public strategy {
public:
    explicit random_strategy(std::uint64_t seed) noexcept : seed_(seed), random_(seed) {}
    std::size_t pick(std::span<goroutine* const> runnable, std::uint64_t latest) override;
    [[nodiscard]] std::uint64_t seed() const noexcept override { return seed_ | 1; }

private:
    std::uint64_t seed_;
    fast_random random_;
};

/// The goroutine of the highest priority runs; at each change point the running one falls behind all
/// others, and so does one that yields.
class priority_strategy final : public strategy {
public:
    explicit priority_strategy(std::uint64_t seed);
    std::size_t pick(std::span<goroutine* const> runnable, std::uint64_t latest) override;
    [[nodiscard]] std::uint64_t seed() const noexcept override { return seed_ | 1; }

private:
    std::uint64_t& priority_of(const goroutine& g);

    std::uint64_t seed_;
    fast_random random_;
    std::uint64_t step_ = 0;
    std::uint64_t lowest_ = std::uint64_t{1} << 32; ///< sinks; new ones draw from above
    std::vector<std::uint64_t> priorities_;          ///< by id; 0: not drawn yet
    std::vector<std::uint64_t> change_at_;
};

/// All schedules, depth first: each run repeats the choices of the one before but for the last one
/// that had an alternative left.
class systematic_strategy final : public strategy {
public:
    explicit systematic_strategy(unsigned bound) noexcept : bound_(bound) {}

    std::size_t pick(std::span<goroutine* const> runnable, std::uint64_t latest) override;
    [[nodiscard]] std::uint64_t seed() const noexcept override { return 0; }
    std::uint32_t choose(std::uint32_t n) noexcept override;
    void chose(std::uint32_t at) noexcept override;

    /// Prepares the next run. False: there is none.
    bool advance() noexcept;
    /// The program did something else than before, on the same choices.
    [[nodiscard]] bool diverged() const noexcept { return diverged_; }

private:
    struct point {
        std::uint32_t value, of;
    };

    const unsigned bound_;
    unsigned preemptions_ = 0;
    std::vector<point> trail_;
    std::size_t depth_ = 0;
    bool diverged_ = false;
};

} // namespace weft::testing
