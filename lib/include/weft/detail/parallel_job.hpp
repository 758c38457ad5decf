// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/crew.hpp>
#include <weft/detail/indexed_range.hpp>
#include <weft/detail/item_function.hpp>
#include <weft/detail/threads.hpp>
#include <weft/task.hpp>
#include <weft/this_goroutine.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

/// What parallel_map, parallel_for_each and parallel_reduce share.

namespace weft::inline v0_1::detail {

/// The items of a range, of which each worker takes the next piece when it is done with one. `Sink::put(piece, i, result)`
/// keeps the results; a piece belongs to one worker, so it needs no lock.
template <class R, class F, class Sink>
class parallel_job final : public crew {
    using item_type = indexed_item_t<R>;
    using result_type = item_result_t<F, item_type>;
    static constexpr bool is_async = is_task<item_call_t<F, item_type>>::value;

public:
    parallel_job(const context& ctx, R&& range, F f, Sink made)
        : crew(ctx), sink(std::move(made)), items_(std::forward<R>(range)), f_(std::move(f))
    {
    }

    /// So many items make a piece.
    void cut(std::size_t piece)
    {
        piece_ = piece;
        pieces_ = (items_.size() + piece - 1) / piece;
    }
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    [[nodiscard]] std::size_t pieces() const noexcept { return pieces_; }

    task<> work()
    {
        int until_yield = items_per_turn;
        for (;;) {
            const std::size_t piece = next_.fetch_add(1, std::memory_order_relaxed);
            if (piece >= pieces_) co_return;
            const std::size_t end = std::min((piece + 1) * piece_, items_.size());
            for (std::size_t i = piece * piece_; i < end; ++i) {
                // Items that never wait would neither notice the end of the context nor let others run.
                ctx().throw_if_done();
                if (--until_yield == 0) {
                    co_await this_goroutine::yield();
                    until_yield = items_per_turn;
                }
                auto&& item = items_[i];
                if constexpr (std::is_void_v<result_type>) {
                    if constexpr (is_async) co_await call(item);
                    else call(item);
                } else if constexpr (is_async) {
                    auto result = co_await call(item);
                    sink.put(piece, i, std::move(result));
                } else {
                    sink.put(piece, i, call(item));
                }
            }
        }
    }

    Sink sink;

private:
    static constexpr int items_per_turn = 128;

    template <class Item>
    decltype(auto) call(Item& item)
    {
        return call_item(f_, ctx(), static_cast<item_type&&>(item));
    }

    indexed_range<R> items_;
    F f_;
    std::size_t piece_ = 1;
    std::size_t pieces_ = 0;
    atomic<std::size_t> next_{0};
};

/// Runs the job with at most `limit` workers. None of them is left when it returns or throws.
template <class Job>
task<> run_parallel(std::shared_ptr<Job> job, std::size_t limit, std::source_location at)
{
    job->ctx().throw_if_done();
    const std::size_t workers = std::min(limit, job->pieces());
    try {
        for (std::size_t i = 0; i < workers; ++i) {
            crew::go(job, [job = job.get()] { return job->work(); }, at);
        }
    } catch (...) {
        job->fail(std::current_exception());
    }
    co_await crew::join(job);
}

struct no_sink {
    template <class T>
    void put(std::size_t, std::size_t, T&&) noexcept
    {
    }
};

/// A place for each item's result. Not a vector of results, whose neighbours may share bits, and which need not have a
/// default.
template <class T>
struct map_sink {
    template <class R>
    void put(std::size_t, std::size_t i, R&& result)
    {
        results[i].emplace(std::forward<R>(result));
    }

    std::vector<std::optional<T>> results;
};

/// A partial result for each piece.
template <class T, class Combine>
struct reduce_sink {
    template <class M>
    void put(std::size_t piece, std::size_t, M&& mapped)
    {
        std::optional<T>& part = parts[piece];
        if (part) {
            T sum = combine(std::move(*part), T(std::forward<M>(mapped)));
            part.emplace(std::move(sum));
        } else {
            part.emplace(std::forward<M>(mapped));
        }
    }

    Combine combine;
    std::vector<std::optional<T>> parts;
};

template <class T, class Job>
task<std::vector<T>> map_in_parallel(std::shared_ptr<Job> job, std::size_t limit,
                                     std::source_location at)
{
    job->cut(1);
    job->sink.results.resize(job->size());
    co_await run_parallel(job, limit, at);
    std::vector<T> results;
    results.reserve(job->size());
    for (auto& r : job->sink.results) results.push_back(std::move(*r));
    co_return results;
}

template <class T, class Job>
task<T> reduce_in_parallel(std::shared_ptr<Job> job, std::size_t limit, T init,
                           std::source_location at)
{
    // How it is cut depends on the number of items alone, and so does the grouping.
    constexpr std::size_t most_pieces = 1024;
    job->cut(std::max<std::size_t>(1, (job->size() + most_pieces - 1) / most_pieces));
    job->sink.parts.resize(job->pieces());
    co_await run_parallel(job, limit, at);
    std::optional<T> sum(std::move(init));
    for (auto& part : job->sink.parts) {
        T next = job->sink.combine(std::move(*sum), std::move(*part));
        sum.emplace(std::move(next));
    }
    co_return std::move(*sum);
}

} // namespace weft::inline v0_1::detail
