// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "queue.hpp"
#include "signer.hpp"

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

/// `deliverer`: one attempt at one job.

namespace relay {

/// How a failed attempt failed: a label of the metrics.
enum class failure_kind : std::uint8_t {
    none,       ///< it was delivered
    status,     ///< the host refused: a status that is neither 2xx, 429 nor 5xx
    busy,       ///< 429
    server,     ///< 5xx
    timeout,    ///< it did not answer in time
    connection, ///< no address, no connection, or it broke
    protocol,   ///< what it said was no HTTP
    refused,    ///< we may not deliver there
    broken_off  ///< by us, as we end or have lost the lease: no attempt at all
};
inline constexpr std::size_t failure_kinds = 9;
[[nodiscard]] std::string_view name_of(failure_kind k) noexcept;

struct attempt {
    failure_kind kind = failure_kind::none;
    attempt_result result{};
    /// No other attempt would do better: 410 Gone, or a target that is not allowed.
    bool final = false;
    /// The host asked for a pause, by Retry-After.
    std::optional<std::chrono::milliseconds> pause{};
    /// The host is up, whatever it said; nothing: it is not known.
    [[nodiscard]] std::optional<bool> host_answers() const noexcept;
};

struct deliverer_options {
    std::chrono::milliseconds timeout{
        15'000}; ///< of an attempt, from looking the name up to the response's end
    std::chrono::milliseconds connect_timeout{5'000};
    std::size_t connections_per_host = 32;
    bool allow_private = false; ///< deliver to this machine and to private networks too
    std::string trusted_certificates_file{}; ///< empty: the system's
};

/// Sends jobs to their targets, each as one POST, signed if there are keys: headers webhook-id, webhook-timestamp and
/// webhook-signature. Redirects are not followed: they are failures.
///
/// @par Thread safety  safe.
class deliverer {
public:
    deliverer(const deliverer_options& o, signer s);

    /// Never throws but for no memory. If `ctx` ends it is broken off.
    [[nodiscard]] weft::task<attempt> deliver(weft::context ctx, const job& j);

private:
    weft::task<attempt> try_to(weft::context ctx, const job& j);
    weft::task<attempt> send(weft::context ctx, const job& j);

    const deliverer_options options_;
    const signer signer_;
    weft::http::client client_;
};

} // namespace relay
