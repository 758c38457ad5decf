// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/context_node.hpp>
#include <weft/detail/detached.hpp>
#include <weft/detail/select_core.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/threads.hpp>
#include <weft/error.hpp>

#include <asio/cancellation_signal.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <source_location>
#include <stop_token>
#include <system_error>
#include <type_traits>
#include <utility>

/// `context`: deadlines, cancellation and values of a request, through the calls it makes.

namespace weft::inline v0_1 {

class context;

/// The operation `context::done` returns: `void(std::exception_ptr)`.
class [[nodiscard]] context_done_operation : public detail::asio_operation<context_done_operation> {
public:
    using result_type = void;

    explicit context_done_operation(detail::context_life* life) noexcept : life_(life) {}

    detail::waitable* target() const noexcept { return life_; }
    bool attempt(detail::waiter& w, detail::wake_list&) noexcept
    {
        return w.ok = life_->has_ended();
    }
    void enqueue(detail::waiter& w) noexcept { life_->waiters().push(w); }
    void dequeue(detail::waiter& w) noexcept { life_->waiters().remove(w); }
    void finish(detail::waiter&) noexcept {}
    detail::wait_reason reason() const noexcept { return detail::wait_reason::context_done; }
    detail::context_ref retain() const noexcept
    {
        if (life_) life_->retain();
        return detail::context_ref(life_);
    }

private:
    detail::context_life* life_;
};

namespace detail {
/// The address stands for the key.
template <class Key>
inline constexpr char context_key = 0;
} // namespace detail

/// Carries a deadline, a cancellation and values. A handle to an immutable tree: copies are the same context;
/// deriving makes a new one, and ending one ends all that were derived from it.
///
/// Default constructed it is *nil*, which can be copied and compared, and nothing else: deriving from it, and
/// asking it anything, is misuse.
///
/// @par Thread safety  distinct handles: safe. one shared handle object: unsafe to assign, else safe.
/// @par Ordering       what happened before the end of a context happens-before a `done` that sees it.
/// @par Lifetime       `done()` refers to the context; while it waits, somebody must hold a handle.
/// @par Source         Go package context.
class WEFT_EXPORT context {
public:
    context() noexcept = default;

    /// Ready once the context has ended, from then on always. A select case; never ready for one that cannot end.
    [[nodiscard]] context_done_operation done() const { return context_done_operation(life()); }

    /// Empty while it lives; then errc::canceled or errc::deadline_exceeded. Once it is set, `done` is ready.
    [[nodiscard]] std::error_code err() const
    {
        detail::context_life* l = life();
        const errc e = l ? l->ended() : errc();
        return e == errc() ? std::error_code() : make_error_code(e);
    }
    /// Why it ended: what was given to the cancel function, else the `error` of `err`. Null while it lives.
    [[nodiscard]] std::exception_ptr cause() const;
    /// When it ends at the latest.
    [[nodiscard]] std::optional<time_point> deadline() const;
    /// The nearest value bound to `Key`; null: there is none.
    template <class Key>
    [[nodiscard]] const typename Key::type* value() const
    {
        return static_cast<const typename Key::type*>(node().find(&detail::context_key<Key>));
    }
    /// @throws error  if the context has ended, with its code.
    void throw_if_done() const;
    /// Stops when the context ends; its callbacks run on the thread that ends it. Not for contexts that cannot end.
    [[nodiscard]] std::stop_token stop_token() const;

    /// False: nil.
    explicit operator bool() const noexcept { return ref_.get() != nullptr; }
    /// The same layer.
    friend bool operator==(const context& a, const context& b) noexcept
    {
        return a.ref_.get() == b.ref_.get();
    }

    /// For the library's own rooms.
    explicit context(detail::context_ref ref) noexcept : ref_(std::move(ref)) {}
    [[nodiscard]] const detail::context_ref& ref() const noexcept { return ref_; }
    [[nodiscard]] detail::context_node& node() const
    {
        if (!ref_.get()) detail::throw_misuse("use of a nil context");
        return *ref_.get();
    }

private:
    [[nodiscard]] detail::context_life* life() const { return node().life(); }

