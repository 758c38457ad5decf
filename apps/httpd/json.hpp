// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http.hpp>

#include <nlohmann/json.hpp>

/// JSON in and out.

namespace httpd {

/// The request's body. @throws http::error  unsupported_media_type, or bad_request: it is none.
inline weft::task<nlohmann::json> read_json(weft::http::request& req)
{
    namespace http = weft::http;
    const std::string_view type = req.header("Content-Type");
    const std::string_view plain = type.substr(0, type.find(';'));
    if (!http::equal_ignoring_case(plain, "application/json"))
        throw http::error(http::status::unsupported_media_type, "application/json is needed");
    const std::string text = co_await req.body().read_all();
    nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
    if (parsed.is_discarded()) throw http::error(http::status::bad_request, "the body is no JSON");
    co_return parsed;
}

inline void send_json(weft::http::response& res, const nlohmann::json& j)
{
    // Texts of clients may be anything but UTF-8; an answer is not the place to fail for it.
    res.send(j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
             "application/json");
}

} // namespace httpd
