// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/context.hpp>
#include <weft/error.hpp>
#include <weft/event.hpp>
#include <weft/go.hpp>
#include <weft/pattern/pipeline.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

/// What the patterns share that read channels and make channels.

namespace weft::inline v0_1::detail {

/// Something with a context whose member a goroutine can become, as an errgroup.
template <class S>
concept group_scope = requires(S& s, const context& ctx, void (*f)()) {
    { s.get_context() } -> std::convertible_to<context>;
    { s.try_go(ctx, f) } -> std::same_as<bool>;
};

/// Where the goroutines of a pattern belong: a context that binds them, a pipeline, an errgroup.
template <class S>
concept pattern_scope =
    std::same_as<std::remove_cvref_t<S>, context> ||
    std::same_as<std::remove_cvref_t<S>, pattern::pipeline> || group_scope<std::remove_cvref_t<S>>;

template <pattern_scope S>
context context_of(const S& scope)
{
    if constexpr (std::same_as<S, context>) return scope;
    else return scope.get_context();
}

/// Starts `f()` there, bound to the context.
template <class S, class F>
void start_in(S& scope, F f, const std::source_location& at)
{
    using type = std::remove_const_t<S>;
    if constexpr (std::same_as<type, context>) {
        weft::go(scope, std::move(f), at);
    } else if constexpr (std::same_as<type, pattern::pipeline>) {
        scope.go(std::move(f), at);
    } else if (!scope.try_go(scope.get_context(), std::move(f), at)) {
        throw_misuse("pattern: the group is at its limit");
    }
}

/// What can be received from, and the type of its values.
template <class C>
struct input_of {};
template <class T>
struct input_of<channel<T>> {
    using type = receive_channel<T>;
    using value = T;
};
template <class T>
struct input_of<receive_channel<T>> : input_of<channel<T>> {};

template <class C>
concept input_channel = requires { typename input_of<std::remove_cvref_t<C>>::type; };

template <input_channel C>
using input_t = typename input_of<std::remove_cvref_t<C>>::type;
template <input_channel C>
using input_value_t = typename input_of<std::remove_cvref_t<C>>::value;

/// One that has values, not only signals.
template <class C>
concept value_channel = input_channel<C> && !std::is_void_v<input_value_t<C>>;

/// `in`, unless it is nil: nothing would ever come from it.
template <input_channel C>
input_t<C> checked_input(const C& in, const char* complaint)
{
    if (!in) throw_misuse(complaint);
    return in;
}

/// The channel that a pattern writes. Shared by the goroutines that do; it is closed when the last of them has ended,
/// however it ended, also if it never began.
template <class T>
class outlet {
public:
    explicit outlet(std::size_t capacity) : channel_(make_channel<T>(capacity)) {}
    outlet(const outlet&) = delete;
    outlet& operator=(const outlet&) = delete;
    ~outlet() { channel_.close(); }

    [[nodiscard]] receive_channel<T> receiver() const noexcept { return channel_; }
    /// @throws  what the constructor that makes a T of `value` does.
    template <class... V>
    [[nodiscard]] send_operation<T> send(V&&... value) const
    {
        return channel_.send(std::forward<V>(value)...);
    }

private:
    const channel<T> channel_;
};

/// Passes on what comes, until `in` is closed. Once the context has ended it takes nothing more.
template <class T>
task<> pump(context ctx, receive_channel<T> in, std::shared_ptr<outlet<T>> out)
{
    for (;;) {
        ctx.throw_if_done(); // a relay that never has to wait would not notice
        auto value = co_await in.receive();
        if (!value) co_return;
        if constexpr (std::is_void_v<T>) co_await out->send();
        else co_await out->send(std::move(*value));
    }
}

/// Keeps goroutines back until all of them have been started.
struct start_gate {
    event open;
    bool all_here = false; ///< written before `open` is set
};

template <class Body>
task<> after_start(std::shared_ptr<start_gate> gate, Body body)
{
    co_await gate->open.wait();
    if (gate->all_here) co_await body();
}

/// Starts all of them or, if it throws, none: some alone would take values that nobody receives.
template <class S, class Body>
void start_all_in(S& scope, std::vector<Body> bodies, const std::source_location& at)
{
    if (bodies.size() == 1) return start_in(scope, std::move(bodies.front()), at);
    const auto gate = std::make_shared<start_gate>();
    try {
        for (Body& body : bodies) {
            auto begin = [gate, body = std::move(body)] { return after_start(gate, body); };
            start_in(scope, std::move(begin), at);
        }
    } catch (...) {
        gate->open.set();
        throw;
    }
    gate->all_here = true;
    gate->open.set();
}

/// What a pump's goroutine runs.
template <class T>
struct pump_body {
    context ctx;
    receive_channel<T> in;
    std::shared_ptr<outlet<T>> out;

    task<> operator()() const { return pump<T>(ctx, in, out); }
};

} // namespace weft::inline v0_1::detail
