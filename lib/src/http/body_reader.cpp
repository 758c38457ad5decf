// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/body_reader.hpp>

#include <weft/http/error.hpp>

#include <algorithm>

namespace weft::inline v0_1::http {

task<std::string_view> body_reader::read()
{
    if (ended_) co_return std::string_view();
    const std::string_view piece = co_await source_->read_body();
    ended_ = piece.empty();
    co_return piece;
}

task<std::string> body_reader::read_all(std::size_t limit)
{
    if (!ended_ && length_ && *length_ > limit) throw error(status::content_too_large);
    std::string all;
    // Not more ahead than a peer has to send first.
    all.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(length_.value_or(0), 1U << 20)));
    while (true) {
        const std::string_view piece = co_await read();
        if (piece.empty()) break;
        if (piece.size() > limit - all.size()) throw error(status::content_too_large);
        all.append(piece);
    }
    co_return all;
}

} // namespace weft::inline v0_1::http
