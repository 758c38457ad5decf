// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "fibre.hpp"

#include <weft/detail/timekeeper.hpp>

#include <cxxabi.h>
#include <ucontext.h>

#include <utility>

#if defined(WEFT_ASAN)
#    include <sanitizer/common_interface_defs.h>
#endif

namespace weft_model {

namespace {

constexpr std::size_t stack_size = std::size_t{256} << 10;

#if defined(WEFT_ASAN)
const void* root_stack = nullptr; // learnt from the first switch, which comes from there
std::size_t root_size = 0;
#endif

} // namespace

fibre::fibre(std::uint64_t number, void (*after)())
    : id(number), after_(after), stack_(new std::byte[stack_size])
{
}

fibre::~fibre() = default;

fibre::belongings& fibre::of(fibre* f)
{
    static belongings root;
    return f ? f->own_ : root;
}

void fibre::body(unsigned high, unsigned low)
{
    auto* self = reinterpret_cast<fibre*>(std::uintptr_t{high} << 32 | low);
#if defined(WEFT_ASAN)
    if (!root_stack) __sanitizer_finish_switch_fiber(nullptr, &root_stack, &root_size);
    else __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
    for (;;) {
        self->task();
        self->task = nullptr;
        self->after_();
    }
}

void fibre::change(fibre* from, fibre* to)
{
    belongings& here = of(from);
    belongings& there = of(to);
    auto* exceptions = reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
    here.thread = weft::detail::this_thread;
    here.exceptions = *exceptions;
    weft::detail::this_thread = there.thread;
    *exceptions = there.exceptions;
    here.unarmed = std::exchange(weft::detail::changed_here(), std::move(there.unarmed));
    here.rung = std::exchange(weft::detail::rung_here(), there.rung);
    here.spreading = std::exchange(weft::detail::spreading_here(), there.spreading);
#if defined(WEFT_ASAN)
    __sanitizer_start_switch_fiber(&here.fake_stack, to ? to->stack_.get() : root_stack,
                                   to ? stack_size : root_size);
#endif
    if (_setjmp(here.at) == 0) {
        if (to && !to->started_) {
            to->started_ = true;
            ucontext_t first;
            ::getcontext(&first);
            first.uc_stack.ss_sp = to->stack_.get();
            first.uc_stack.ss_size = stack_size;
            first.uc_link = nullptr;
            const auto bits = reinterpret_cast<std::uintptr_t>(to);
            ::makecontext(&first, reinterpret_cast<void (*)()>(&fibre::body), 2,
                          static_cast<unsigned>(bits >> 32), static_cast<unsigned>(bits));
            ::setcontext(&first);
        }
        _longjmp(there.at, 1);
    }
#if defined(WEFT_ASAN)
    __sanitizer_finish_switch_fiber(here.fake_stack, nullptr, nullptr);
#endif
}

} // namespace weft_model
