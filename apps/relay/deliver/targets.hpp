// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "job.hpp"

#include <asio/ip/address.hpp>

#include <string>
#include <string_view>

/// Where may be delivered to.

namespace relay {

/// Out in the world: not this machine, not a private network, no link-local (as a cloud's metadata service), no multicast, nor
/// one of these in the clothes of IPv6.
[[nodiscard]] bool is_public(const asio::ip::address& a) noexcept;

/// Reads a target: sets `target` and `host`.
/// @throws std::invalid_argument  no http or https URL; or its address is not public, and `allow_private` is not set. A name is
///                                looked up when it is delivered to, and judged then.
void set_target(delivery& what, std::string_view url, bool allow_private);

/// For logs and lists: what may be secret is left out, the query.
[[nodiscard]] std::string without_query(std::string_view target);
/// Makes an ellipsis of each place where `text` names `secret`.
void hide(std::string& text, std::string_view secret);

} // namespace relay
