// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/biased_lock.hpp>
#include <weft/detail/config.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/detail/threads.hpp>
#include <weft/runtime_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

/// `object_pool`: objects that are dear to make, used again.

namespace weft::inline v0_1 {

struct object_pool_options {
    /// How many objects wait for their next use at each worker. One more that comes back is destroyed.
    std::size_t idle_per_worker = 256;
};

/// Keeps objects between uses, those that a worker used last at that worker.
///
///     object_pool buffers([] { return std::vector<char>(64 * 1024); });
///     auto b = buffers.get(); // one that is idle, or a new one
///     b->clear();             // as it was left: the pool does not wipe it
///                             // goes back at the end of the scope
///
/// Unlike Go's, it drops nothing by itself but what is above the bound: `trim` does, when memory is short.
///
/// @par Thread safety  safe, from any thread. The factory may be called by several at once.
/// @par Ordering       putting an object back happens-before the `get` that gives it out again.
/// @par Complexity     O(1) while the worker has idle ones: no allocation, no locked instruction. Before one is made, others'
///                     idle ones are taken, which costs microseconds. The workers of the first runtime that uses it have
///                     caches of their own; whoever else does shares one.
/// @par Lifetime       it must outlive its handles. What is idle then is destroyed with it.
/// @par Source         Go sync.Pool.
template <class T>
class object_pool {
    struct node;

public:
    class handle;

    /// Without a factory `get` gives an empty handle when nothing is idle.
    object_pool() : object_pool(object_pool_options{}) {}
    explicit object_pool(object_pool_options o)
        : options_(o), shares_(procs_here() + 1), caches_(new cache[shares_])
    {
    }
    /// `make()` gives a new T.
    template <class F>
        requires std::is_invocable_r_v<T, F&>
    explicit object_pool(F make, object_pool_options o = {}) : object_pool(o)
    {
        make_ = std::move(make);
    }
    object_pool(const object_pool&) = delete;
    object_pool& operator=(const object_pool&) = delete;
    ~object_pool() { trim(); }

    /// An idle object, or a new one.
    /// @throws what the factory throws.
    [[nodiscard]] handle get()
    {
        node* n = take_idle();
        if (WEFT_UNLIKELY(!n) && make_) n = new node(make_);
        return handle(*this, n);
    }

    /// Adds an object, for a later `get`.
    void put(T value) { give_back(new node(std::move(value))); }

    /// Destroys all that are idle.
    void trim() noexcept
    {
        const std::size_t own = own_share();
        for (std::size_t i = 0; i < shares_; ++i) {
            if (caches_[i].size.load(std::memory_order_relaxed) == 0) continue;
            guard hold(caches_[i].lock, party(i, own));
            node* n = std::exchange(caches_[i].top, nullptr);
            caches_[i].size.store(0, std::memory_order_relaxed);
            hold.leave();
            while (n) delete std::exchange(n, n->below);
        }
    }

    /// How many are idle; while others use the pool an estimate.
    [[nodiscard]] std::size_t idle() const noexcept
    {
        std::size_t all = 0;
        for (std::size_t i = 0; i < shares_; ++i)
            all += caches_[i].size.load(std::memory_order_relaxed);
        return all;
    }

private:
    /// Aligned: what one worker writes is not in a line that another one uses.
    struct alignas(detail::cache_line) node {
        explicit node(std::function<T()>& make) : value(make()) {}
        explicit node(T&& v) : value(std::move(v)) {}

        node* below = nullptr; ///< in the stack of a cache
        T value;
    };

    /// Of one worker, or of all threads that have none.
    struct alignas(2 * detail::cache_line) cache {
        detail::biased_lock lock;
        node* top = nullptr;                 ///< guarded by lock
        detail::atomic<std::size_t> size{0}; ///< written under lock

