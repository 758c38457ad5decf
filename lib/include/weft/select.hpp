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

namespace weft {

namespace detail {

/// `void` results take part in a variant, too.
template <class R>
using variant_result_t = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

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
    [[nodiscard]] auto& get()
    {
        return std::get<I + 1>(value_);
    }

    /// The value a send case still holds because it did not happen. Not for the case that happened.
    template <std::size_t I>
    [[nodiscard]] auto& unsent()
    {
        return std::get<I>(*ops_).unsent();
    }

private:
    template <detail::select_order, detail::operation...>
    friend class basic_select;
    template <detail::operation...>
    friend class try_select;

    std::size_t index_ = npos;
    std::variant<std::monostate, detail::variant_result_t<typename Ops::result_type>...> value_;
    std::optional<std::tuple<Ops...>> ops_;
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

    class driver final : public detail::park_node {
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

        result_type finish()
        {
            if (core_.chosen() == detail::no_case) core_.settle();
            result_type r;
            r.index_ = core_.chosen();
            collect(r, std::index_sequence_for<Ops...>());
            r.ops_.emplace(std::move(ops_));
            return r;
        }

        [[nodiscard]] detail::wait_reason reason() const noexcept
        {
            return core_.can_wake() ? detail::wait_reason::select : detail::wait_reason::select_no_cases;
        }
        bool withdraw() noexcept override { return core_.withdraw(); }

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

        template <std::size_t... I>
        void collect(result_type& r, std::index_sequence<I...>)
        {
            (void)((I == r.index_ ? (emplace<I>(r), true) : false) || ...);
        }

        template <std::size_t I>
        void emplace(result_type& r)
        {
            auto& op = std::get<I>(ops_);
            if constexpr (std::is_void_v<typename std::remove_reference_t<decltype(op)>::result_type>) {
                op.finish(cases_[I].w);
                r.value_.template emplace<I + 1>();
            } else {
                r.value_.template emplace<I + 1>(op.finish(cases_[I].w));
            }
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
/// Among several ready cases one is chosen at random, uniformly. Cases on nil channels never happen;
/// a closed channel's receive is always ready, its send throws if it is chosen. The same channel may appear
/// several times. Braces, so that operands are evaluated once and left to right; `a || b` is the same.
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

/// A select with a default: does one ready case now, or none (`index() == npos`). Never suspends; also for
/// ordinary threads.
///
///     auto s = try_select{a.receive(), b.send(x)};
template <detail::operation... Ops>
class [[nodiscard]] try_select : public select_result<Ops...> {
public:
    explicit try_select(Ops... ops)
    {
        std::tuple<Ops&...> refs(ops...);
        attempt(refs, std::index_sequence_for<Ops...>());
        this->ops_.emplace(std::move(ops)...);
    }

private:
    template <std::size_t... I>
    void attempt(std::tuple<Ops&...>& ops, std::index_sequence<I...>)
    {
        constexpr std::size_t room = sizeof...(Ops) ? sizeof...(Ops) : 1;
        std::array<detail::select_case, room> cases;
        std::array<detail::select_case*, room> by_address;
        std::array<std::uint32_t, room> poll;
        (cases[I].bind(std::get<I>(ops), I), ...);
        detail::select_core core(cases.data(), by_address.data(), poll.data(), sizeof...(Ops));
        detail::wake_list wakes;
        if (!core.start(detail::thread_random(), detail::select_order::random, wakes)) {
            core.unlock();
            return;
        }
        wakes.wake_all();
        this->index_ = core.chosen();
        const auto collect = [&]<std::size_t K>(std::integral_constant<std::size_t, K>) {
            auto& op = std::get<K>(ops);
            if constexpr (std::is_void_v<typename std::remove_reference_t<decltype(op)>::result_type>) {
                op.finish(cases[K].w);
                this->value_.template emplace<K + 1>();
            } else {
                this->value_.template emplace<K + 1>(op.finish(cases[K].w));
            }
        };
        (void)((I == this->index_ ? (collect(std::integral_constant<std::size_t, I>()), true) : false) || ...);
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

    class driver final : public detail::park_node {
    public:
        explicit driver(select_any_operation& s)
            : ops_(s.ops_),
              cases_(ops_.size()),
              by_address_(ops_.size()),
              poll_(ops_.size()),
              core_(cases_.data(), by_address_.data(), poll_.data(), static_cast<std::uint32_t>(ops_.size()))
        {
            for (std::uint32_t i = 0; i < ops_.size(); ++i) cases_[i].bind(ops_[i], i);
        }

        bool start(detail::goroutine& g) noexcept { return begin(g.random); }
        void publish(detail::goroutine& g) noexcept { publish_to(detail::wake_target(g)); }
        bool begin() noexcept { return begin(detail::thread_random()); }
        void publish_to(detail::wake_target whom) noexcept { core_.publish(whom); }

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
            return core_.can_wake() ? detail::wait_reason::select : detail::wait_reason::select_no_cases;
        }
        bool withdraw() noexcept override { return core_.withdraw(); }

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

/// A select over a range of like operations, as many as you want: `auto [i, v] = co_await select_any(cases)`.
/// One allocation for the bookkeeping; the rest is as with `select`.
template <std::ranges::input_range R>
    requires detail::operation<std::ranges::range_value_t<R>>
[[nodiscard]] auto select_any(R&& cases)
{
    using Op = std::ranges::range_value_t<R>;
    if constexpr (std::is_same_v<R, std::vector<Op>>) {
        return select_any_operation<Op>(std::move(cases));
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
    return select<Ops..., B>(std::tuple_cat(std::move(s).take_cases(), std::tuple<B>(std::move(b))));
}

} // namespace weft
