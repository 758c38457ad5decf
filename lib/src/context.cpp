// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/context.hpp>

#include <weft/detail/scheduler.hpp>
#include <weft/detail/slot_guard.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/timekeeper.hpp>
#include <weft/this_goroutine.hpp>

#include <asio/bind_executor.hpp>
#include <asio/error.hpp>
#include <asio/signal_set.hpp>

#include <mutex>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

namespace {

/// Never destroyed: contexts of static lifetime stand on it.
context_node& root_node()
{
    struct root final : context_node {
        root() : context_node(nullptr, nullptr) {}
    };
    static auto* r = new root;
    return *r;
}

context share(context_node& n)
{
    n.retain();
    return context(context_ref(&n));
}

/// A life as a context and what ends it. `l` has one reference, the context's.
template <class Cancel>
cancellable<Cancel> begun(context_life* l)
{
    cancellable<Cancel> made{context(context_ref(l)), Cancel(l)};
    l->begin();
    return made;
}

context_life* plain_life(const context& parent)
{
    context_node& below = parent_node(parent);
    return new context_life(&below, parent.deadline());
}

timer_shard& shard_of(const executor* ex, const char* what)
{
    return (ex ? ex->sched() : current_scheduler(what)).timers().shard();
}

cancellable<cancel_function> timed(const executor* ex, const context& parent, time_point t,
                                   std::exception_ptr cause, const char* what)
{
    context_node& below = parent_node(parent);
    if (const auto earlier = parent.deadline(); earlier && *earlier <= t) {
        return begun<cancel_function>(new context_life(&below, earlier));
    }
    const time_point now = clock::now();
    if (t <= now) { // needs no clock, and so no runtime
        auto made = begun<cancel_function>(new context_life(&below, t));
        made.ctx.ref().get()->life()->end(errc::deadline_exceeded, std::move(cause));
        return made;
    }
    auto* l = new timed_life(&below, t, std::move(cause), shard_of(ex, what));
    auto made = begun<cancel_function>(l);
    l->arm(nanos(now));
    return made;
}

time_point timeout_from_now(duration d)
{
    return moment(nanos_after(nanos(clock::now()), d));
}

/// Ends with another life, too.
class merged_life final : public context_life {
public:
    merged_life(context_node* a, const context& b)
        : context_life(a, earlier(a, b)),
          other_(new second_parent{&b.node()}),
          other_life_(b.node().life()),
          link_(*this)
    {
        b.node().retain();
    }

    void begin_other() noexcept
    {
        context_life* o = other_life_;
        if (!o) return;
        if (!o->link(link_)) return end(o->ended(), o->cause());
        if (has_ended()) leave(); // by the first one, before
    }

private:
    struct other_link final : context_child {
        explicit other_link(merged_life& s) noexcept : self(s) {}
        bool hold() noexcept override { return self.retain_if_held(); }
        void life_ended(ending& all) noexcept override
        {
            self.end_with(*self.other_life_, all);
            release(&self);
        }
        merged_life& self;
    };

    static std::optional<time_point> earlier(context_node* a, const context& b)
    {
        const auto first = a->life() ? a->life()->deadline() : std::nullopt;
        const auto second = b.deadline();
        return !first || (second && *second < *first) ? second : first;
    }
    void leave() noexcept
    {
        if (other_life_) other_life_->unlink(link_);
    }
    void on_end() noexcept override { leave(); }
    [[nodiscard]] bool has_second_parent() const noexcept override { return true; }
    second_parent* hand_over() noexcept override
    {
        leave();
        return other_;
    }

    second_parent* const other_; ///< handed over in the end
    context_life* const other_life_;
    other_link link_;
};

/// Ends by a signal.
///
/// The signal set belongs to its own handler, so that it goes with the runtime, which the life may outlive.
class signal_life final : public context_life {
public:
    signal_life(context_node* parent, scheduler& s)
        : context_life(parent, parent->life() ? parent->life()->deadline() : std::nullopt, true),
          sched_(s.weak_from_this())
    {
    }

