// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http/headers.hpp>
#include <weft/task.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// `client_request`: what a client asks.

namespace weft::inline v0_1::http {

/// Where the pieces of a request's body go.
class WEFT_EXPORT body_writer {
public:
    /// Sends it, with backpressure. @throws asio::system_error  the server takes no more.
    [[nodiscard]] virtual task<> write(std::string_view piece) = 0;

protected:
    ~body_writer() = default;
};

/// A request. Host, Content-Length, Transfer-Encoding, Connection and Expect are the client's own: in `fields` they are ignored.
struct client_request {
    std::string method = "GET"; ///< a token, in upper case
    std::string url{};          ///< absolute
    headers fields{};
    std::string body{};
    /// In place of `body`: called once to write it. A request with a stream is neither repeated nor redirected with it.
    std::function<task<>(body_writer&)> stream{};
    /// How many bytes the stream will have; nothing: it goes in chunks.
    std::optional<std::uint64_t> stream_length{};
};

} // namespace weft::inline v0_1::http
