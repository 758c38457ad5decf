// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/binding.hpp>
#include <weft/detail/intrusive_list.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/timer_shard.hpp>
#include <weft/detail/waiter.hpp>
#include <weft/error.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

/// The machine under `context`: a tree of immutable nodes, some of which have a life that can end.

namespace weft::inline v0_1::detail {

class context_life;
class context_node;
struct ending;

/// A node that another one refers to beside its parent.
struct second_parent {
    context_node* node;
    second_parent* next = nullptr; ///< while they are let go of
};

/// One layer of a context. Refers to the layer below; destroyed layer by layer without recursion, so that
/// no depth is too deep.
class WEFT_EXPORT context_node {
public:
    context_node(context_node* parent, context_life* life) noexcept : life_(life), parent_(parent)
    {
        if (parent_) parent_->retain();
    }
    context_node(const context_node&) = delete;
    context_node& operator=(const context_node&) = delete;

    void retain() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] bool retain_if_held() noexcept;
    static void release(context_node* n) noexcept;

    /// The nearest layer that can end, this one included; null: it never ends.
    [[nodiscard]] context_life* life() const noexcept { return life_; }
    [[nodiscard]] context_node* parent() const noexcept { return parent_; }
    /// The nearest binding of the key; null: there is none.
    [[nodiscard]] const void* find(const void* key) const noexcept;

protected:
    /// Those that were held are released with their parent taken out; one whose construction failed still has it.
    virtual ~context_node()
    {
        if (parent_) release(parent_);
    }

private:
    [[nodiscard]] virtual const void* value(const void*) const noexcept { return nullptr; }
    /// Nobody holds it any more: gives away what it refers to beside its parent, or null.
    [[nodiscard]] virtual second_parent* hand_over() noexcept { return nullptr; }

    atomic<std::size_t> refs_{1};
    context_life* const life_;
    context_node* parent_;
};

/// A counted reference to a node.
class WEFT_EXPORT context_ref {
public:
    context_ref() noexcept = default;
    explicit context_ref(context_node* n) noexcept : node_(n) {}
    context_ref(const context_ref& o) noexcept : node_(o.node_)
    {
        if (node_) node_->retain();
    }
    context_ref(context_ref&& o) noexcept : node_(std::exchange(o.node_, nullptr)) {}
    context_ref& operator=(context_ref o) noexcept
    {
        std::swap(node_, o.node_);
        return *this;
    }
    ~context_ref()
    {
        if (node_) context_node::release(node_);
    }
    [[nodiscard]] context_node* get() const noexcept { return node_; }

private:
    context_node* node_ = nullptr;
};

/// What is told when a life ends. It stands in that life's list.
class WEFT_EXPORT context_child : public list_hook {
public:
    context_child() noexcept = default;
    context_child(const context_child&) = delete;
    context_child& operator=(const context_child&) = delete;

    bool linked = false; ///< in the life's list; guarded by that life's lock

    /// Under the lock: keeps the object until `life_ended`; false: it is being destroyed.
    virtual bool hold() noexcept = 0;
    /// No lock is held. Adds to `all` what ends in turn, and lets go of the object.
    virtual void life_ended(ending& all) noexcept = 0;

protected:
    ~context_child() = default;
};

/// All that ends with one `context_life::end`: a list instead of recursion, so that no depth is too deep.
struct ending {
    intrusive_list<context_child> next; ///< still to be told
    context_life* ended =
        nullptr; ///< lives that have ended, retained, linked through `next_ended_`
};

/// What the calling thread is ending just now, up to where all descendants have ended; null: nothing.
[[nodiscard]] WEFT_EXPORT const ending*& spreading_here() noexcept;

/// A layer that can end, once.
///
/// Invariants: `ended_` changes once, under the lock, after `cause_`; from then on nobody waits, and no child is linked.
/// `spread_` follows when all descendants have ended; who ends it meanwhile waits for that. Then `told_`; from then on no
/// goroutine is linked.
/// A life begun under one that had ended already is born ended.
/// Ending collects under the lock and tells after it: those who wait for `done`, then the children and theirs; when
/// all descendants have ended, the goroutines bound to any of them, so that one that waits in a select for a
/// descendant gets that case; then std::stop_token's callbacks, which are the user's code.
///
/// No two lives are ever locked at a time.
class WEFT_EXPORT context_life : public context_node, public waitable, public context_child {
public:
    /// `from_outside`: something that belongs to no bubble can end it.
    context_life(context_node* parent, std::optional<time_point> deadline,
                 bool from_outside = false) noexcept;

    /// Takes its place under the parent's life. Before anybody else knows it.
    void begin() noexcept;

