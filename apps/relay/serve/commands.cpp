// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "commands.hpp"

#include "job_json.hpp"
#include "signer.hpp"

#include <weft/http.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace relay {

namespace {

namespace http = weft::http;
using nlohmann::json;

std::string token_of(const options& o)
{
    if (!o.token_file.empty()) {
        const std::vector<std::string> lines = read_lines(o.token_file);
        if (lines.size() != 1) throw std::runtime_error(o.token_file + " must have one line");
        // "secret", or "name secret" as the server's file has it
        return lines[0].substr(lines[0].find_last_of(" \t") + 1);
    }
    const char* const token = std::getenv("RELAY_TOKEN");
    return token == nullptr ? "" : token;
}

std::string read_all(std::istream& in, const std::string& name)
{
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (in.bad()) throw std::runtime_error(name + " cannot be read");
    return text;
}

std::string body_of(const options& o)
{
    if (o.body_file.empty()) return o.body;
    if (o.body_file == "-") return read_all(std::cin, "standard input");
    std::ifstream in(o.body_file, std::ios::binary);
    if (!in) throw std::runtime_error(o.body_file + " cannot be read");
    return read_all(in, o.body_file);
}

std::string job_from(const options& o)
{
    json j;
    j["target"] = o.target;
    json headers = json::object();
    for (const std::string& line : o.headers) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos)
            throw std::invalid_argument("the header '" + line + "' has no colon");
        const std::size_t value = line.find_first_not_of(' ', colon + 1);
        headers[line.substr(0, colon)] = value == std::string::npos ? "" : line.substr(value);
    }
    if (!o.content_type.empty()) headers["Content-Type"] = o.content_type;
    if (!headers.empty()) j["headers"] = headers;
    if (std::string body = body_of(o); !body.empty()) j["body"] = std::move(body);
    if (!o.delay.empty()) j["delay"] = o.delay;
    if (o.max_attempts != 0) j["max_attempts"] = o.max_attempts;
    if (!o.idempotency_key.empty()) j["idempotency_key"] = o.idempotency_key;
    try {
        return j.dump();
    } catch (const json::type_error&) {
        throw std::runtime_error("the body is no UTF-8: send such by the API, with body_base64");
    }
}

weft::task<json> send(const options& o, weft::context ctx, std::string method, std::string path,
                      std::string body = {})
{
    http::client client;
    http::client_request r;
    r.method = std::move(method);
    r.url = o.server.substr(0, o.server.find_last_not_of('/') + 1) + path;
    r.body = std::move(body);
    if (!r.body.empty()) r.fields.set("Content-Type", "application/json");
    if (const std::string token = token_of(o); !token.empty())
        r.fields.set("Authorization", "Bearer " + token);
    http::client_response answer = co_await client.send(ctx, std::move(r));
    const std::string text = co_await answer.text();
    json j = json::parse(text, nullptr, false);
    if (!answer.ok()) {
        const bool told = j.is_object() && j.contains("error") && j["error"].is_string();
        throw std::runtime_error(told
                                     ? j["error"].get<std::string>()
                                     : o.server + " said " + std::to_string(code(answer.status())));
    }
    if (j.is_discarded()) throw std::runtime_error(o.server + " is no relay");
    co_return j;
}

void print(const json& j)
{
    std::cout << j.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
}

void print_list(const json& answer)
{
    for (const json& j : answer.at("jobs")) {
        std::printf("%-20s %-9s %3d/%-3d %s", j.at("id").get<std::string>().c_str(),
                    j.at("state").get<std::string>().c_str(), j.at("attempts").get<int>(),
                    j.at("max_attempts").get<int>(), j.at("target").get<std::string>().c_str());
        if (j.contains("last_error"))
            std::printf("  %s", j["last_error"].get<std::string>().c_str());
        std::printf("\n");
    }
}

} // namespace

weft::task<> ask(options o, weft::context ctx)
{
    switch (o.role) {
    case role::submit: {
        const json answer = co_await send(o, ctx, "POST", "/jobs", job_from(o));
        std::cout << answer.at("id").get<std::string>() << '\n';
        break;
    }
    case role::list: {
        std::string path = "/jobs?limit=" + std::to_string(o.limit);
        if (!o.state.empty()) path += "&state=" + o.state;
        if (!o.after.empty()) path += "&after=" + http::percent_encoded(o.after);
        print_list(co_await send(o, ctx, "GET", std::move(path)));
        break;
    }
    case role::show:
        print(co_await send(o, ctx, "GET", "/jobs/" + http::percent_encoded(o.id)));
        break;
    case role::retry:
        print(co_await send(o, ctx, "POST", "/jobs/" + http::percent_encoded(o.id) + "/retry"));
        break;
    case role::stats: print(co_await send(o, ctx, "GET", "/stats")); break;
    case role::serve:
    case role::work:
    case role::all: break;
    }
}

} // namespace relay
