// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace httpd {

/// The JSON API below /api/notes: notes, kept in memory.
///
///     GET    /api/notes         all
///     POST   /api/notes         {"text": "..."}: a new one; 201 and its Location
///     GET    /api/notes/{id}    one
///     PUT    /api/notes/{id}    {"text": "..."}: replaces it
///     DELETE /api/notes/{id}    204
class notes {
public:
    void add_routes(weft::http::server& to);

private:
    weft::task<> list(weft::http::request& req, weft::http::response& res);
    weft::task<> create(weft::http::request& req, weft::http::response& res);
    weft::task<> show(weft::http::request& req, weft::http::response& res);
    weft::task<> replace(weft::http::request& req, weft::http::response& res);
    weft::task<> remove(weft::http::request& req, weft::http::response& res);

    weft::rw_mutex mutex_;
    std::map<std::uint64_t, std::string> texts_; ///< under mutex_
    std::uint64_t last_ = 0;                     ///< likewise
};

} // namespace httpd
