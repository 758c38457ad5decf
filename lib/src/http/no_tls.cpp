// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "stream.hpp"

#include <weft/error.hpp>

/// In place of tls_stream.cpp where there is no OpenSSL.

namespace weft::inline v0_1::http::detail {

class tls_context {};

namespace {
constexpr const char* why = "http: weft was built without TLS (OpenSSL was not found)";
}

std::shared_ptr<tls_context> make_server_tls(const tls_options&)
{
    weft::detail::throw_misuse(why);
}
std::unique_ptr<stream> make_server_tls_stream(asio::ip::tcp::socket, std::shared_ptr<tls_context>)
{
    weft::detail::throw_misuse(why);
}
std::shared_ptr<tls_context> make_client_tls(const std::string&)
{
    weft::detail::throw_misuse(why);
}
std::unique_ptr<stream> make_client_tls_stream(asio::ip::tcp::socket, std::shared_ptr<tls_context>,
                                               const std::string&)
{
    weft::detail::throw_misuse(why);
}

} // namespace weft::inline v0_1::http::detail
