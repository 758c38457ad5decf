// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// `signer`: how a receiver knows that a delivery is from us.

namespace relay {

/// Signs deliveries as the Standard Webhooks specification has it: HMAC-SHA256 over "id.timestamp.body".
///
/// Several keys make several signatures: while keys are changed a receiver accepts the old one or the new one.
///
/// @par Thread safety  safe.
class signer {
public:
    /// No keys: signs nothing.
    signer() = default;
    /// @param keys  each "whsec_" and base64 of 24 to 64 bytes.
    /// @throws std::invalid_argument  one is not; the text has no part of it.
    explicit signer(const std::vector<std::string>& keys);

    [[nodiscard]] bool has_keys() const noexcept { return !keys_.empty(); }
    /// What the header webhook-signature says: "v1,BASE64", one after the other.
    /// @param seconds  since the epoch: of the header webhook-timestamp.
    [[nodiscard]] std::string sign(std::string_view id, std::int64_t seconds,
                                   std::string_view body) const;

private:
    std::vector<std::string> keys_; ///< decoded
};

/// The keys in a file, one a line; what follows a '#', and empty lines, are left out.
/// @throws std::runtime_error  it cannot be read.
[[nodiscard]] std::vector<std::string> read_lines(const std::string& file);

} // namespace relay
