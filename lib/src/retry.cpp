// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/retry.hpp>

#include "ending_here.hpp"

#include <weft/error.hpp>
#include <weft/this_goroutine.hpp>

#include <atomic>

namespace weft::inline v0_1 {

namespace {

std::string text_of(const std::exception_ptr& failure)
{
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "permanent failure";
    }
}

constinit std::atomic<std::uint64_t> retries{0}, given_up{0};

/// Counts a failed attempt, by whether there is to be another one.
struct outcome {
    outcome() noexcept = default;
    outcome(const outcome&) = delete;
    outcome& operator=(const outcome&) = delete;
    ~outcome() { (again ? retries : given_up).fetch_add(1, std::memory_order_relaxed); }
    bool again = false;
};

} // namespace

permanent_failure::permanent_failure(std::exception_ptr cause)
    : cause_(std::move(cause)), // NOLINT(bugprone-throw-keyword-missing): it is kept
      text_(std::make_shared<const std::string>(text_of(cause_)))
{
}

permanent_failure permanent(std::exception_ptr failure)
{
    if (!failure) detail::throw_misuse("permanent: no exception");
    return permanent_failure(std::move(failure));
}

namespace detail {

retry_statistics retries_so_far() noexcept
{
    return {retries.load(std::memory_order_relaxed), given_up.load(std::memory_order_relaxed)};
}

duration retry_state::failed()
{
    last_ = std::current_exception();
    outcome counted;
    std::error_code ended = ctx_.err();
    if (!ended && ending_here()) ended = this_goroutine::get_context().err();
    try {
        throw;
    } catch (const permanent_failure& p) {
        std::rethrow_exception(p.cause());
    } catch (const misuse_error&) {
        throw;
    } catch (const error& e) {
        if (ended && e.code() == ended) throw; // it is what the context says
    } catch (...) {
        // A failure like another.
    }
    const auto pause = pauses_.next();
    if (ended) interrupted(error(ended));
    if (!pause) std::rethrow_exception(last_);
    counted.again = true;
    return *pause;
}

void retry_state::interrupted(const error& e) const
{
    try {
        std::rethrow_exception(last_);
    } catch (...) {
        std::throw_with_nested(e);
    }
}

} // namespace detail
} // namespace weft::inline v0_1
