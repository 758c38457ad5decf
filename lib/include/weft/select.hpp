// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/detached.hpp>
#include <weft/detail/select_core.hpp>
#include <weft/task.hpp>

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// Waiting for the first of several operations: exactly one happens, the others have no effect.

namespace weft::inline v0_1 {

namespace detail {

/// `void` results take part in a variant, too.
template <class R>
using variant_result_t = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

/// What is left of a case that did not happen: a send's value, else nothing.
template <class Op>
struct unsent_of {
    using type = std::monostate;
    static void take(Op&, type&) noexcept {}
};
template <class Op>
    requires requires(Op& op) { op.unsent(); }
struct unsent_of<Op> {
    using type = std::optional<typename Op::value_type>;
    static void take(Op& op, type& into) noexcept { into.emplace(std::move(op.unsent())); }
};

} // namespace detail

/// The outcome of a select over `Ops...`.
template <detail::operation... Ops>
class select_result {
public:
    /// `index()` when nothing was ready (`try_select`).
    static constexpr std::size_t npos = detail::no_case;

    select_result() = default; ///< no case was chosen

    /// Which case happened, in the order written.
    [[nodiscard]] std::size_t index() const noexcept { return index_; }

    /// The result of case `I`; std::bad_variant_access if another one happened.
    template <std::size_t I>
    auto& get()
    {
        return std::get<I + 1>(value_);
    }

    /// The value a send case still holds because it did not happen. Not for the case that happened.
    template <std::size_t I>
    [[nodiscard]] auto& unsent()
    {
        return *std::get<I>(unsent_);
    }

private:
    template <detail::select_order, detail::operation...>
    friend class basic_select;
    template <detail::operation...>
    friend class try_select;

    /// Fetches the outcome from the operations; `index_` tells which one happened.
    template <class Operations, class Cases>
    void collect(Operations& ops, Cases& cases)
    {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (collect_one<I>(std::get<I>(ops), cases[I].w), ...);
        }(std::index_sequence_for<Ops...>());
    }

    template <std::size_t I, class Op>
    void collect_one(Op& op, detail::waiter& w)
    {
        if (I != index_) {
            detail::unsent_of<Op>::take(op, std::get<I>(unsent_));
        } else if constexpr (std::is_void_v<typename Op::result_type>) {
            op.finish(w);
            value_.template emplace<I + 1>();
        } else {
            value_.template emplace<I + 1>(op.finish(w));
        }
    }

    std::size_t index_ = npos;
    std::variant<std::monostate, detail::variant_result_t<typename Ops::result_type>...> value_;
    std::tuple<typename detail::unsent_of<Ops>::type...> unsent_;
};

/// What `select` and `select_biased` share.
template <detail::select_order Order, detail::operation... Ops>
class [[nodiscard]] basic_select {
    static constexpr std::size_t count = sizeof...(Ops);
    static constexpr std::size_t room = count ? count : 1;

public:
    using result_type = select_result<Ops...>;

    explicit basic_select(Ops... ops) : ops_(std::move(ops)...) {}
    explicit basic_select(std::tuple<Ops...> ops) : ops_(std::move(ops)) {}

    /// The cases, to be built into a larger select.
    [[nodiscard]] std::tuple<Ops...> take_cases() && { return std::move(ops_); }

    auto retain() const
    {
        return std::apply([](const Ops&... op) { return std::make_tuple(op.retain()...); }, ops_);
    }

    class driver {
    public:
        explicit driver(basic_select& s) noexcept
            : ops_(s.ops_), core_(cases_.data(), by_address_.data(), poll_.data(), count)
        {
            bind(std::index_sequence_for<Ops...>());
        }

        bool start(detail::goroutine& g) noexcept { return begin(g.random); }
        void publish(detail::goroutine& g) noexcept { publish_to(detail::wake_target(g)); }

        bool begin() noexcept { return begin(detail::thread_random()); }
        void publish_to(detail::wake_target whom) noexcept { core_.publish(whom); }
        void abandon() noexcept { core_.unlock(); }