        // --- locked
        void push(node* n) noexcept
        {
            n->below = std::exchange(top, n);
            size.store(size.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
        node* pop() noexcept
        {
            node* n = top;
            if (WEFT_LIKELY(n != nullptr)) {
                top = n->below;
                size.store(size.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
            }
            return n;
        }
    };

    using guard = detail::biased_lock::guard;

    static unsigned procs_here()
    {
        const detail::scheduler* s = detail::scheduler_here();
        return s ? s->procs() : default_procs();
    }

    /// The cache of the calling thread: its worker's, or the first, which nobody owns.
    std::size_t own_share() noexcept
    {
        const detail::worker* w = detail::this_thread.held;
        if (WEFT_UNLIKELY(!w)) return 0;
        std::uint64_t home = home_.load(std::memory_order_relaxed);
        if (WEFT_UNLIKELY(home == 0)) {
            if (home_.compare_exchange_strong(home, w->sched.number, std::memory_order_relaxed))
                home = w->sched.number;
        }
        const std::size_t i = std::size_t{w->index} + 1;
        return WEFT_LIKELY(w->sched.number == home && i < shares_) ? i : 0;
    }
    static detail::biased_lock::party party(std::size_t cache, std::size_t own) noexcept
    {
        using detail::biased_lock;
        if (cache == 0) return biased_lock::party::equal;
        return cache == own ? biased_lock::party::owner : biased_lock::party::other;
    }

    node* take_idle() noexcept
    {
        const std::size_t own = own_share();
        cache& c = caches_[own];
        if (WEFT_LIKELY(c.size.load(std::memory_order_relaxed) != 0)) {
            const guard hold(c.lock, party(own, own));
            if (node* n = c.pop()) return n;
        }
        return take_from_others(own);
    }

    /// Several at once, so that it pays.
    WEFT_NOINLINE node* take_from_others(std::size_t own) noexcept
    {
        for (std::size_t i = 0; i < shares_; ++i) {
            cache& c = caches_[i];
            if (i == own || c.size.load(std::memory_order_relaxed) == 0) continue;
            node* taken = nullptr;
            guard hold(c.lock, party(i, own));
            const std::size_t size = c.size.load(std::memory_order_relaxed);
            for (std::size_t k = std::min(most_taken, (size + 1) / 2); k > 0; --k) {
                node* n = c.pop();
                n->below = std::exchange(taken, n);
            }
            hold.leave();
            if (!taken) continue;
            for (node* n = taken->below; n;) give_back(std::exchange(n, n->below));
            return taken;
        }
        return nullptr;
    }

    void give_back(node* n) noexcept
    {
        const std::size_t own = own_share();
        cache& c = caches_[own];
        guard hold(c.lock, party(own, own));
        const bool room = c.size.load(std::memory_order_relaxed) < options_.idle_per_worker;
        if (WEFT_LIKELY(room)) c.push(n);
        hold.leave();
        if (WEFT_UNLIKELY(!room)) delete n;
    }

    static constexpr std::size_t most_taken = 16;

    const object_pool_options options_;
    const std::size_t shares_;
    const std::unique_ptr<cache[]> caches_;
    detail::atomic<std::uint64_t> home_{
        0}; ///< the runtime whose workers own caches; 0: not known yet
    std::function<T()> make_;
};

template <class F>
object_pool(F, object_pool_options = {}) -> object_pool<std::invoke_result_t<F&>>;

/// An object in use; it goes back to its pool at the end of the scope. Empty: there was none.
template <class T>
class [[nodiscard]] object_pool<T>::handle {
public:
    handle() noexcept = default;
    handle(handle&& o) noexcept : pool_(o.pool_), node_(std::exchange(o.node_, nullptr)) {}
    handle& operator=(handle&& o) noexcept
    {
        handle other(std::move(o));
        std::swap(pool_, other.pool_);
        std::swap(node_, other.node_);
        return *this;
    }
    ~handle()
    {
        if (node_) pool_->give_back(node_);
    }

    explicit operator bool() const noexcept { return node_ != nullptr; }
    T& operator*() const noexcept { return node_->value; }
    T* operator->() const noexcept { return &node_->value; }

    /// Takes the value out for good; the handle, which was not empty, is.
    T release()
    {
        const std::unique_ptr<node> n(std::exchange(node_, nullptr));
        return std::move(n->value);
    }

private:
    friend class object_pool;
    handle(object_pool& p, node* n) noexcept : pool_(&p), node_(n) {}

    object_pool* pool_ = nullptr;
    node* node_ = nullptr;
};

} // namespace weft::inline v0_1
