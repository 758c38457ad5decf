// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "world.hpp"

#include <weft/weft.hpp>

#include <string>
#include <utility>

namespace weft_model {

/// A runtime on the host's threads. A panic fails the model.
class machine {
public:
    explicit machine(unsigned procs = 2)
        : runtime(host(), {.procs = procs,
                           .on_panic = weft::panic_policy([](const weft::panic_info& p) {
                               fail(std::string(p.report), {});
                           })})
    {
    }

    template <class... A>
    void go(A&&... a)
    {
        weft::go(runtime.get_executor(), std::forward<A>(a)...);
    }

    /// Until no goroutine is left.
    void join() { runtime.join(); }

    weft::runtime runtime;
};

} // namespace weft_model
