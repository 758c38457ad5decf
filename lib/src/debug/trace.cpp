// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/trace.hpp>

#include "ticks_in.hpp"
#include "trace_session.hpp"

#include <weft/defer.hpp>
#include <weft/detail/observer.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/detail/world.hpp>
#include <weft/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>

namespace weft::inline v0_1::detail {

using namespace std::chrono_literals;

patient_lock::patient_lock(os_mutex& m, patience_of patience) : mutex_(m)
{
    if (patience == forever && !is_forked_off()) {
        m.lock();
        held_ = true;
        return;
    }
    constexpr int turns = 300; // of a millisecond: longer than any copy takes
    for (int i = 0; !held_ && i < (patience != little && !is_forked_off() ? turns : 10); ++i) {
        held_ = m.try_lock();
        if (!held_) pause_thread(1ms);
    }
}

// ---------------------------------------------------------------- texts

std::uint64_t trace_texts::number_of_name(std::string_view name)
{
    const patient_lock lock(mutex_, patient_lock::forever);
    if (!lock) return 0;
    if (const auto found = names_.find(std::string(name)); found != names_.end())
        return found->second;
    if (names_.size() >= most_names) names_.clear(); // those in use get a new number
    return names_.emplace(name, next_++).first->second;
}

std::uint64_t trace_texts::number_of_message(std::string_view text)
{
    const patient_lock lock(mutex_, patient_lock::forever);
    if (!lock) return 0;
    messages_.emplace_back(next_, text);
    message_bytes_ += text.size() + sizeof(messages_.front());
    while (message_bytes_ > most_message_bytes && messages_.size() > 1) {
        message_bytes_ -= messages_.front().second.size() + sizeof(messages_.front());
        messages_.pop_front();
    }
    return next_++;
}

std::unordered_map<std::uint64_t, std::string> trace_texts::all()
{
    std::unordered_map<std::uint64_t, std::string> copy;
    const patient_lock lock(mutex_);
    if (!lock) return copy;
    for (const auto& [text, number] : names_) copy.emplace(number, text);
    for (const auto& [number, text] : messages_) copy.emplace(number, text);
    return copy;
}

// ---------------------------------------------------------------- session

trace_session& trace_session::the()
{
    static auto* s = new trace_session; // never destroyed: workers may end late
    return *s;
}

bool trace_session::has(reader r) const noexcept
{
    return on_[static_cast<unsigned>(r)].load(std::memory_order_relaxed);
}

bool trace_session::begin(reader r, std::size_t records_per_worker)
{
    constexpr std::size_t least = 1 << 8, most = std::size_t{1} << 26;
    const auto at = static_cast<unsigned>(r);
    {
        std::lock_guard lock(mutex_);
        if (on_[at].load(std::memory_order_relaxed)) return false;
        on_[at].store(true, std::memory_order_relaxed);
        records_ = std::max(records_, std::clamp(records_per_worker, least, most));
        from_[at] = ticks();
        observe(observer_bit::trace, true);
    }
    // Those that are made from here on give their workers rings themselves.
    try {
        for (const auto& s : world()) attach(*s);
    } catch (...) {
        end(r);
        throw;
    }
    return true;
}

void trace_session::end(reader r) noexcept
{
    const patient_lock lock(mutex_);
    on_[static_cast<unsigned>(r)].store(false, std::memory_order_relaxed);
    if (!lock) return; // the process is past helping: its hooks go on writing
    for (const auto& on : on_) {
        if (on.load(std::memory_order_relaxed)) return;
    }
    observe(observer_bit::trace, false);
    records_ = 0;
    drop_unused();
}

/// Those whose workers have ended. A worker may still be in the middle of a record, so the others stay.
void trace_session::drop_unused() noexcept
{
    std::erase_if(rings_, [](const kept_ring& k) { return !k.owner; });
}

void trace_session::attach(scheduler& s)
{
    std::lock_guard lock(mutex_);
    if ((observer_bits() & observer_bit::trace) == 0) return;
    for (worker* w : s.all_workers()) {
        const trace_ring* old = w->notes.ring.load(std::memory_order_relaxed);
        if (old && old->capacity() >= records_) continue;
        // The holder may be writing into the old one; that stays, with what is in it.
        rings_.push_back({std::make_unique<trace_ring>(records_), w, s.number, w->index});
        w->notes.ring.store(rings_.back().ring.get(), std::memory_order_release);
    }
}

void trace_session::detach(worker& w) noexcept
{
    std::lock_guard lock(mutex_);
    for (kept_ring& k : rings_) {
        if (k.owner == &w) k.owner = nullptr;
    }
    w.notes.ring.store(nullptr, std::memory_order_relaxed);
    if ((observer_bits() & observer_bit::trace) == 0) drop_unused();
}

namespace {

/// Id, runtime, name and spawn site of all goroutines, without stopping any.
std::vector<debug::goroutine_info> roll_call()
{
    struct entry {
        std::uint64_t id;
        std::source_location spawn_site;
        std::size_t length;
        std::array<char, 64> name;
    };
    std::vector<debug::goroutine_info> all;
    for (const auto& s : world()) {
        for (registry_shard* shard : s->shards()) {
            shard->lock.lock();
            const std::size_t count = shard->count;
            shard->lock.unlock();
            std::vector<entry> taken;
            taken.reserve(count + 64);
            shard->lock.lock();
            for (goroutine* g = shard->live.front(); g && taken.size() < taken.capacity();
                 g = intrusive_list<goroutine>::next(g)) {
                entry e{g->id, g->spawn_site, 0, {}};
                if (g->extras) e.length = g->extras->name.copy(e.name.data(), e.name.size());
                taken.push_back(e);
            }
            shard->lock.unlock();
            for (const entry& e : taken) {
                debug::goroutine_info& g = all.emplace_back();
                g.id = e.id;
                g.runtime = s->number;
                g.name.assign(e.name.data(), e.length);
                g.spawn_site = e.spawn_site;
            }
        }
    }
    return all;
}

} // namespace

std::optional<trace_copy> trace_session::read(reader r, std::optional<duration> span, bool calm)
{
    if (is_forked_off()) calm = false;
    trace_copy c;
    c.nanos_per_tick = detail::nanos_per_tick();
    if (calm) c.living = roll_call();
    {
        const patient_lock lock(mutex_, calm ? patient_lock::some : patient_lock::little);
        if (!lock) return std::nullopt;
        c.to = ticks();
        c.from = from_[static_cast<unsigned>(r)];
        if (span) {
            const std::uint64_t back = ticks_in(*span, c.nanos_per_tick);
            if (back < c.to) c.from = std::max(c.from, c.to - back);
        }
        for (const kept_ring& k : rings_) {
            c.workers.push_back({k.ring->read(), k.runtime, k.index});
            // The worker writes into a larger one by now, or not at all.
            if (!k.owner || k.owner->notes.ring.load(std::memory_order_relaxed) != k.ring.get())
                c.workers.back().ring.running = 0;
        }
        c.outside = outside_->read();
    }
    c.texts = texts.all();
    return c;
}

} // namespace weft::inline v0_1::detail

