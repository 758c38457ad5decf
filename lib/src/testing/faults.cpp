// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/testing/faults.hpp>

#include "allocations.hpp"
#include "machine.hpp"
#include "seeds.hpp"

#include <weft/defer.hpp>
#include <weft/detail/frame_memory.hpp>
#include <weft/error.hpp>
#include <weft/join_handle.hpp>

#include <algorithm>
#include <cstdio>
#include <new>
#include <utility>

namespace weft::inline v0_1::testing::detail {

namespace {

using weft::detail::schedule;
using weft::detail::testing_machine;

/// One place after the other, until no run gets to it. `run(place, schedule)` returns whether the fault
/// came.
template <class Run>
fault_report everywhere(const char* what, const fault_options& o, Run run)
{
    testing_machine::refuse_inside();
    const auto given = o.seed ? o.seed : environment_seed();
    fault_report done;
    std::uint64_t longest = 1;
    for (std::uint64_t place = 1; place <= o.places; ++place) {
        bool came = false;
        for (std::uint64_t n = 0; n < o.schedules; ++n) {
            const std::uint64_t seed = schedule_seed::nth(given.value_or(0), n, longest);
            const auto how = strategy_of<weft::detail::goroutine>(seed);
            testing_machine machine;
            try {
                came |= run(machine, schedule{*how, o.patience, o.most_slices}, place);
                if (o.check) o.check();
            } catch (...) {
                std::fprintf(stderr, "with %s %llu ", what, static_cast<unsigned long long>(place));
                print_seed(seed);
                throw;
            }
            longest = std::max(longest, machine.slices());
            ++done.runs;
        }
        if (!came) break;
        ++done.places;
    }
    return done;
}

} // namespace

fault_report cancel_everywhere(const program_with_context& main, const fault_options& o,
                               const std::source_location& at)
{
    return everywhere("the context cancelled before slice", o,
                      [&](testing_machine& machine, schedule how, std::uint64_t place) {
                          std::optional<cancel_function> cancel;
                          bool came = false;
                          how.before_slice = [&](std::uint64_t slice) {
                              // main itself is not bound: it makes the context, in its first slice
                              if (slice <= place || came || !cancel) return;
                              came = true;
                              (*cancel)();
                          };
                          const program bound = [&]() -> task<> {
                              auto life = with_cancel(background());
                              cancel.emplace(life.cancel);
                              const defer gone([&] { cancel.reset(); });
                              auto handle =
                                  spawn(life.ctx, [&](context ctx) { return main(ctx); }, life.ctx);
                              try {
                                  co_await handle.join();
                              } catch (const error& e) {
                                  if (e.code() != errc::canceled) throw;
                              }
                          };
                          machine.run(bound, at, how);
                          return came;
                      });
}

fault_report fail_allocations(const program& main, const fault_options& o,
                              const std::source_location& at)
{
    if (!counted) {
        throw misuse_error(
            "testing::fail_allocations: include weft/testing/operator_new.hpp in one "
            "source file of the program");
    }
    return everywhere("the failure of allocation", o,
                      [&](testing_machine& machine, schedule how, std::uint64_t place) {
                          weft::detail::forget_spare_frames();
                          const failing_allocation fails(place);
                          try {
                              machine.run(main, at, how);
                          } catch (const std::bad_alloc&) {
                              if (!fails.came()) throw;
                          }
                          return fails.came();
                      });
}

} // namespace weft::inline v0_1::testing::detail
