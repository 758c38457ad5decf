// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "http_peer.hpp"

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

/// Tables of requests, good and bad, and the server that they are sent to.

namespace weft_test {

/// Whatever it is asked, it answers with what it saw:
///
///     POST /a?b HTTP/1.1 example.org {Name: value} <the body> [Trailer: value]
///
/// The field Host stands there as the host; a part that is missing is left out.
class mirror {
public:
    explicit mirror(weft::http::server_options options = {});

    [[nodiscard]] served& server() noexcept { return served_; }
    [[nodiscard]] wire connect() const { return served_.connect(); }
    /// Whether a handler was called with that target.
    [[nodiscard]] bool has_seen(std::string_view target) const;

private:
    weft::task<> answer(weft::http::request& req, weft::http::response& res);

    mutable std::mutex mutex_;
    std::vector<std::string> targets_;
    served served_;
};

/// How bytes get to the server.
using sender = std::function<void(wire&, std::string_view)>;

void in_one_piece(wire& w, std::string_view bytes);
void byte_by_byte(wire& w, std::string_view bytes);
/// In two packets; the first one has been read before the second one comes.
sender cut_at(std::size_t position);

/// A request that a rule forbids.
struct bad_request {
    const char* rule;
    std::string bytes;
    std::vector<int> answers = {400}; ///< any of these
};

/// Sends each of them, with a good request right behind it, on a connection of its own: in one piece, and byte by byte if it
/// is short. There must be one answer, which says that the connection is closed, and then it must be closed; what was
/// behind must not have been taken for a request.
void all_are_refused(const std::vector<bad_request>& table,
                     weft::http::server_options options = {});
void is_refused(const mirror& m, const bad_request& row, const sender& send);

/// One or more requests that must be answered.
struct good_request {
    const char* rule;
    std::string bytes;
    std::vector<std::string> seen; ///< by the handler, one for each request
    bool closes = false;           ///< the connection, after the last one
};

/// Sends each of them, in one piece and byte by byte if it is short, and another one behind it, which is answered unless the
/// connection is to be closed.
void all_are_answered(const std::vector<good_request>& table,
                      weft::http::server_options options = {});
void is_answered(const mirror& m, const good_request& row, const sender& send);

/// A request line with the header it needs.
std::string with_line(std::string_view line);
/// A GET with these lines in its header, each with its line end, behind Host.
std::string with_fields(std::string_view lines);
/// A POST with these lines in its header, behind Host, and what follows it.
std::string post(std::string_view lines, std::string_view rest);
/// A POST with "Transfer-Encoding: chunked", and what follows its header.
std::string chunked(std::string_view rest);

} // namespace weft_test