        result_type finish()
        {
            if (core_.chosen() == detail::no_case) core_.settle();
            result_type r;
            r.index_ = core_.chosen();
            r.collect(ops_, cases_);
            return r;
        }

        [[nodiscard]] detail::wait_reason reason() const noexcept
        {
            return core_.can_wake() ? detail::wait_reason::select
                                    : detail::wait_reason::select_no_cases;
        }
        bool withdraw(bool = false) noexcept { return core_.withdraw(); }
        [[nodiscard]] bool reaches_out(detail::bubble_id b) const noexcept
        {
            return core_.reaches_out(b);
        }

    private:
        bool begin(detail::fast_random& random) noexcept
        {
            detail::wake_list wakes;
            if (!core_.start(random, Order, wakes)) return false;
            wakes.wake_all();
            return true;
        }

        template <std::size_t... I>
        void bind(std::index_sequence<I...>) noexcept
        {
            (cases_[I].bind(std::get<I>(ops_), I), ...);
        }

        std::tuple<Ops...>& ops_;
        std::array<detail::select_case, room> cases_;
        std::array<detail::select_case*, room> by_address_;
        std::array<std::uint32_t, room> poll_;
        detail::select_core core_;
    };

private:
    std::tuple<Ops...> ops_;
};

/// Waits for the first of its cases; exactly one commits:
///
///     auto s = co_await select{jobs.receive(), out.send(x)};
///     switch (s.index()) { case 0: use(s.get<0>()); break; ... }
///
/// Among several ready cases one is chosen at random, uniformly. Cases on nil channels never
/// happen; a closed channel's receive is always ready, its send throws if it is chosen. The same
/// channel may appear several times. Braces, so that operands are evaluated once and left to right;
/// `a || b` is the same.
///
/// @par Suspends      if no case is ready.
/// @par Cancellation  total: one case happened, or none.
/// @par Complexity    O(n log n) in the number of cases; no allocation.
/// @par Source        Go spec "Select statements"; runtime/select.go.
template <detail::operation... Ops>
class [[nodiscard]] select : public basic_select<detail::select_order::random, Ops...>,
                             public detail::asio_operation<select<Ops...>> {
public:
    using basic_select<detail::select_order::random, Ops...>::basic_select;
};
template <class... Ops>
select(Ops...) -> select<Ops...>;

/// As `select`, but of several ready cases it takes the first in the order written.
template <detail::operation... Ops>
class [[nodiscard]] select_biased : public basic_select<detail::select_order::biased, Ops...>,
                                    public detail::asio_operation<select_biased<Ops...>> {
public:
    using basic_select<detail::select_order::biased, Ops...>::basic_select;
};
template <class... Ops>
select_biased(Ops...) -> select_biased<Ops...>;

/// A select with a default: does one ready case now, or none (`index() == npos`). Never suspends;
/// also for ordinary threads.
///
///     auto s = try_select{a.receive(), b.send(x)};
template <detail::operation... Ops>
class [[nodiscard]] try_select : public select_result<Ops...> {
public:
    explicit try_select(Ops... ops)
    {
        std::tuple<Ops&...> refs(ops...);
        constexpr std::size_t room = sizeof...(Ops) ? sizeof...(Ops) : 1;
        std::array<detail::select_case, room> cases;
        std::array<detail::select_case*, room> by_address;
        std::array<std::uint32_t, room> poll;
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (cases[I].bind(std::get<I>(refs), I), ...);
        }(std::index_sequence_for<Ops...>());
        detail::select_core core(cases.data(), by_address.data(), poll.data(), sizeof...(Ops));
        detail::wake_list wakes;
        if (core.start(detail::thread_random(), detail::select_order::random, wakes)) {
            wakes.wake_all();
            this->index_ = core.chosen();
        } else {
            core.unlock();
        }
        this->collect(refs, cases);
    }
};
template <class... Ops>
try_select(Ops...) -> try_select<Ops...>;