    detail::context_ref ref_;
};

/// The root: never ends, has no values.
[[nodiscard]] WEFT_EXPORT context background();
/// As `background`, for code that does not know yet which context to use.
[[nodiscard]] WEFT_EXPORT context todo();

/// Ends a context. Copies end the same one; the first call counts, the others do nothing. When the last copy goes, it
/// ends the context: so does the scope that holds it.
///
/// When the call returns, the context and all derived from it have ended. Functions of `after_func` may not have run.
/// @par Thread safety  safe.
class [[nodiscard]] cancel_function {
public:
    explicit cancel_function(detail::context_life* l) noexcept : life_(l) { l->retain(); }
    cancel_function(const cancel_function& o) noexcept : life_(o.life_)
    {
        if (!life_) return;
        life_->retain();
        life_->add_owner();
    }
    cancel_function(cancel_function&& o) noexcept : life_(std::exchange(o.life_, nullptr)) {}
    cancel_function& operator=(cancel_function o) noexcept
    {
        std::swap(life_, o.life_);
        return *this;
    }
    ~cancel_function()
    {
        if (!life_) return;
        life_->drop_owner();
        detail::context_node::release(life_);
    }

    void operator()() const noexcept
    {
        if (life_) life_->end(errc::canceled, nullptr);
    }

protected:
    detail::context_life* life_;
};

/// A cancel function that can say why; the cause is what `context::cause` returns. Null: no cause in particular.
class [[nodiscard]] cancel_cause_function : public cancel_function {
public:
    using cancel_function::cancel_function;
    using cancel_function::operator();

    void operator()(std::exception_ptr cause) const noexcept
    {
        if (life_) life_->end(errc::canceled, std::move(cause));
    }
};

/// A new context and what ends it: `auto [ctx, cancel] = with_cancel(parent);`
template <class Cancel>
struct [[nodiscard]] cancellable {
    context ctx;
    Cancel cancel;
};

/// Each of these makes a context below `parent`, which ends with it at the latest.
/// @throws misuse_error    "cannot create context from nil parent".
/// @throws std::bad_alloc
WEFT_EXPORT cancellable<cancel_function> with_cancel(const context& parent);
WEFT_EXPORT cancellable<cancel_cause_function> with_cancel_cause(const context& parent);

/// It also ends by itself when the time has come, with errc::deadline_exceeded; one that has passed: at once. A parent
/// with an earlier deadline is what counts. Where there is no runtime, pass one's executor first. If that runtime ends
/// before, the context does, too, with errc::canceled.
/// @throws misuse_error  as above; not called on a weft runtime.
WEFT_EXPORT cancellable<cancel_function> with_timeout(const context& parent, duration d);
WEFT_EXPORT cancellable<cancel_function> with_timeout(const executor& ex, const context& parent,
                                                      duration d);
WEFT_EXPORT cancellable<cancel_function> with_deadline(const context& parent, time_point t);
WEFT_EXPORT cancellable<cancel_function> with_deadline(const executor& ex, const context& parent,
                                                       time_point t);
/// `cause` is the context's cause if, and only if, the deadline ends it.
WEFT_EXPORT cancellable<cancel_function> with_timeout_cause(const context& parent, duration d,
                                                            std::exception_ptr cause);
WEFT_EXPORT cancellable<cancel_function> with_deadline_cause(const context& parent, time_point t,
                                                             std::exception_ptr cause);

/// Ends with the first of the two, for its reason. Values come from the first.
WEFT_EXPORT cancellable<cancel_function> merge(const context& a, const context& b);

/// The cause of a context that a signal ended.
class WEFT_EXPORT signal_error : public error {
public:
    explicit signal_error(int number) : error(errc::canceled), number_(number) {}
    /// SIGINT, SIGTERM, ...
    [[nodiscard]] int signal() const noexcept { return number_; }

private:
    int number_;
};

/// Ends when the process gets one of these signals, with a `signal_error` as its cause; a second one has its usual effect again. On a runtime.
WEFT_EXPORT cancellable<cancel_function> with_signals(const context& parent,
                                                      std::initializer_list<int> signals);
WEFT_EXPORT cancellable<cancel_function> with_signals(const executor& ex, const context& parent,
                                                      std::initializer_list<int> signals);

/// Ends when `token` is asked to stop.
WEFT_EXPORT cancellable<cancel_function> with_stop_token(const context& parent,
                                                         std::stop_token token);

/// Ends when a cancellation is emitted to `slot`. It holds the slot until then.
WEFT_EXPORT cancellable<cancel_function> with_cancellation_slot(const context& parent,
                                                                asio::cancellation_slot slot);

/// Same values, but it never ends, and has no deadline.
[[nodiscard]] WEFT_EXPORT context without_cancel(const context& parent);

namespace detail {

WEFT_EXPORT context_node& parent_node(const context& parent);

template <class Key>
class value_node final : public context_node {
public:
    template <class V>
    value_node(context_node& parent, V&& v)
        : context_node(&parent, parent.life()), value_(std::forward<V>(v))
    {
    }

private:
    [[nodiscard]] const void* value(const void* key) const noexcept override
    {
        return key == &context_key<Key> ? &value_ : nullptr;
    }

