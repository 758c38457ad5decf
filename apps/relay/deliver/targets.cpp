// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "targets.hpp"

#include <weft/http.hpp>

#include <cstdint>
#include <stdexcept>

namespace relay {

namespace {

bool is_public(asio::ip::address_v4 a) noexcept
{
    const std::uint32_t n = a.to_uint();
    const auto within = [n](std::uint32_t net, int bits) { return (n ^ net) >> (32 - bits) == 0; };
    return !within(0x00000000, 8) &&  // this network
           !within(0x0a000000, 8) &&  // private
           !within(0x64400000, 10) && // shared by a carrier
           !within(0x7f000000, 8) &&  // loopback
           !within(0xa9fe0000, 16) && // link-local
           !within(0xac100000, 12) && // private
           !within(0xc0000000, 24) && // protocol assignments
           !within(0xc0a80000, 16) && // private
           !within(0xc6120000, 15) && // benchmarks
           !within(0xe0000000, 3);    // multicast, reserved, broadcast
}

bool is_public(const asio::ip::address_v6& a) noexcept
{
    const auto b = a.to_bytes();
    const auto v4_at = [&b](std::size_t i) {
        return asio::ip::address_v4({b[i], b[i + 1], b[i + 2], b[i + 3]});
    };
    bool zeros = true; // the first ten bytes
    for (std::size_t i = 0; i < 10; ++i) zeros = zeros && b[i] == 0;
    if (zeros && ((b[10] == 0xff && b[11] == 0xff) || (b[10] == 0 && b[11] == 0)))
        return is_public(v4_at(12)); // mapped, compatible; :: and ::1 among them
    if (b[0] == 0x00 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b) return is_public(v4_at(12));
    if (b[0] == 0x20 && b[1] == 0x02) return is_public(v4_at(2)); // 6to4
    return (b[0] & 0xfe) != 0xfc &&                               // unique local
           !(b[0] == 0xfe && (b[1] & 0xc0) == 0x80) &&            // link-local
           !(b[0] == 0xfe && (b[1] & 0xc0) == 0xc0) &&            // site-local
           b[0] != 0xff;                                          // multicast
}

} // namespace

bool is_public(const asio::ip::address& a) noexcept
{
    return a.is_v4() ? is_public(a.to_v4()) : is_public(a.to_v6());
}

void set_target(delivery& what, std::string_view url, bool allow_private)
{
    const weft::http::url to = weft::http::url::parse(url);
    if (!allow_private) {
        asio::error_code no_address;
        const auto address = asio::ip::make_address(to.host, no_address);
        const std::string_view host = to.host;
        const bool here = host == "localhost" || host.ends_with(".localhost") ||
                          (!no_address && !is_public(address));
        if (here) throw std::invalid_argument(to.host + " is this machine or on a private network");
    }
    what.target = to.text();
    what.host = to.host.find(':') == std::string::npos ? to.host : '[' + to.host + ']';
    what.host += ':' + std::to_string(to.port);
}

std::string without_query(std::string_view target)
{
    const std::size_t question = target.find('?');
    if (question == std::string_view::npos) return std::string(target);
    return std::string(target.substr(0, question)) + "?...";
}

void hide(std::string& text, std::string_view secret)
{
    constexpr std::string_view ellipsis = "..."; // may have the secret in it: go on behind it
    if (secret.empty()) return;
    for (std::size_t i = 0; (i = text.find(secret, i)) != std::string::npos; i += ellipsis.size())
        text.replace(i, secret.size(), ellipsis);
}

} // namespace relay