    void listen(const executor& ex, std::initializer_list<int> signals)
    {
        const auto set = std::make_shared<asio::signal_set>(ex.sched().host);
        for (int n : signals) set->add(n);
        std::lock_guard one(mutex_);
        if (has_ended()) return;
        set_ = set;
        retain();
        const auto signalled = [self = context_ref(this), set](const asio::error_code& ec, int n) {
            if (ec) return;
            auto* life = static_cast<signal_life*>(self.get()->life());
            life->give_up(*set); // who sees the end may count on it
            life->end(errc::canceled, std::make_exception_ptr(signal_error(n)));
        };
        set->async_wait(asio::bind_executor(ex, signalled));
    }

private:
    void on_end() noexcept override
    {
        const host_access pool(sched_); // until the set is let go of
        if (!pool) return;
        std::shared_ptr<asio::signal_set> set;
        {
            std::lock_guard one(mutex_); // `listen` may be at it
            set = set_.lock();
        }
        if (set) give_up(*set);
    }
    /// From now on a signal does what it would do without us.
    void give_up(asio::signal_set& set) noexcept
    {
        std::lock_guard one(mutex_);
        asio::error_code ignored;
        static_cast<void>(set.cancel(ignored));
        static_cast<void>(set.clear(ignored));
    }

    const std::weak_ptr<scheduler> sched_;
    detail::os_mutex mutex_;
    std::weak_ptr<asio::signal_set> set_; ///< it and the set are guarded by mutex_
};

/// Ends by a stop token.
class stop_life final : public context_life {
public:
    stop_life(context_node* parent, std::stop_token t)
        : context_life(parent, parent->life() ? parent->life()->deadline() : std::nullopt, true),
          token_(std::move(t))
    {
    }
    void listen() { callback_.emplace(token_, stopper{this}); }

private:
    struct stopper {
        stop_life* self;
        void operator()() const noexcept
        {
            if (!self->retain_if_held()) return; // it is being destroyed, and waits for this call
            self->end(errc::canceled, nullptr);
            release(self);
        }
    };
    const std::stop_token token_;
    std::optional<std::stop_callback<stopper>> callback_;
};

/// Ends by a context of the user's own kind.
class custom_life final : public context_life {
public:
    explicit custom_life(std::shared_ptr<custom_context> c)
        : context_life(nullptr, c->deadline(), true),
          custom_(std::move(c)),
          back_(std::make_shared<way_back>(this))
    {
    }
    ~custom_life() override
    {
        back_->cut();
        if (take_back_) take_back_();
    }
    void listen()
    {
        take_back_ = custom_->on_end([back = back_](errc e, std::exception_ptr cause) {
            custom_life* self = back->hold();
            if (!self) return;
            self->end(e == errc() ? errc::canceled : e, std::move(cause));
            release(self);
        });
    }

private:
    /// From the user's hook, which may be called late, to the life, which may be gone.
    class way_back {
    public:
        explicit way_back(custom_life* l) noexcept : life_(l) {}
        [[nodiscard]] custom_life* hold() noexcept
        {
            std::lock_guard one(mutex_);
            return life_ && life_->retain_if_held() ? life_ : nullptr;
        }
        void cut() noexcept
        {
            std::lock_guard one(mutex_);
            life_ = nullptr;
        }

    private:
        detail::os_mutex mutex_;
        custom_life* life_;
    };

    [[nodiscard]] const void* value(const void* key) const noexcept override
    {
        return custom_->value(key);
    }

    const std::shared_ptr<custom_context> custom_;
    const std::shared_ptr<way_back> back_;
    std::function<bool()> take_back_;
};

/// Hides the life below.
class endless_node final : public context_node {
public:
    explicit endless_node(context_node& below) noexcept : context_node(&below, nullptr) {}
};

} // namespace

context_node& parent_node(const context& parent)
{
    if (!parent) throw_misuse("cannot create context from nil parent");
    return *parent.ref().get();
}

void rethrow_at_end(const context& ctx, std::exception_ptr e)
{
    const context_life* l = ctx.ref().get()->life();
    if (l && l->has_ended()) {
        const std::error_code code = make_error_code(l->ended());
        if (is_cancellation(e, code)) {
            if (goroutine* g = this_thread_state().current) g->ends_by_context = true;
            throw error(code);
        }
    }
    std::rethrow_exception(std::move(e));
}

// ---------------------------------------------------------------- end_hook

end_hook::end_hook(context_ref ctx, scheduler& s) : ctx_(std::move(ctx)), sched_(s.weak_from_this())
{
}

void end_hook::begin() noexcept
{
    context_life* l = ctx_.get()->life();
    if (!l) return;
    retain(); // the list's
    if (l->link(*this)) return;
    start_if_running();
    release();
}

bool end_hook::stop() noexcept
{
    context_life* l = ctx_.get()->life();
    if (!l)
        return !taken_back_.exchange(true, std::memory_order_relaxed); // it would never have run
    if (!l->unlink(*this)) return false;
    release();
    return true;
}

bool end_hook::hold() noexcept
{
    return true; // the list's reference becomes the ending's
}

void end_hook::life_ended(ending&) noexcept
{
    start_if_running();
    release();
}