    const typename Key::type value_;
};

} // namespace detail

/// Binds `value` to `Key`, a type that names its value's type: `struct user { using type = std::string; };`. Distinct keys never
/// meet, whatever their value's types. For what belongs to a request; not for parameters.
/// @throws misuse_error  "cannot create context from nil parent".
template <class Key, class V>
    requires std::constructible_from<typename Key::type, V&&>
[[nodiscard]] context with_value(const context& parent, V&& value)
{
    return context(detail::context_ref(
        new detail::value_node<Key>(detail::parent_node(parent), std::forward<V>(value))));
}

// ---------------------------------------------------------------- other people's contexts

/// A context of the user's own kind, as `adapt` takes it.
class WEFT_EXPORT custom_context {
public:
    virtual ~custom_context() = default;

    [[nodiscard]] virtual std::optional<time_point> deadline() const { return std::nullopt; }
    /// The value of a key, `&detail::context_key<Key>`; forward it to a context inside with `context::node().find`.
    [[nodiscard]] virtual const void* value(const void* key) const noexcept
    {
        static_cast<void>(key);
        return nullptr;
    }
    /// Calls `ended` once it has ended, at once if it has; from any thread. The function returned takes that back: true if
    /// it will not be called.
    virtual std::function<bool()> on_end(std::function<void(errc, std::exception_ptr)> ended) = 0;
};

/// A context that ends with `custom` and has its values and deadline. It registers one hook, and takes it back when the last
/// handle goes.
[[nodiscard]] WEFT_EXPORT context adapt(std::shared_ptr<custom_context> custom);

// ---------------------------------------------------------------- functions after the end

namespace detail {

/// A function that waits for the end of a life.
class WEFT_EXPORT end_hook : public context_child {
public:
    end_hook(context_ref ctx, scheduler& s);

