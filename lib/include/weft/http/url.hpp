// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Percent-encoding, queries and URLs.

namespace weft::inline v0_1::http {

/// Undoes %XX. Nothing: a % is not followed by two hexadecimal digits.
/// @param plus_is_space  as in queries and forms.
[[nodiscard]] WEFT_EXPORT std::optional<std::string> percent_decoded(std::string_view s,
                                                                     bool plus_is_space = false);
/// Encodes all but letters, digits and "-._~", so that it can stand as one segment of a path, or in a query.
[[nodiscard]] WEFT_EXPORT std::string percent_encoded(std::string_view s);

/// The decoded members of a query, or of a form's body ("a=1&b=x%20y"), in order. What cannot be decoded is left out.
[[nodiscard]] WEFT_EXPORT std::vector<std::pair<std::string, std::string>>
parse_query(std::string_view query);

/// An absolute URL of scheme http or https, in its parts.
struct WEFT_EXPORT url {
    std::string scheme; ///< "http" or "https"
    std::string host;   ///< lower case; an IPv6 address without its brackets
    std::uint16_t port = 0;
    std::string target; ///< path and query, encoded, "/" at least; without the fragment

    /// As the Host field has it: the port only if it is not the scheme's own.
    [[nodiscard]] std::string authority() const;
    [[nodiscard]] std::string text() const;

    /// @throws std::invalid_argument  it is none; the text says why.
    [[nodiscard]] static url parse(std::string_view text);
    /// Resolves a reference, as a Location has it, against this URL (RFC 3986 section 5.2).
    /// @throws std::invalid_argument  as `parse`.
    [[nodiscard]] url resolved(std::string_view reference) const;
};

} // namespace weft::inline v0_1::http
