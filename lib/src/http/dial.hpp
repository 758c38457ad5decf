// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/http/client_options.hpp>
#include <weft/http/url.hpp>
#include <weft/task.hpp>

#include <asio/ip/tcp.hpp>

/// How a client reaches a host.

namespace weft::inline v0_1::http::detail {

/// Looks the name up and connects to the first of its addresses that answers. Each gets its share of the time that `ctx` leaves,
/// so that one that swallows packets does not use up all of it.
///
/// @throws weft::error         `ctx` ended.
/// @throws asio::system_error  why the first address could not be reached, or that there is none; with the host's name.
/// @par Source  Go net.Dialer (dialSerial, partialDeadline).
[[nodiscard]] task<asio::ip::tcp::socket> dial(context ctx, const url& to,
                                               const client_options& options);

} // namespace weft::inline v0_1::http::detail
