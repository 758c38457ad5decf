// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

namespace httpd {

/// Counts what is answered, and tells Prometheus (text format 0.0.4).
class metrics {
public:
    void observe(const weft::http::request& req, const weft::http::response& res,
                 weft::duration took);

    /// The page of /metrics.
    [[nodiscard]] std::string page(const weft::http::server_statistics& server) const;

private:
    static constexpr std::array<double, 11> bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                   0.05,   0.1,   0.25,   1,     5}; ///< seconds

    struct series {
        std::array<std::uint64_t, bounds.size() + 1> below{}; ///< each time in one of them
        std::uint64_t count = 0;
        double sum = 0;
        std::uint64_t bytes = 0;
    };

    mutable std::mutex mutex_;
    /// By method, pattern and status, under mutex_. Patterns, not paths: there is a bounded number of them.
    std::map<std::tuple<std::string, std::string, int>, series, std::less<>> all_;
};

} // namespace httpd
