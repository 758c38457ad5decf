// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <stdexcept>
#include <system_error>

namespace weft::inline v0_1 {

/// What the environment can do to a waiting operation.
enum class errc {
    canceled = 1,      ///< the context was cancelled (Go: context.Canceled)
    deadline_exceeded, ///< the context's deadline passed; equals std::errc::timed_out
    stopped            ///< the runtime ended before the goroutine did
};

WEFT_EXPORT const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept
{
    return {static_cast<int>(e), error_category()};
}

/// The environment ended an operation: a context, a deadline, a stopped runtime.
class WEFT_EXPORT error : public std::system_error {
public:
    using std::system_error::system_error;
    explicit error(errc e) : std::system_error(make_error_code(e)) {}
};

/// A programming error that Go answers with a panic; `what()` is Go's own wording.
class WEFT_EXPORT misuse_error : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

namespace detail {
/// Out of line, so that the throwing code stays off the callers' hot path.
[[noreturn]] WEFT_EXPORT void throw_misuse(const char* what);
[[noreturn]] WEFT_EXPORT void throw_error(errc e);
} // namespace detail

} // namespace weft::inline v0_1

template <>
struct std::is_error_code_enum<weft::errc> : std::true_type {};
