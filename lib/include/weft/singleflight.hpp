// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/context.hpp>
#include <weft/detail/flight.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

/// `singleflight`: one call at a time for each key, whose result all get who ask for it meanwhile.

namespace weft::inline v0_1 {

/// Spares the second call for what a first one is about to bring.
///
///     singleflight<std::string, page> loads;
///     auto load = [url](const context& ctx) { return fetch(ctx, url); };
///     auto [page, shared] = co_await loads.call(ctx, url, load);
///
/// The function returns a `task` of a V, or is plain code; if it takes a context, it gets that of the call. It runs in a goroutine
/// of its own, bound to that context, which belongs to no caller: it has the values of the first one's, and ends when the
/// function returns, or when nobody waits any more. Then the key is forgotten, too, so that whoever comes next is not given
/// what was cancelled; and if the function throws anything but its cancellation after that, it is logged, as there is nobody
/// left to throw it to.
///
/// An exception of the function reaches everybody who waits, as the same object. Nothing is kept after the call.
///
/// V must be copyable: each caller gets a copy; use a `shared_ptr` for what is large. K must be copyable, Hash and Equal
/// must not throw.
///
/// @par Thread safety  safe, from goroutines; `forget` also from ordinary threads.
/// @par Ordering       the function's end happens-before the return of each call that gets its result.
/// @par Lifetime       it may go while calls are in flight.
/// @par Source         golang.org/x/sync/singleflight; contexts are weft's own.
template <class K, class V, class Hash = std::hash<K>, class Equal = std::equal_to<K>>
class singleflight {
    static_assert(std::is_object_v<V> && std::copy_constructible<V>,
                  "each caller of a singleflight gets a copy of the value");

public:
    struct result {
        V value;
        bool shared; ///< others have got it, too
    };
    /// What a channel brings: `value()`, which rethrows, `failure()`, `shared()`.
    using outcome = detail::flight_outcome<V>;

    singleflight() : table_(std::make_shared<table>()) {}
    singleflight(const singleflight&) = delete;
    singleflight& operator=(const singleflight&) = delete;

    /// Runs `f`, unless a call for `key` is in flight, and waits for the result. A function that calls for its own key
    /// waits for ever.
    ///
    /// @throws  what `f` throws, or the one that is in flight; errc::stopped: its runtime ended first.
    /// @par Cancellation  with a context, or in a goroutine that is bound to one, it gives up waiting when that ends: `error`
    ///                    with its code. The others go on waiting.
    template <class F>
        requires detail::flight_function<std::decay_t<F>>
    [[nodiscard]] task<result> call(K key, F&& f,
                                    std::source_location at = std::source_location::current())
    {
        return wait<std::decay_t<F>>(table_, background(), std::move(key), std::forward<F>(f), at);
    }
    template <class F>
        requires detail::flight_function<std::decay_t<F>>
    [[nodiscard]] task<result> call(context ctx, K key, F&& f,
                                    std::source_location at = std::source_location::current())
    {
        return wait<std::decay_t<F>>(table_, std::move(ctx), std::move(key), std::forward<F>(f),
                                     at);
    }

    /// As `call`, at once: the channel will bring one outcome, and is never closed. Nobody is blocked if it is not fetched. A
    /// call that a channel waits for is not cancelled.
    /// @throws misuse_error  not called on a weft runtime.
    template <class F>
        requires detail::flight_function<std::decay_t<F>>
    [[nodiscard]] receive_channel<outcome>
    call_channel(K key, F&& f, std::source_location at = std::source_location::current())
    {
        detail::scheduler& s = detail::current_scheduler("singleflight::call_channel");
        const auto answer = make_channel<outcome>(1);
        const auto [flight, leads] = table_->join(std::move(key), background(), answer);
        if (leads) detail::take_off(s, at, table_, flight, std::forward<F>(f));
        return answer;
    }

    /// Whoever calls for `key` next starts a call of its own. Those who wait now get what they wait for.
    void forget(const K& key) { table_->forget(key); }

private:
    using table = detail::flight_table<K, V, Hash, Equal>;

    template <class F>
    static task<result> wait(std::shared_ptr<table> all, context ctx, K key, F f,
                             std::source_location at)
    {
        ctx.throw_if_done();
        detail::scheduler& s = detail::current_scheduler("singleflight::call");
        const auto [flight, leads] = all->join(std::move(key), without_cancel(ctx), {});
        const detail::flight_seat<table> seat(*all, flight);
        if (leads) detail::take_off(s, at, all, flight, std::move(f));
        co_await flight->landed.wait(ctx);
        if (flight->failure) std::rethrow_exception(flight->failure);
        result r{*flight->value, flight->shared};
        co_return r;
    }

    const std::shared_ptr<table> table_;
};

} // namespace weft::inline v0_1
