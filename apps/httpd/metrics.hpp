// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/debug/metrics.hpp>
#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace httpd {

/// Counts what is answered, in the process's metrics.
class metrics {
public:
    void observe(const weft::http::request& req, const weft::http::response& res,
                 weft::duration took);

private:
    struct series {
        weft::debug::histogram& seconds;
        weft::debug::counter& bytes;
    };

    std::mutex mutex_;
    /// By method, pattern and status, under mutex_. Patterns, not paths: there is a bounded number of them.
    std::map<std::tuple<std::string, std::string, int>, series, std::less<>> all_;
};

/// Shows what the server says of its connections, as long as the result lives; the server must live longer.
[[nodiscard]] std::vector<weft::debug::metric_registration>
show_connections(weft::http::server& server);

} // namespace httpd
