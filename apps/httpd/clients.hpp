// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <asio/ip/address.hpp>

#include <map>
#include <mutex>

namespace httpd {

/// How many requests each client may send: a limiter for each address. Those that have not been seen for a minute are forgotten.
class clients {
public:
    clients(double rate, int burst) : rate_(rate), burst_(burst) {}

    /// Middleware: 429 with Retry-After for who sends too many. /healthz is not counted.
    [[nodiscard]] weft::http::handler limited(weft::http::handler next);

private:
    struct entry {
        weft::limiter tokens;
        weft::time_point seen;
    };

    /// Zero: it may go on; else how long the client should wait.
    weft::duration ask(const asio::ip::address& who);

    const double rate_;
    const int burst_;
    std::mutex mutex_;
    std::map<asio::ip::address, entry> known_; ///< under mutex_
    weft::time_point swept_{};                 ///< likewise
};

} // namespace httpd
