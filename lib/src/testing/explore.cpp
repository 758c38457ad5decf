// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/testing/explore.hpp>

#include "machine.hpp"
#include "seeds.hpp"

#include <weft/error.hpp>

#include <algorithm>
#include <cstdio>
#include <random>
#include <stdexcept>

namespace weft::inline v0_1::testing::detail {

namespace {

using weft::detail::goroutine;
using weft::detail::testing_machine;

/// Machines are made anew only where they must be.
class workshop {
public:
    workshop(const program& main, const std::source_location& at, const explore_options& o)
        : main_(main), at_(at), options_(o)
    {
    }

    /// Runs one schedule; what it failed with.
    std::exception_ptr run(strategy<goroutine>& how)
    {
        if (!machine_ || !machine_->reusable()) machine_ = std::make_unique<testing_machine>();
        std::exception_ptr why;
        try {
            machine_->run(main_, at_, {how, options_.patience, options_.most_slices});
            if (options_.failed && options_.failed()) {
                throw std::runtime_error("a check of the program failed");
            }
        } catch (...) {
            why = std::current_exception();
        }
        ++done.schedules;
        done.slices += machine_->slices();
        longest = std::max(longest, machine_->slices());
        return why;
    }

    exploration done;
    std::uint64_t longest = 1;

private:
    const program& main_;
    const std::source_location& at_;
    const explore_options& options_;
    std::unique_ptr<testing_machine> machine_;
};

std::uint64_t fresh_seed()
{
    std::random_device d;
    return std::uint64_t{d()} << 32 | d();
}

} // namespace

exploration explore(const program& main, const explore_options& o, const std::source_location& at,
                    std::optional<failed_schedule>* found)
{
    testing_machine::refuse_inside();
    workshop shop(main, at, o);
    const auto only = environment_seed();
    const std::uint64_t first = o.seed ? *o.seed : fresh_seed();
    for (std::uint64_t n = 0; n < (only ? 1 : o.schedules); ++n) {
        const std::uint64_t seed = only ? *only : schedule_seed::nth(first, n, shop.longest);
        const auto how = strategy_of<goroutine>(seed);
        if (auto why = shop.run(*how)) {
            if (found) {
                *found = {seed, shop.done.schedules, std::move(why)};
                return shop.done;
            }
            std::fprintf(stderr, "schedule %llu of %llu failed\n",
                         static_cast<unsigned long long>(n + 1),
                         static_cast<unsigned long long>(o.schedules));
            print_seed(seed);
            std::rethrow_exception(why);
        }
    }
    return shop.done;
}

exploration exhaust(const program& main, unsigned bound, const explore_options& o,
                    const std::source_location& at, std::optional<failed_schedule>* found)
{
    testing_machine::refuse_inside();
    workshop shop(main, at, o);
    systematic_strategy<goroutine> how(bound);
    do {
        auto why = shop.run(how);
        const bool more = !why && how.advance();
        if (how.diverged()) {
            throw misuse_error(
                "testing::exhaustive: the program does not do the same on the same "
                "schedule; it depends on real time, chance or what earlier runs left");
        }
        if (why) {
            if (found) {
                *found = {0, shop.done.schedules, std::move(why)};
                return shop.done;
            }
            std::fprintf(stderr, "schedule %llu failed; the next run finds it again\n",
                         static_cast<unsigned long long>(shop.done.schedules));
            std::rethrow_exception(why);
        }
        shop.done.complete = !more;
    } while (!shop.done.complete && (o.schedules == 0 || shop.done.schedules < o.schedules));
    return shop.done;
}

} // namespace weft::inline v0_1::testing::detail
