// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http/body_reader.hpp>
#include <weft/http/headers.hpp>
#include <weft/http/status.hpp>
#include <weft/http/url.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

/// `client_response`: what a server answered.

namespace weft::inline v0_1::http {

namespace detail {
class client_exchange;
}

/// A response: its head, and its body as a stream. Once the body has been read to its end the connection goes back to the
/// client by itself; if the response is dropped before, the connection is closed.
///
/// @par Thread safety  distinct objects: safe. shared objects: unsafe.
class WEFT_EXPORT client_response {
public:
    explicit client_response(std::unique_ptr<detail::client_exchange> exchange);
    client_response(client_response&&) noexcept;
    client_response& operator=(client_response&&) noexcept;
    ~client_response();

    [[nodiscard]] http::status status() const noexcept;
    /// 200 to 299.
    [[nodiscard]] bool ok() const noexcept { return code(status()) / 100 == 2; }
    [[nodiscard]] const std::string& reason() const noexcept;
    [[nodiscard]] const headers& fields() const noexcept;
    /// The first value of that header field; empty if there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept
    {
        return fields().value_or(name, {});
    }
    /// What followed a body in chunks; complete once the body has been read.
    [[nodiscard]] const headers& trailers() const noexcept;
    /// Where it came from, after redirects.
    [[nodiscard]] const http::url& url() const noexcept;

    /// @throws weft::error  from reading: the context of the call ended, with its code. @throws http::error  bad_gateway: the
    ///                      server broke off.
    [[nodiscard]] body_reader& body() noexcept;
    /// The whole body. @throws http::error  content_too_large: more bytes than that; and as `body`.
    [[nodiscard]] task<std::string> text(std::size_t limit = 16UL * 1024 * 1024);

private:
    std::unique_ptr<detail::client_exchange> exchange_;
};

} // namespace weft::inline v0_1::http
