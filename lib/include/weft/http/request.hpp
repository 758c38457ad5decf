// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/http/body_reader.hpp>
#include <weft/http/headers.hpp>

#include <asio/ip/tcp.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// `request`: what a handler was asked.

namespace weft::inline v0_1::http {

namespace detail {
class connection;
class routing;
struct request_builder; // of the tests

/// Makes the context of a request when it is first asked for.
class WEFT_EXPORT context_source {
public:
    virtual context request_context() = 0;

protected:
    ~context_source() = default;
};
} // namespace detail

/// A request as its handler sees it. It belongs to the connection; all views are valid until the handler returns.
///
/// @par Thread safety  shared objects: unsafe. A request and its response belong to one goroutine at a time.
/// @par Source         Go net/http.Request.
class WEFT_EXPORT request {
public:
    request() = default;
    request(const request&) = delete;
    request& operator=(const request&) = delete;

    /// "GET", "POST", ...
    [[nodiscard]] std::string_view method() const noexcept { return method_; }
    /// As it was sent: "/a%20b?c=d", or "*".
    [[nodiscard]] std::string_view target() const noexcept { return target_; }
    /// The path of the target, decoded: "/a b".
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// The path as it was sent: "/a%20b".
    [[nodiscard]] std::string_view raw_path() const noexcept;
    /// What follows the question mark, as it was sent.
    [[nodiscard]] std::string_view query() const noexcept;
    /// The decoded value of the query's first member of that name.
    [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
    /// Host and port that the client asked for.
    [[nodiscard]] std::string_view host() const noexcept { return host_; }
    /// 1.0 or 1.1: the number behind the dot.
    [[nodiscard]] int minor_version() const noexcept { return minor_version_; }

    [[nodiscard]] const headers& fields() const noexcept { return fields_; }
    /// The first value of that header field; empty if there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept
    {
        return fields_.value_or(name, {});
    }
    /// What followed a body in chunks; complete once the body has been read.
    [[nodiscard]] const headers& trailers() const noexcept { return trailers_; }

    /// What a wildcard of the route stands for, decoded; empty: the route has no such wildcard.
    [[nodiscard]] std::string_view path_value(std::string_view wildcard) const noexcept;
    /// The pattern that led here, as it was registered: good as a label. Empty if none did.
    [[nodiscard]] std::string_view pattern() const noexcept { return pattern_; }

    [[nodiscard]] body_reader& body() noexcept { return body_; }

    /// Ends when the client goes away, when the server's `handler_timeout` has passed, and when the handler returns. A handler
    /// that never asks for it costs nothing; one that waits for long should ask, and wait with it:
    ///
    ///     auto row = co_await rows.receive(req.context());
    ///
    /// The client is seen to go once the body has been read, and while it does not send the next request ahead.
    /// @throws misuse_error  not called on the goroutine of the handler, the first time.
    [[nodiscard]] const weft::context& context();
    /// Replaces the context for the handlers to come, by one derived from it: for middleware.
    void set_context(weft::context ctx) noexcept { context_ = std::move(ctx); }

    [[nodiscard]] const asio::ip::tcp::endpoint& remote_endpoint() const noexcept
    {
        return remote_;
    }
    /// By TLS.
    [[nodiscard]] bool is_encrypted() const noexcept { return encrypted_; }

private:
    friend class detail::connection;
    friend class detail::routing;
    friend struct detail::request_builder;

    std::string_view method_;
    std::string target_;
    std::string path_;
    std::string_view host_;
    int minor_version_ = 1;
    bool encrypted_ = false;
    headers fields_;
    headers trailers_;
    body_reader body_;
    std::vector<std::pair<std::string_view, std::string>> path_values_;
    std::string_view pattern_;
    asio::ip::tcp::endpoint remote_;
    detail::context_source* context_source_ = nullptr;
    weft::context context_; ///< nil until asked for
};

} // namespace weft::inline v0_1::http
