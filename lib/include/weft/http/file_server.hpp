// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/http/handler.hpp>

#include <filesystem>
#include <string>
#include <string_view>

/// `file_server`: a handler that answers with files.

namespace weft::inline v0_1::http {

struct file_server_options {
    /// The wildcard of the route that holds the file's path: "GET /static/{path...}".
    std::string wildcard = "path";
    /// What stands for a directory.
    std::string index = "index.html";
    /// Also files whose names begin with a dot; without it only those below ".well-known".
    bool hidden_files = false;
    /// How long a client may use a file without asking again (Cache-Control); zero: it asks each time.
    duration max_age{0};
};

/// Serves the files below `root` to GET and HEAD: with ETag and Last-Modified (If-None-Match, If-Modified-Since: 304), one
/// byte range (Range, If-Range: 206 or 416), and the Content-Type that goes with the name. A file is read while it is sent;
/// what the system's cache does not have is read on the side pool.
///
/// Nothing outside of `root` can be reached, not by "..", not by a symbolic link that leads out.
///
/// @throws std::invalid_argument  `root` is no directory.
/// @par Source  RFC 9110 sections 13 and 14; Go http.FileServer.
[[nodiscard]] WEFT_EXPORT handler file_server(const std::filesystem::path& root,
                                              file_server_options options = {});

/// By the name's ending; "application/octet-stream" if it is not known.
[[nodiscard]] WEFT_EXPORT std::string_view media_type(std::string_view file_name) noexcept;

} // namespace weft::inline v0_1::http
