// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http/request.hpp>
#include <weft/http/url.hpp>

#include <string>
#include <string_view>

namespace weft::inline v0_1::http::detail {

/// A request without a connection.
struct request_builder {
    static void fill(request& r, std::string_view method, std::string_view target,
                     std::string_view host = "")
    {
        r.method_ = method;
        r.target_ = target;
        r.fields_.clear();
        if (!host.empty()) r.fields_.add("Host", host);
        r.host_ = r.fields_.value_or("Host", {});
        const std::string raw(r.raw_path());
        r.path_ = percent_decoded(raw).value_or(raw);
    }
};

} // namespace weft::inline v0_1::http::detail