    /// Ends it and all below, unless it has ended. A null cause means the error itself. When it returns all below have
    /// ended, also if another thread is at it; not if it is called from within an ending. (Of what is below a
    /// merged context that another thread has reached from its other parent, that other thread answers.)
    void end(errc e, std::exception_ptr cause) noexcept;

    /// Zero while it lives.
    [[nodiscard]] errc ended() const noexcept
    {
        return static_cast<errc>(ended_.load(std::memory_order_acquire));
    }
    [[nodiscard]] bool has_ended() const noexcept
    {
        return ended_.load(std::memory_order_acquire) != 0;
    }
    /// What bound goroutines look at: as `ended`, but set only when all descendants have ended, too.
    [[nodiscard]] const atomic<int>& told_word() const noexcept { return told_; }
    /// Null while it lives.
    [[nodiscard]] std::exception_ptr cause() const;
    [[nodiscard]] const std::optional<time_point>& deadline() const noexcept { return deadline_; }
    [[nodiscard]] std::stop_token stop_token();

    [[nodiscard]] wait_queue& waiters() noexcept { return waiters_; }

    /// False: it has ended already, and the child was not linked.
    [[nodiscard]] bool link(context_child& c) noexcept;
    /// True: it was linked, and will not be told.
    bool unlink(context_child& c) noexcept;
    [[nodiscard]] std::size_t children() noexcept;

    void bind(binding& b) noexcept;
    void unbind(binding& b) noexcept;

    /// Handles that end it when the last one goes; there is one from the start.
    void add_owner() noexcept { owners_.fetch_add(1, std::memory_order_relaxed); }
    void drop_owner() noexcept
    {
        if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) end(errc::canceled, nullptr);
    }

    /// Ends it because of `because`, as part of that one's ending. False: another thread was faster.
    bool end_with(context_life& because, ending& all) noexcept
    {
        return end_this(because.ended(), because.cause_, all);
    }

protected:
    ~context_life() override;

private:
    bool hold() noexcept final { return retain_if_held(); }
    void life_ended(ending& all) noexcept final;

    /// No lock is held; called once.
    virtual void on_end() noexcept {}
    [[nodiscard]] virtual bool has_second_parent() const noexcept { return false; }

    class spreading;
    /// False: another thread was faster.
    bool end_this(errc e, const std::exception_ptr& cause, ending& all) noexcept;
    static void finish(ending& all) noexcept;
    void interrupt_bound() noexcept;
    void wait_until_spread() const noexcept;

    atomic<int> ended_{0};
    atomic<int> told_{0}; ///< written under the lock, once
    atomic<bool> spread_{false};
    std::exception_ptr cause_; ///< written before `ended_`
    const std::optional<time_point> deadline_;
    context_life* const above_; ///< whose child it is, or null; the parent node keeps it
    atomic<std::size_t> owners_{1};
    context_life* next_ended_ = nullptr; ///< the one ending's
    wait_queue waiters_;                 ///< guarded by lock, as all below
    intrusive_list<context_child> children_;
    std::size_t child_count_ = 0;
    intrusive_list<binding> bound_;
    std::unique_ptr<std::stop_source> stop_;
};

/// A life that also ends at a moment.
class WEFT_EXPORT timed_life final : public context_life {
public:
    timed_life(context_node* parent, time_point deadline, std::exception_ptr cause,
               timer_shard& s) noexcept
        : context_life(parent, deadline), cause_(std::move(cause)), bell_(*this, s)
    {
    }
    void arm(std::int64_t now) noexcept;

private:
    class bell final : public alarm {
    public:
        bell(timed_life& l, timer_shard& s) noexcept : alarm(s), life_(l) {}
        ~bell() override = default;

    private:
        bool hold() noexcept override { return life_.retain_if_held(); }
        void drop() noexcept override { context_node::release(&life_); }
        void ring(std::int64_t) noexcept override
        {
            life_.end(errc::deadline_exceeded, life_.cause_);
        }
        void lost() noexcept override { life_.unwatched(); }

        timed_life& life_;
    };

    void on_end() noexcept override;
    /// The runtime whose clock it went by has ended. It ends, too, lest somebody of another runtime waits for ever.
    void unwatched() noexcept;

    const std::exception_ptr cause_; ///< of an end by the deadline
    bell bell_;
};

/// The binding of a goroutine, with what it is bound to.
class WEFT_EXPORT context_binding final : public binding {
public:
    explicit context_binding(context_ref ctx) noexcept;
    ~context_binding();

    [[nodiscard]] const context_ref& context() const noexcept { return ctx_; }

private:
    const context_ref ctx_;
};

} // namespace weft::inline v0_1::detail
