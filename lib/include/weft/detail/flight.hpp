// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/context.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/threads.hpp>
#include <weft/error.hpp>
#include <weft/event.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

/// The machine under `singleflight`: calls that several wait for.

namespace weft::inline v0_1::detail {

template <class V>
class flight_outcome;

/// One call: its context, those who wait for it, and what came of it. Shared by them all.
template <class V>
struct flight {
    explicit flight(const context& parent) : life(with_cancel(parent)) {}

    const cancellable<cancel_function> life;
    event landed;

    // Written by the call before `landed`, and read after it.
    std::optional<V> value;
    std::exception_ptr failure;
    bool shared = false;

    // Guarded by the table:
    const void* key = nullptr; ///< in the table; null: it is not there, and nobody else finds it
    std::size_t waiting = 0;   ///< callers that have not left, and channels
    bool found = false;        ///< somebody came to it who did not start it
    std::vector<channel<flight_outcome<V>>> channels;
};

/// What came of a call, as a channel brings it.
template <class V>
class flight_outcome {
public:
    explicit flight_outcome(std::shared_ptr<const flight<V>> f) noexcept : flight_(std::move(f)) {}

    /// The value; or rethrows what the function threw.
    [[nodiscard]] const V& value() const
    {
        if (flight_->failure) std::rethrow_exception(flight_->failure);
        return *flight_->value;
    }
    /// What the function threw; null: nothing.
    [[nodiscard]] std::exception_ptr failure() const noexcept { return flight_->failure; }
    /// Others have got it, too.
    [[nodiscard]] bool shared() const noexcept { return flight_->shared; }

private:
    std::shared_ptr<const flight<V>> flight_;
};

/// Of a call that was given up: there is nobody to throw it to.
WEFT_EXPORT void log_unheard_failure(const std::exception_ptr& e) noexcept;

/// The calls in flight, by key.
///
/// Invariant: a flight is in the table if, and only if, its `key` is set; then it has not landed, somebody waits for it,
/// and its context lives.
template <class K, class V, class Hash, class Equal>
class flight_table {
public:
    using flight_ptr = std::shared_ptr<flight<V>>;

    struct place {
        flight_ptr flight;
        bool leads; ///< it is new: the caller has to start it
    };

    /// Counts a caller in, or a channel if that is not nil.
    [[nodiscard]] place join(K&& key, const context& parent, channel<flight_outcome<V>> answer)
    {
        std::lock_guard one(mutex_);
        const auto [at, leads] = flights_.try_emplace(std::move(key));
        flight_ptr& f = at->second;
        try {
            if (leads) f = std::make_shared<flight<V>>(parent);
            if (answer) f->channels.push_back(std::move(answer));
        } catch (...) {
            if (leads) flights_.erase(at);
            throw;
        }
        if (leads) f->key = &at->first;
        else f->found = true;
        ++f->waiting;
        return {f, leads};
    }

    /// A caller goes; the last one ends the call, if that is still in flight.
    void leave(flight<V>& f) noexcept
    {
        node out;
        bool last;
        {
            std::lock_guard one(mutex_);
            last = --f.waiting == 0;
            if (last) out = take_out(f);
        }
        if (last) f.life.cancel();
    }

    /// The call is over; `f` has its value or its failure.
    void land(const flight_ptr& f) noexcept
    {
        node out;
        std::vector<channel<flight_outcome<V>>> channels;
        bool unheard;
        {
            std::lock_guard one(mutex_);
            out = take_out(*f);
            channels.swap(f->channels);
            unheard = f->waiting == 0;
            f->shared = f->found;
        }
        for (const auto& c : channels) static_cast<void>(c.try_send(flight_outcome<V>(f)));
        f->landed.set();
        f->life.cancel();
        if (unheard && f->failure) log_unheard_failure(f->failure);
    }

    void forget(const K& key)
    {
        node out;
        std::lock_guard one(mutex_);
        if (const auto at = flights_.find(key); at != flights_.end()) out = take_out(*at->second);
    }

private:
    using map = std::unordered_map<K, flight_ptr, Hash, Equal>;
    using node = typename map::node_type; ///< destroyed without the lock: the key is the user's

    node take_out(flight<V>& f)
    {
        const auto* key = static_cast<const K*>(std::exchange(f.key, nullptr));
        return key ? flights_.extract(flights_.find(*key)) : node();
    }

    os_mutex mutex_;
    map flights_; ///< guarded by mutex_
};

/// A caller's place among those who wait.
template <class Table>
class flight_seat {
public:
    flight_seat(Table& t, typename Table::flight_ptr f) noexcept : table_(t), flight_(std::move(f))
    {
    }
    flight_seat(const flight_seat&) = delete;
    flight_seat& operator=(const flight_seat&) = delete;
    ~flight_seat() { table_.leave(*flight_); }

private:
    Table& table_;
    const typename Table::flight_ptr flight_;
};

/// Lands the flight when its goroutine ends, however it does.
template <class Table>
class flight_pilot {
public:
    flight_pilot(std::shared_ptr<Table> t, typename Table::flight_ptr f) noexcept
        : table_(std::move(t)), flight_(std::move(f))
    {
    }
    flight_pilot(flight_pilot&& o) noexcept = default;
    flight_pilot& operator=(flight_pilot&&) = delete;
    ~flight_pilot()
    {
        if (!flight_) return;
        if (!flight_->value && !flight_->failure)
            flight_->failure = std::make_exception_ptr(error(errc::stopped));
        table_->land(flight_);
    }
    [[nodiscard]] auto* operator->() const noexcept { return flight_.get(); }

private:
    std::shared_ptr<Table> table_;
    typename Table::flight_ptr flight_;
};

template <class F>
concept asks_for_context = goroutine_function<F, const context&>;

template <class F>
concept flight_function = asks_for_context<F> || goroutine_function<F>;

template <class F>
decltype(auto) call_flight(F& f, const context& ctx)
{
    if constexpr (asks_for_context<F>) return std::invoke(f, ctx);
    else return std::invoke(f);
}

template <class Table, class F>
task<> fly(ticketed_call<flight_pilot<Table>, F> w)
{
    const context ctx = w.ticket->life.ctx;
    try {
        if constexpr (is_task<decltype(call_flight(w.f, ctx))>::value) {
            w.ticket->value.emplace(co_await call_flight(w.f, ctx));
        } else {
            w.ticket->value.emplace(call_flight(w.f, ctx));
        }
    } catch (...) {
        w.ticket->failure = std::current_exception();
    }
    co_return;
}

template <class Table, class F>
void take_off(scheduler& s, const std::source_location& at, const std::shared_ptr<Table>& table,
              const typename Table::flight_ptr& flight, F&& f)
{
    using work = ticketed_call<flight_pilot<Table>, std::decay_t<F>>;
    using body = decltype(&fly<Table, std::decay_t<F>>);
    start_goroutine(s, at, bound_function<body>(flight->life.ctx, &fly<Table, std::decay_t<F>>),
                    work{flight_pilot<Table>(table, flight), std::forward<F>(f), {}});
}

} // namespace weft::inline v0_1::detail