/// What `select_any` brings: which case, and its result.
template <class R>
struct select_any_result {
    std::size_t index = detail::no_case;
    detail::variant_result_t<R> value{};
};

/// The operation `select_any` returns.
template <detail::operation Op>
class [[nodiscard]] select_any_operation : public detail::asio_operation<select_any_operation<Op>> {
public:
    using result_type = select_any_result<typename Op::result_type>;

    explicit select_any_operation(std::vector<Op> ops) : ops_(std::move(ops)) {}

    auto retain() const
    {
        std::vector<decltype(std::declval<const Op&>().retain())> handles;
        for (const Op& op : ops_) handles.push_back(op.retain());
        return handles;
    }

    class driver {
    public:
        explicit driver(select_any_operation& s)
            : ops_(s.ops_),
              cases_(ops_.size()),
              by_address_(ops_.size()),
              poll_(ops_.size()),
              core_(cases_.data(), by_address_.data(), poll_.data(),
                    static_cast<std::uint32_t>(ops_.size()))
        {
            for (std::uint32_t i = 0; i < ops_.size(); ++i) cases_[i].bind(ops_[i], i);
        }

        bool start(detail::goroutine& g) noexcept { return begin(g.random); }
        void publish(detail::goroutine& g) noexcept { publish_to(detail::wake_target(g)); }
        bool begin() noexcept { return begin(detail::thread_random()); }
        void publish_to(detail::wake_target whom) noexcept { core_.publish(whom); }
        void abandon() noexcept { core_.unlock(); }

        result_type finish()
        {
            if (core_.chosen() == detail::no_case) core_.settle();
            const std::size_t i = core_.chosen();
            if constexpr (std::is_void_v<typename Op::result_type>) {
                ops_[i].finish(cases_[i].w);
                return {i, {}};
            } else {
                return {i, ops_[i].finish(cases_[i].w)};
            }
        }

        [[nodiscard]] detail::wait_reason reason() const noexcept
        {
            return core_.can_wake() ? detail::wait_reason::select
                                    : detail::wait_reason::select_no_cases;
        }
        bool withdraw(bool = false) noexcept { return core_.withdraw(); }
        [[nodiscard]] bool reaches_out(detail::bubble_id b) const noexcept
        {
            return core_.reaches_out(b);
        }

    private:
        bool begin(detail::fast_random& random) noexcept
        {
            detail::wake_list wakes;
            if (!core_.start(random, detail::select_order::random, wakes)) return false;
            wakes.wake_all();
            return true;
        }

        std::vector<Op>& ops_;
        std::vector<detail::select_case> cases_;
        std::vector<detail::select_case*> by_address_;
        std::vector<std::uint32_t> poll_;
        detail::select_core core_;
    };

private:
    std::vector<Op> ops_;
};

/// A select over a range of like operations, as many as you want: `auto [i, v] = co_await
/// select_any(cases)`. One allocation for the bookkeeping; the rest is as with `select`.
template <std::ranges::input_range R>
    requires detail::operation<std::ranges::range_value_t<R>>
[[nodiscard]] auto select_any(R&& cases)
{
    using Op = std::ranges::range_value_t<R>;
    if constexpr (std::is_same_v<R, std::vector<Op>>) {
        return select_any_operation<Op>(std::forward<R>(cases));
    } else {
        std::vector<Op> ops;
        for (auto&& op : cases) ops.push_back(std::forward<decltype(op)>(op));
        return select_any_operation<Op>(std::move(ops));
    }
}

/// `a || b` is `select{a, b}`.
template <detail::operation A, detail::operation B>
[[nodiscard]] auto operator||(A a, B b)
{
    return select<A, B>(std::move(a), std::move(b));
}
template <detail::operation... Ops, detail::operation B>
[[nodiscard]] auto operator||(select<Ops...> s, B b)
{
    return select<Ops..., B>(
        std::tuple_cat(std::move(s).take_cases(), std::tuple<B>(std::move(b))));
}

} // namespace weft::inline v0_1
