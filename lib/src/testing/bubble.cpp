// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/testing/bubble.hpp>

#include "machine.hpp"
#include "seeds.hpp"

#include <weft/error.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace weft::inline v0_1::testing {

std::optional<std::uint64_t> environment_seed()
{
    const char* given = std::getenv("WEFT_SEED");
    if (!given) return std::nullopt;
    std::string_view digits = given;
    const bool hex = digits.starts_with("0x");
    if (hex) digits.remove_prefix(2);
    std::uint64_t n = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), n, hex ? 16 : 10);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        throw misuse_error("WEFT_SEED=" + std::string(given) + " is not a 64-bit number");
    }
    return n;
}

void print_seed(std::uint64_t seed) noexcept
{
    std::fprintf(stderr, "WEFT_SEED=%llu replays this schedule\n",
                 static_cast<unsigned long long>(seed));
}

namespace detail {

void run_bubble(const program& main, const bubble_options& options,
                const std::source_location& site)
{
    weft::detail::testing_machine::refuse_inside();
    const auto given = options.seed ? options.seed : environment_seed();
    const std::uint64_t seed = given.value_or(0);
    const auto how = strategy_of<weft::detail::goroutine>(seed);
    weft::detail::testing_machine machine;
    try {
        machine.run(main, site, {*how, options.patience, options.most_slices});
    } catch (...) {
        print_seed(seed);
        throw;
    }
}

} // namespace detail

// ---------------------------------------------------------------- settle

settle_operation settle()
{
    if (!weft::detail::current_conductor()) {
        weft::detail::throw_misuse("testing::settle: outside a bubble");
    }
    return {};
}

bool settle_operation::driver::start(weft::detail::goroutine& g) noexcept
{
    weft::detail::conductor* c = g.sched->conducted_by();
    self_ = &g;
    refused_ = !c || !c->settle(g);
    return refused_;
}

void settle_operation::driver::abandon() noexcept
{
    static_cast<void>(withdraw(false));
}

bool settle_operation::driver::withdraw(bool woken) noexcept
{
    weft::detail::conductor* c = self_->sched->conducted_by();
    return !woken && c && c->unsettle(*self_);
}

void settle_operation::driver::finish()
{
    if (refused_) weft::detail::throw_misuse("testing::settle: another goroutine settles already");
}

} // namespace weft::inline v0_1::testing