    /// Links it, or starts the function if the context has ended.
    void begin() noexcept;
    [[nodiscard]] bool stop() noexcept;
    void retain() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept
    {
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

protected:
    virtual ~end_hook() = default;
    virtual void start(scheduler& s) = 0;

private:
    bool hold() noexcept final;
    void life_ended(ending& all) noexcept final;
    void start_if_running() noexcept;

    const context_ref ctx_;
    const std::weak_ptr<scheduler> sched_;
    detail::atomic<unsigned> refs_{1};
    detail::atomic<bool> taken_back_{false}; ///< of a context that never ends
};

/// A counted reference to one.
class hook_ref {
public:
    explicit hook_ref(end_hook* h) noexcept : hook_(h) {}
    hook_ref(const hook_ref& o) noexcept : hook_(o.hook_)
    {
        if (hook_) hook_->retain();
    }
    hook_ref(hook_ref&& o) noexcept : hook_(std::exchange(o.hook_, nullptr)) {}
    hook_ref& operator=(hook_ref o) noexcept
    {
        std::swap(hook_, o.hook_);
        return *this;
    }
    ~hook_ref()
    {
        if (hook_) hook_->release();
    }
    [[nodiscard]] end_hook* get() const noexcept { return hook_; }

private:
    end_hook* hook_;
};

template <class F>
class function_hook final : public end_hook {
public:
    function_hook(context_ref ctx, scheduler& s, F f, std::source_location at)
        : end_hook(std::move(ctx), s), f_(std::move(f)), site_(at)
    {
    }

private:
    void start(scheduler& s) override
    {
        retain();
        start_goroutine(s, site_, &function_hook::call, hook_ref(this));
    }
    /// `self` stays in the goroutine's frame and keeps the function.
    static auto call(hook_ref&& self)
    {
        return std::invoke(static_cast<function_hook&>(*self.get()).f_);
    }

    F f_;
    const std::source_location site_;
};

} // namespace detail

/// Takes an `after_func` back. Copies are the same. Dropping it takes nothing back.
class after_func_stop {
public:
    explicit after_func_stop(detail::hook_ref h) noexcept : hook_(std::move(h)) {}

    /// True: the function was taken back and never runs. False: it was started, or taken back before.
    bool operator()() const noexcept { return hook_.get() && hook_.get()->stop(); }

private:
    detail::hook_ref hook_;
};

/// Runs `f` as a goroutine of its own once `ctx` has ended; at once if it has.
/// @throws misuse_error  not called on a weft runtime: pass its executor first.
/// @par Source  Go context.AfterFunc.
template <class F>
    requires detail::goroutine_function<F>
after_func_stop after_func(const executor& ex, const context& ctx, F f,
                           std::source_location at = std::source_location::current())
{
    detail::parent_node(ctx);
    auto* hook = new detail::function_hook<F>(ctx.ref(), ex.sched(), std::move(f), at);
    after_func_stop stop{detail::hook_ref(hook)};
    hook->begin();
    return stop;
}
template <class F>
    requires detail::goroutine_function<F>
after_func_stop after_func(const context& ctx, F f,
                           std::source_location at = std::source_location::current())
{
    return after_func(executor(detail::current_scheduler("after_func")), ctx, std::move(f), at);
}

// ---------------------------------------------------------------- operations under a context

/// An operation that gives up when a context ends: what `op(ctx)` returns for operations on channels, timers, locks
/// and joins. It throws `error` with
/// the context's code; then the operation had no effect. A context that has ended comes first.
template <class Op>
class [[nodiscard]] context_operation : public detail::asio_operation<context_operation<Op>> {
public:
    using result_type = typename Op::result_type;

    context_operation(const context& ctx, Op op) : done_(ctx.done()), op_(std::move(op)) {}

    auto retain() const { return std::pair(done_.retain(), op_.retain()); }

    class driver {
    public:
        explicit driver(context_operation& o) noexcept
            : op_(o.op_),
              life_(static_cast<detail::context_life*>(o.done_.target())),
              core_(cases_.data(), by_address_.data(), poll_.data(), 2)
        {
            cases_[0].bind(o.done_, 0);
            cases_[1].bind(o.op_, 1);
        }

        bool start(detail::goroutine& g) noexcept { return begin(g.random); }
        void publish(detail::goroutine& g) noexcept { publish_to(detail::wake_target(g)); }
        void abandon() noexcept { core_.unlock(); }
        bool begin() noexcept { return begin(detail::thread_random()); }
        void publish_to(detail::wake_target whom) noexcept { core_.publish(whom); }
        [[nodiscard]] detail::wait_reason reason() const noexcept { return op_.reason(); }
        bool withdraw(bool = false) noexcept { return core_.withdraw(); }
        [[nodiscard]] bool reaches_out(detail::bubble_id b) const noexcept
        {
            return core_.reaches_out(b);
        }