void end_hook::start_if_running() noexcept
{
    if (const auto s = sched_.lock()) start(*s);
}

} // namespace detail

// ---------------------------------------------------------------- context

std::exception_ptr context::cause() const
{
    detail::context_life* l = life();
    return l ? l->cause() : nullptr;
}

std::optional<time_point> context::deadline() const
{
    detail::context_life* l = life();
    return l ? l->deadline() : std::nullopt;
}

void context::throw_if_done() const
{
    detail::context_life* l = life();
    if (l && l->has_ended()) throw error(l->ended());
}

std::stop_token context::stop_token() const
{
    detail::context_life* l = life();
    return l ? l->stop_token() : std::stop_token();
}

context background()
{
    return detail::share(detail::root_node());
}

context todo()
{
    return background();
}

cancellable<cancel_function> with_cancel(const context& parent)
{
    return detail::begun<cancel_function>(detail::plain_life(parent));
}

cancellable<cancel_cause_function> with_cancel_cause(const context& parent)
{
    return detail::begun<cancel_cause_function>(detail::plain_life(parent));
}

cancellable<cancel_function> with_timeout(const context& parent, duration d)
{
    return detail::timed(nullptr, parent, detail::timeout_from_now(d), nullptr, "with_timeout");
}

cancellable<cancel_function> with_timeout(const executor& ex, const context& parent, duration d)
{
    return detail::timed(&ex, parent, detail::timeout_from_now(d), nullptr, "with_timeout");
}

cancellable<cancel_function> with_deadline(const context& parent, time_point t)
{
    return detail::timed(nullptr, parent, t, nullptr, "with_deadline");
}

cancellable<cancel_function> with_deadline(const executor& ex, const context& parent, time_point t)
{
    return detail::timed(&ex, parent, t, nullptr, "with_deadline");
}

cancellable<cancel_function> with_timeout_cause(const context& parent, duration d,
                                                std::exception_ptr cause)
{
    return detail::timed(nullptr, parent, detail::timeout_from_now(d), std::move(cause),
                         "with_timeout_cause");
}

cancellable<cancel_function> with_deadline_cause(const context& parent, time_point t,
                                                 std::exception_ptr cause)
{
    return detail::timed(nullptr, parent, t, std::move(cause), "with_deadline_cause");
}

cancellable<cancel_function> merge(const context& a, const context& b)
{
    detail::parent_node(b);
    auto* l = new detail::merged_life(&detail::parent_node(a), b);
    auto made = detail::begun<cancel_function>(l);
    l->begin_other();
    return made;
}

cancellable<cancel_function> with_signals(const executor& ex, const context& parent,
                                          std::initializer_list<int> signals)
{
    auto* l = new detail::signal_life(&detail::parent_node(parent), ex.sched());
    auto made = detail::begun<cancel_function>(l);
    l->listen(ex, signals);
    return made;
}

cancellable<cancel_function> with_signals(const context& parent, std::initializer_list<int> signals)
{
    return with_signals(executor(detail::current_scheduler("with_signals")), parent, signals);
}

cancellable<cancel_function> with_stop_token(const context& parent, std::stop_token token)
{
    auto* l = new detail::stop_life(&detail::parent_node(parent), std::move(token));
    auto made = detail::begun<cancel_function>(l);
    l->listen();
    return made;
}

cancellable<cancel_function> with_cancellation_slot(const context& parent,
                                                    asio::cancellation_slot slot)
{
    auto made = with_cancel(parent);
    if (!slot.is_connected()) return made; // nobody ever emits
    slot.assign([ctx = made.ctx](asio::cancellation_type type) {
        if (type != asio::cancellation_type::none)
            ctx.ref().get()->life()->end(errc::canceled, nullptr);
    });
    return made;
}

context without_cancel(const context& parent)
{
    return context(detail::context_ref(new detail::endless_node(detail::parent_node(parent))));
}

context adapt(std::shared_ptr<custom_context> custom)
{
    if (!custom) detail::throw_misuse("cannot create context from nil parent");
    auto* l = new detail::custom_life(std::move(custom));
    context made{detail::context_ref(l)};
    l->begin();
    l->listen();
    return made;
}

namespace this_goroutine {

context get_context()
{
    const detail::goroutine* g = detail::this_thread_state().current;
    if (!g) detail::throw_misuse("this_goroutine: not called in a goroutine");
    if (!g->bound || g->bound->to() != detail::binding::tied_to::context) return background();
    return context(static_cast<detail::context_binding*>(g->bound)->context());
}

} // namespace this_goroutine
} // namespace weft::inline v0_1
