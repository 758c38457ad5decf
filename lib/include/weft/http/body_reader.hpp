// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/task.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

/// `body_reader`: the body of a message, as a stream.

namespace weft::inline v0_1::http {

namespace detail {

/// Where the pieces come from: a connection.
class WEFT_EXPORT body_source {
public:
    virtual task<std::string_view> read_body() = 0;

protected:
    ~body_source() = default;
};

} // namespace detail

/// Reads a body piece by piece, straight from the connection's buffer: a peer that sends faster than it is read is held back by
/// TCP. Chunks and lengths are undone already.
///
/// @par Thread safety  shared objects: unsafe. It belongs to the goroutine that serves the message.
/// @par Lifetime       until the handler returns, or the `client_response` goes.
class WEFT_EXPORT body_reader {
public:
    /// No body: at its end from the start.
    body_reader() noexcept = default;
    body_reader(detail::body_source* source, std::optional<std::uint64_t> length,
                bool ended) noexcept
        : source_(source), length_(length), ended_(ended)
    {
    }

    /// The next piece, at most 64 KiB; empty at the end, and from then on. Valid until the next call.
    /// @throws http::error         the peer broke the rules, sent too much or too slowly.
    /// @throws asio::system_error  the peer is gone.
    [[nodiscard]] task<std::string_view> read();

    /// All that is left, in one string.
    /// @param limit  bytes. @throws http::error  content_too_large: there are more; and as `read`.
    [[nodiscard]] task<std::string>
    read_all(std::size_t limit = std::numeric_limits<std::size_t>::max());

    /// What Content-Length announced, in bytes; nothing: the body is sent in chunks, or until the end of the connection.
    [[nodiscard]] std::optional<std::uint64_t> length() const noexcept { return length_; }
    [[nodiscard]] bool at_end() const noexcept { return ended_; }

private:
    detail::body_source* source_ = nullptr;
    std::optional<std::uint64_t> length_;
    bool ended_ = true;
};

} // namespace weft::inline v0_1::http
