// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "tokens.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace relay {

namespace http = weft::http;

tokens::tokens(const std::vector<std::string>& lines, double rate)
{
    const double per_second = rate > 0 ? rate : weft::limiter::inf;
    const int burst = std::max(1, static_cast<int>(std::min(rate, 1e6)));
    for (const std::string& line : lines) {
        const std::size_t end = line.find_first_of(" \t");
        const std::size_t begin = line.find_first_not_of(" \t", end);
        if (end == std::string::npos || begin == std::string::npos)
            throw std::invalid_argument("a token's line is a name, a blank and a secret");
        const std::string name = line.substr(0, end);
        const std::string_view secret = std::string_view(line).substr(begin);
        if (secret.size() < 16)
            throw std::invalid_argument("the secret of token " + name +
                                        " is too short: 16 characters at least");
        if (std::any_of(known_.begin(), known_.end(),
                        [&](const known& k) { return k.name == name; }))
            throw std::invalid_argument("there are two tokens " + name);
        known_.push_back({name, digest_of(secret), weft::limiter(per_second, burst)});
    }
}

tokens::digest tokens::digest_of(std::string_view secret)
{
    digest sum{};
    SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), sum.data());
    return sum;
}

const tokens::known* tokens::find(std::string_view secret) const
{
    const digest sum = digest_of(secret);
    const known* found = nullptr;
    for (const known& k : known_) { // all of them, whichever it is
        if (CRYPTO_memcmp(k.sum.data(), sum.data(), sum.size()) == 0) found = &k;
    }
    return found;
}

http::handler tokens::guarded(http::handler next) const
{
    return [this, next = std::move(next)](http::request& req, http::response& res) -> weft::task<> {
        if (!known_.empty() && req.path() != "/" && req.path() != "/healthz") {
            constexpr std::string_view scheme = "bearer ";
            const std::string_view sent = req.header("Authorization");
            const bool bearer = sent.size() > scheme.size() &&
                                http::equal_ignoring_case(sent.substr(0, scheme.size()), scheme);
            const known* const who = bearer ? find(sent.substr(scheme.size())) : nullptr;
            if (who == nullptr) {
                res.set_header("WWW-Authenticate", "Bearer");
                throw http::error(http::status::unauthorized,
                                  "a token is needed: Authorization: Bearer TOKEN");
            }
            if (!who->rate.allow()) {
                res.set_header("Retry-After", "1");
                throw http::error(http::status::too_many_requests,
                                  "too many requests with this token");
            }
        }
        co_await next(req, res);
    };
}

} // namespace relay
