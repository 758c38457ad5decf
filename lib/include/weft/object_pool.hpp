// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/detail/spinlock.hpp>
#include <weft/detail/threads.hpp>
#include <weft/runtime_options.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

/// `object_pool`: objects that are dear to make, used again.

namespace weft {

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
/// @par Complexity     O(1) while the worker has idle ones; no allocation then. It looks at all workers before it makes one.
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
        for (std::size_t i = 0; i < shares_; ++i) {
            cache& c = caches_[i];
            c.lock.lock();
            node* n = std::exchange(c.top, nullptr);
            c.size.store(0, std::memory_order_relaxed);
            c.lock.unlock();
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
    struct node {
        explicit node(std::function<T()>& make) : value(make()) {}
        explicit node(T&& v) : value(std::move(v)) {}

        node* below = nullptr; ///< in the stack of a cache
        T value;
    };

    struct alignas(2 * detail::cache_line) cache {
        detail::spinlock lock;
        node* top = nullptr;                 ///< guarded by lock
        detail::atomic<std::size_t> size{0}; ///< written under lock
    };

    static unsigned procs_here()
    {
        const detail::scheduler* s = detail::scheduler_here();
        return s ? s->procs() : default_procs();
    }

    /// Threads without a worker share the first. Workers of a larger runtime than the one the pool was made on share too.
    std::size_t own_share() const noexcept
    {
        const detail::worker* w = detail::this_thread.held;
        return w ? 1 + w->index % (shares_ - 1) : 0;
    }

    static node* pop(cache& c) noexcept
    {
        c.lock.lock();
        node* n = c.top;
        if (WEFT_LIKELY(n != nullptr)) {
            c.top = n->below;
            c.size.store(c.size.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
        }
        c.lock.unlock();
        return n;
    }

    node* take_idle() noexcept
    {
        std::size_t at = own_share();
        for (std::size_t i = 0; i < shares_; ++i) {
            cache& c = caches_[at];
            if (c.size.load(std::memory_order_relaxed) != 0) {
                if (node* n = pop(c)) return n;
            }
            if (++at == shares_) at = 0;
        }
        return nullptr;
    }

    void give_back(node* n) noexcept
    {
        cache& c = caches_[own_share()];
        c.lock.lock();
        const std::size_t size = c.size.load(std::memory_order_relaxed);
        const bool room = size < options_.idle_per_worker;
        if (WEFT_LIKELY(room)) {
            n->below = c.top;
            c.top = n;
            c.size.store(size + 1, std::memory_order_relaxed);
        }
        c.lock.unlock();
        if (WEFT_UNLIKELY(!room)) delete n;
    }

    const object_pool_options options_;
    const std::size_t shares_;
    const std::unique_ptr<cache[]> caches_;
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

} // namespace weft
