// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

/// `tokens`: who may use the API.

namespace relay {

/// The API's tokens, each with a name to tell it by and a rate of its own. Only their SHA-256 is kept; which one a request brings is found
/// in a time that does not depend on it.
///
/// @par Thread safety  safe.
class tokens {
public:
    /// @param lines  each "name secret". @param rate  requests per second for each; 0: any number.
    /// @throws std::invalid_argument  a line is none, a secret has fewer than 16 characters, a name comes twice; the text
    ///                                has no secret in it.
    explicit tokens(const std::vector<std::string>& lines, double rate = 0);

    /// None: whoever asks is let in.
    [[nodiscard]] bool empty() const noexcept { return known_.empty(); }
    /// Middleware: 401 for those without a token, but for the page itself and /healthz; 429 for those who ask too often.
    [[nodiscard]] weft::http::handler guarded(weft::http::handler next) const;

private:
    using digest = std::array<unsigned char, 32>;
    struct known {
        std::string name;
        digest sum;
        weft::limiter rate;
    };

    [[nodiscard]] static digest digest_of(std::string_view secret);
    [[nodiscard]] const known* find(std::string_view secret) const;

    std::vector<known> known_;
};

} // namespace relay
