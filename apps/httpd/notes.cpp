// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "notes.hpp"

#include "json.hpp"

#include <charconv>
#include <functional>
#include <string_view>
#include <utility>

namespace httpd {

namespace {

namespace http = weft::http;
using nlohmann::json;

std::uint64_t id_of(const http::request& req)
{
    const std::string_view text = req.path_value("id");
    std::uint64_t id = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), id);
    if (text.empty() || r.ec != std::errc() || r.ptr != text.data() + text.size())
        throw http::error(http::status::not_found, "a note's id is a number");
    return id;
}

/// The "text" of a request's body.
weft::task<std::string> text_of(http::request& req)
{
    const json sent = co_await read_json(req);
    const auto text = sent.find("text");
    if (!sent.is_object() || text == sent.end() || !text->is_string())
        throw http::error(http::status::unprocessable_content,
                          "an object with a string \"text\" is needed");
    co_return text->get<std::string>();
}

json note(std::uint64_t id, const std::string& text)
{
    json j;
    j["id"] = id;
    j["text"] = text;
    return j;
}

[[noreturn]] void no_such_note()
{
    throw http::error(http::status::not_found, "no such note");
}

} // namespace

void notes::add_routes(http::server& to)
{
    const auto bound = [this](weft::task<> (notes::*what)(http::request&, http::response&)) {
        return std::bind_front(what, this);
    };
    to.handle("GET /api/notes", bound(&notes::list));
    to.handle("POST /api/notes", bound(&notes::create), {.max_body_bytes = 64 * 1024});
    to.handle("GET /api/notes/{id}", bound(&notes::show));
    to.handle("PUT /api/notes/{id}", bound(&notes::replace), {.max_body_bytes = 64 * 1024});
    to.handle("DELETE /api/notes/{id}", bound(&notes::remove));
}

weft::task<> notes::list(http::request&, http::response& res)
{
    json all = json::array();
    {
        const auto held = co_await mutex_.lock_shared();
        for (const auto& [id, text] : texts_) all.push_back(note(id, text));
    }
    send_json(res, all);
}

weft::task<> notes::create(http::request& req, http::response& res)
{
    std::string text = co_await text_of(req);
    std::uint64_t id = 0;
    {
        const auto held = co_await mutex_.lock();
        if (texts_.size() >= 100'000)
            throw http::error(http::status::insufficient_storage, "too many notes");
        id = ++last_;
        texts_.emplace(id, text);
    }
    res.set_header("Location", "/api/notes/" + std::to_string(id));
    res.set_status(http::status::created);
    send_json(res, note(id, text));
}

weft::task<> notes::show(http::request& req, http::response& res)
{
    const std::uint64_t id = id_of(req);
    std::string text;
    {
        const auto held = co_await mutex_.lock_shared();
        const auto found = texts_.find(id);
        if (found == texts_.end()) no_such_note();
        text = found->second;
    }
    send_json(res, note(id, text));
}

weft::task<> notes::replace(http::request& req, http::response& res)
{
    const std::uint64_t id = id_of(req);
    std::string text = co_await text_of(req);
    {
        const auto held = co_await mutex_.lock();
        const auto found = texts_.find(id);
        if (found == texts_.end()) no_such_note();
        found->second = text;
    }
    send_json(res, note(id, text));
}

weft::task<> notes::remove(http::request& req, http::response& res)
{
    const std::uint64_t id = id_of(req);
    const auto held = co_await mutex_.lock();
    if (texts_.erase(id) == 0) no_such_note();
    res.set_status(http::status::no_content);
}

} // namespace httpd
