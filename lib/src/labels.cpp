// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/labels.hpp>

#include <weft/detail/scheduler.hpp>
#include <weft/error.hpp>

#include <algorithm>
#include <atomic>

namespace weft::inline v0_1 {

namespace {

using detail::goroutine;
using detail::label_ref;
using detail::label_set;

goroutine& here()
{
    goroutine* g = detail::this_thread_state().current;
    if (!g) detail::throw_misuse("labels: not called in a goroutine");
    return *g;
}

/// Only by the goroutine itself, or by what unwinds it. A dump reads under the shard's lock, a profile in a signal
/// handler on this thread: that sees the old set, which lives until after the store, or the new one.
label_ref exchange_labels(goroutine& g, label_ref fresh) noexcept
{
    g.shard->lock.lock();
    const label_set* old = g.labels;
    g.labels = fresh.release();
    g.shard->lock.unlock();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return label_ref::taken(old);
}

auto find(label_list& all, std::string_view key)
{
    return std::lower_bound(all.begin(), all.end(), key,
                            [](const auto& l, std::string_view k) { return l.first < k; });
}

void put(label_list& all, std::string key, std::string value)
{
    const auto at = find(all, key);
    if (at != all.end() && at->first == key) {
        at->second = std::move(value);
    } else {
        all.emplace(at, std::move(key), std::move(value));
    }
}

label_ref made_of(label_list all)
{
    return all.empty() ? label_ref() : label_ref::taken(new label_set(std::move(all)));
}

} // namespace

namespace this_goroutine {

label_list labels()
{
    return label_ref(here().labels).list();
}

std::optional<std::string> label(std::string_view key)
{
    const label_ref set(here().labels);
    for (const auto& [k, v] : set.list()) {
        if (k == key) return v;
    }
    return std::nullopt;
}

void set_label(std::string key, std::string value)
{
    goroutine& g = here();
    label_list all = label_ref(g.labels).list();
    put(all, std::move(key), std::move(value));
    exchange_labels(g, made_of(std::move(all)));
}

bool remove_label(std::string_view key)
{
    goroutine& g = here();
    label_list all = label_ref(g.labels).list();
    const auto at = find(all, key);
    if (at == all.end() || at->first != key) return false;
    all.erase(at);
    exchange_labels(g, made_of(std::move(all)));
    return true;
}

} // namespace this_goroutine

label_scope::label_scope(std::initializer_list<std::pair<std::string, std::string>> added)
    : of_(here())
{
    label_list all = label_ref(of_.labels).list();
    for (const auto& [key, value] : added) put(all, key, value);
    before_ = exchange_labels(of_, made_of(std::move(all)));
}

label_scope::label_scope(std::string key, std::string value)
    : label_scope({{std::move(key), std::move(value)}})
{
}

label_scope::~label_scope()
{
    exchange_labels(of_, std::move(before_));
}

} // namespace weft::inline v0_1