        result_type finish()
        {
            if (core_.chosen() == detail::no_case) core_.settle();
            if (core_.chosen() == 0) throw error(life_->ended());
            return op_.finish(cases_[1].w);
        }

    private:
        bool begin(detail::fast_random& random) noexcept
        {
            detail::wake_list wakes;
            if (!core_.start(random, detail::select_order::biased, wakes)) return false;
            wakes.wake_all();
            return true;
        }

        Op& op_;
        detail::context_life* life_;
        std::array<detail::select_case, 2> cases_;
        std::array<detail::select_case*, 2> by_address_;
        std::array<std::uint32_t, 2> poll_;
        detail::select_core core_;
    };

private:
    context_done_operation done_;
    Op op_;
};

// ---------------------------------------------------------------- goroutines bound to a context

namespace detail {

/// Rethrows `e`, which is leaving the current goroutine. If it says that `ctx` has ended, or is how Asio
/// says that it was cancelled for that, it is thrown as the context's `error`, and the goroutine ends as asked.
[[noreturn]] WEFT_EXPORT void rethrow_at_end(const context& ctx, std::exception_ptr e);

/// A callable whose goroutine is bound to a context while it runs.
template <class F>
class bound_function {
public:
    bound_function(context ctx, F f) : ctx_(std::move(ctx)), f_(std::move(f)) {}

    template <class... Args>
        requires std::invocable<F&, Args...>
    auto operator()(Args&&... args)
    {
        return run<awaited_t<F, Args...>, std::remove_cvref_t<Args>...>(
            *this, std::forward<Args>(args)...);
    }

private:
    template <class R, class... Args>
    static task<R> run(bound_function& self, Args... args)
    {
        const context_binding tie(self.ctx_.ref());
        try {
            self.ctx_.throw_if_done();
            if constexpr (is_task<call_result_t<F, Args...>>::value) {
                co_return co_await std::invoke(self.f_, std::move(args)...);
            } else {
                co_return std::invoke(self.f_, std::move(args)...);
            }
        } catch (...) {
            rethrow_at_end(self.ctx_, std::current_exception());
        }
    }

    const context ctx_;
    F f_;
};

/// `go(ctx, f, args...)` and `spawn(ctx, f, args...)`.
template <class C, class F, class... Rest>
    requires std::same_as<std::remove_cvref_t<C>, context>
struct start_arguments<C, F, Rest...> {
    static constexpr bool valid = goroutine_function<std::decay_t<F>, std::decay_t<Rest>...>;
    template <class Start>
    static decltype(auto) apply(const char* what, Start start, const context& ctx, F&& f,
                                Rest&&... rest)
    {
        parent_node(ctx);
        return start(current_scheduler(what),
                     bound_function<std::decay_t<F>>(ctx, std::forward<F>(f)),
                     std::forward<Rest>(rest)...);
    }
};
template <class A, class C, class F, class... Rest>
    requires(std::same_as<std::remove_cvref_t<A>, executor> &&
             std::same_as<std::remove_cvref_t<C>, context>)
struct start_arguments<A, C, F, Rest...> {
    static constexpr bool valid = goroutine_function<std::decay_t<F>, std::decay_t<Rest>...>;
    template <class Start>
    static decltype(auto) apply(const char*, Start start, const executor& ex, const context& ctx,
                                F&& f, Rest&&... rest)
    {
        parent_node(ctx);
        return start(ex.sched(), bound_function<std::decay_t<F>>(ctx, std::forward<F>(f)),
                     std::forward<Rest>(rest)...);
    }
};

} // namespace detail
} // namespace weft::inline v0_1
