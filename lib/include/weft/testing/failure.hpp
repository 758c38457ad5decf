// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/debug/goroutines.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// `failure`: what the testing kit throws when a program is wrong.

namespace weft::inline v0_1::testing {

enum class failure_kind {
    deadlock, ///< all goroutines of a bubble wait for each other
    leak,     ///< goroutines are left that nobody will end
    visit,    ///< a bubble's channel or timer was used from outside of it
    livelock, ///< more slices than `most_slices`, and no end
    stuck,    ///< something outside the bubble did not come within `patience`
};

/// A program that is wrong although nobody threw. `what()` says what happened, with a dump of the
/// goroutines concerned.
class WEFT_EXPORT failure : public std::runtime_error {
public:
    failure(failure_kind kind, const std::string& text,
            std::vector<debug::goroutine_info> goroutines)
        : std::runtime_error(text), kind_(kind), goroutines_(std::move(goroutines))
    {
    }

    [[nodiscard]] failure_kind kind() const noexcept { return kind_; }
    /// Those that were there when it failed.
    [[nodiscard]] const std::vector<debug::goroutine_info>& goroutines() const noexcept
    {
        return goroutines_;
    }

private:
    failure_kind kind_;
    std::vector<debug::goroutine_info> goroutines_;
};

} // namespace weft::inline v0_1::testing
