// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/event_stream.hpp>

#include <weft/error.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace weft::inline v0_1::http {

namespace {

/// A field for each line of the text, however its lines end.
void append_lines(std::string& to, std::string_view field, std::string_view text)
{
    while (true) {
        const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
        to.append(field).append(": ").append(text.substr(0, end)).append("\n");
        if (end == text.size()) return;
        const bool pair = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
        text.remove_prefix(end + (pair ? 2 : 1));
    }
}

void append_line(std::string& to, std::string_view field, std::string_view text)
{
    if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
        throw std::invalid_argument("http: line break in an event's " + std::string(field));
    to.append(field).append(": ").append(text).append("\n");
}

} // namespace

event_stream::event_stream(response& to) : to_(to)
{
    if (to.started()) weft::detail::throw_misuse("http: the response's head has been sent");
    to.set_header("Content-Type", "text/event-stream; charset=utf-8");
    to.set_header("Cache-Control", "no-cache");
    to.set_header("X-Accel-Buffering", "no"); // nginx in front of it would gather events
}

task<> event_stream::send(const server_event& e)
{
    std::string lines;
    if (!e.id.empty()) append_line(lines, "id", e.id);
    if (!e.name.empty()) append_line(lines, "event", e.name);
    append_lines(lines, "data", e.data);
    lines.append("\n");
    return put(std::move(lines));
}

task<> event_stream::comment(std::string_view text)
{
    std::string lines;
    append_lines(lines, "", text);
    lines.append("\n");
    return put(std::move(lines));
}

task<> event_stream::set_retry(duration d)
{
    return put("retry: " +
               std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) +
               "\n\n");
}

task<> event_stream::put(std::string lines)
{
    co_await to_.write(lines);
    co_await to_.flush();
}

} // namespace weft::inline v0_1::http
