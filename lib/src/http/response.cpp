// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/response.hpp>

#include <weft/error.hpp>

#include <utility>

namespace weft::inline v0_1::http {

void response::must_not_have_started() const
{
    if (started_) weft::detail::throw_misuse("http: the response's head has been sent");
}

response& response::set_status(http::status s)
{
    must_not_have_started();
    if (code(s) < 200 || code(s) > 999) weft::detail::throw_misuse("http: no status of a response");
    status_ = s;
    return *this;
}

void response::send(std::string body)
{
    must_not_have_started();
    whole_ = true;
    body_ = std::move(body);
}

void response::send(std::string body, std::string_view content_type)
{
    send(std::move(body));
    fields_.set("Content-Type", content_type);
}

task<> response::write(std::string_view piece)
{
    if (whole_) weft::detail::throw_misuse("http: write after send");
    if (piece.empty()) return [](detail::body_sink*) -> task<> { co_return; }(sink_);
    return sink_->write_body(piece);
}

task<> response::flush()
{
    if (whole_) weft::detail::throw_misuse("http: flush after send");
    return sink_->flush_body();
}

} // namespace weft::inline v0_1::http
