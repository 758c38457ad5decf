// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/region.hpp>

#include "contention_tables.hpp"
#include "trace_session.hpp"

#include <weft/detail/observer.hpp>

#include <string>

namespace weft::inline v0_1::debug {

using detail::note_user;
using detail::trace_kind;

namespace {

bool is_traced() noexcept
{
    return (detail::observer_bits() & detail::observer_bit::trace) != 0;
}

detail::trace_texts& texts()
{
    return detail::trace_session::the().texts;
}

void log_to(std::uint64_t task, std::string_view category, std::string_view message)
{
    if (!is_traced()) return;
    std::string text(category);
    text.append(1, '\0').append(message);
    note_user(trace_kind::logged, texts().number_of_message(text), task);
}

} // namespace

trace_task::trace_task(std::string_view name)
{
    if (!is_traced()) return;
    static constinit detail::atomic<std::uint64_t> latest{0};
    id_ = latest.fetch_add(1, std::memory_order_relaxed) + 1;
    name_ = texts().number_of_name(name);
    note_user(trace_kind::task_began, name_, id_);
}

trace_task::~trace_task()
{
    if (id_) note_user(trace_kind::task_ended, name_, id_);
}

region::region(const trace_task* of, std::string_view name)
{
    if (!is_traced()) return;
    name_ = texts().number_of_name(name);
    task_ = of ? of->id() : 0;
    note_user(trace_kind::region_began, name_, task_);
}

region::~region()
{
    if (name_) note_user(trace_kind::region_ended, name_, task_);
}

void trace_log(std::string_view category, std::string_view message)
{
    log_to(0, category, message);
}

void trace_log(const trace_task& of, std::string_view category, std::string_view message)
{
    log_to(of.id(), category, message);
}

} // namespace weft::inline v0_1::debug
