// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>

namespace weft::inline v0_1 {

/// Runs a function at scope exit, last in first out: `defer d([&] { ... });`
///
/// The function must not throw (that would terminate) and cannot await: it runs in a destructor.
/// @par Source  Go spec "Defer statements", at scope instead of function exit.
template <class F>
class [[nodiscard]] defer {
public:
    explicit defer(F f) noexcept(noexcept(F(std::move(f)))) : f_(std::move(f)) {}
    defer(const defer&) = delete;
    defer& operator=(const defer&) = delete;
    ~defer() { f_(); }

private:
    F f_;
};

} // namespace weft::inline v0_1