// ---------------------------------------------------------------- the doors

namespace weft::inline v0_1::debug {

using detail::trace_session;
using reader = trace_session::reader;

trace::trace(trace_options o)
{
    if (!trace_session::the().begin(reader::trace, o.records_per_worker))
        detail::throw_misuse("tracing is already enabled");
}

trace::~trace()
{
    if (running_) trace_session::the().end(reader::trace);
}

void trace::stop(std::ostream& out)
{
    if (!std::exchange(running_, false)) return;
    const auto c = [] {
        const defer ended([] { trace_session::the().end(reader::trace); }); // also without memory
        return trace_session::the().read(reader::trace, std::nullopt, true);
    }();
    if (c) detail::write_trace(out, *c);
}

bool trace::is_enabled() noexcept
{
    return (detail::observer_bits() & detail::observer_bit::trace) != 0;
}

namespace {

struct panic_file {
    detail::os_mutex mutex; ///< guards both
    std::string path;
    duration span{};
};

panic_file& the_panic_file()
{
    static auto* f = new panic_file;
    return *f;
}

bool write_recorded(std::ostream& out, duration span, bool calm)
{
    const auto c = trace_session::the().read(reader::recorder, span, calm);
    if (!c) return false;
    detail::write_trace(out, *c);
    return true;
}

} // namespace

flight_recorder::flight_recorder(flight_recorder_options o) : options_(std::move(o))
{
    if (!trace_session::the().begin(reader::recorder, options_.records_per_worker))
        detail::throw_misuse("flight recorder is already enabled");
    std::lock_guard lock(the_panic_file().mutex);
    the_panic_file().path = options_.panic_file;
    the_panic_file().span = options_.span;
}

flight_recorder::~flight_recorder()
{
    {
        std::lock_guard lock(the_panic_file().mutex);
        the_panic_file().path.clear();
    }
    trace_session::the().end(reader::recorder);
}

bool flight_recorder::dump(std::ostream& out) const
{
    return write_recorded(out, options_.span, true);
}

bool flight_recorder::dump_after_crash(std::ostream& out) const
{
    return write_recorded(out, options_.span, false);
}

bool flight_recorder::dump_if_slower_than(duration limit, time_point began, std::ostream& out) const
{
    return clock::now() - began > limit && dump(out);
}

} // namespace weft::inline v0_1::debug

namespace weft::inline v0_1::detail {

void note_panic() noexcept
{
    if (!trace_session::the().has(trace_session::reader::recorder)) return;
    try {
        auto& f = debug::the_panic_file();
        const patient_lock lock(f.mutex);
        if (!lock || f.path.empty()) return;
        std::ofstream out(f.path, std::ios::trunc);
        debug::write_recorded(out, f.span, true);
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // The panic itself is more important.
    }
}

} // namespace weft::inline v0_1::detail
