// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/goroutine.hpp>
#include <weft/detail/label_set.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Labels: key and value pairs on a goroutine, for dumps and profiles.

namespace weft::inline v0_1 {

/// Sorted by key.
using label_list = detail::label_list;

namespace this_goroutine {

/// The running goroutine's labels. @throws misuse_error  outside a goroutine.
[[nodiscard]] WEFT_EXPORT label_list labels();
/// The value of one; nothing: it has no such label. @throws misuse_error  outside a goroutine.
[[nodiscard]] WEFT_EXPORT std::optional<std::string> label(std::string_view key);

/// Sets a label of the running goroutine, or replaces it. Goroutines that it starts from now on have it too; those it
/// has started do not. A goroutine without labels costs nothing.
/// @throws misuse_error  outside a goroutine.
/// @par Source  Go runtime/pprof.SetGoroutineLabels.
WEFT_EXPORT void set_label(std::string key, std::string value);
/// Takes one away; false: there was none. @throws misuse_error  outside a goroutine.
WEFT_EXPORT bool remove_label(std::string_view key);

} // namespace this_goroutine

/// Labels for the length of a scope; its end puts back what was there before it.
///
///     const weft::label_scope labels{{"route", "/users"}, {"user", name}};
///     co_await answer(req);
///
/// @par Thread safety  belongs to the goroutine that made it.
/// @par Lifetime       a local variable of a coroutine of the goroutine; scopes end in the reverse order.
/// @par Source         Go runtime/pprof.Do.
class [[nodiscard]] WEFT_EXPORT label_scope {
public:
    /// @throws misuse_error  outside a goroutine.
    label_scope(std::initializer_list<std::pair<std::string, std::string>> added);
    label_scope(std::string key, std::string value);
    label_scope(const label_scope&) = delete;
    label_scope& operator=(const label_scope&) = delete;
    ~label_scope();

private:
    detail::goroutine& of_;
    detail::label_ref before_;
};

} // namespace weft::inline v0_1
