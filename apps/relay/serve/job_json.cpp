// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "job_json.hpp"

#include "base64.hpp"
#include "duration_text.hpp"
#include "targets.hpp"

#include <weft/http.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <optional>
#include <stdexcept>
#include <utility>

namespace relay {

namespace {

namespace http = weft::http;
using nlohmann::json;

constexpr std::size_t most_headers = 64;
constexpr std::size_t most_header_bytes = 16UL * 1024;
constexpr int most_attempts = 1000;

[[noreturn]] void bad(const std::string& why)
{
    throw std::invalid_argument(why);
}

std::string text_of(const json& j, const std::string& name)
{
    if (!j.is_string()) bad("\"" + name + "\" must be a text");
    return j.get<std::string>();
}

bool is_ours(std::string_view name)
{
    for (const std::string_view n :
         {"host", "content-length", "transfer-encoding", "connection", "expect", "keep-alive", "te",
          "trailer", "upgrade", "user-agent"}) {
        if (http::equal_ignoring_case(n, name)) return true;
    }
    return name.size() >= 8 && http::equal_ignoring_case(name.substr(0, 8), "webhook-");
}

header_list headers_from(const json& j)
{
    if (!j.is_object()) bad("\"headers\" must be an object of texts");
    if (j.size() > most_headers)
        bad("there are more than " + std::to_string(most_headers) + " headers");
    header_list list;
    http::headers judge;
    std::size_t bytes = 0;
    for (const auto& [name, value] : j.items()) {
        if (!value.is_string()) bad("the header \"" + name + "\" must be a text");
        const std::string text = value.get<std::string>();
        try {
            judge.add(name, text);
        } catch (const std::invalid_argument&) {
            bad("the header \"" + name +
                "\" cannot be sent: its name or value has a forbidden character");
        }
        if (is_ours(name)) bad("the header \"" + name + "\" is set by relay");
        bytes += name.size() + text.size();
        list.emplace_back(name, text);
    }
    if (bytes > most_header_bytes)
        bad("the headers have more than " + std::to_string(most_header_bytes) + " bytes");
    return list;
}

std::chrono::milliseconds delay_from(const json& j)
{
    if (j.is_string()) return parse_duration(j.get<std::string>());
    if (j.is_number()) return parse_duration(j.dump());
    bad("\"delay\" must be seconds, or a text such as \"5m\"");
}

int attempts_from(const json& j)
{
    const bool good =
        j.is_number_integer() && j.get<double>() >= 1 && j.get<double>() <= most_attempts;
    if (!good) bad("\"max_attempts\" must be a number from 1 to " + std::to_string(most_attempts));
    return j.get<int>();
}

std::size_t end_of_string(std::string_view text, std::size_t i)
{
    for (++i; text[i] != '"'; ++i) i += text[i] == '\\' ? 1 : 0;
    return i + 1;
}

std::size_t end_of_value(std::string_view text, std::size_t i)
{
    std::size_t depth = 0;
    do {
        switch (text[i]) {
        case '"': i = end_of_string(text, i); break;
        case '{':
        case '[': ++depth, ++i; break;
        case '}':
        case ']': --depth, ++i; break;
        default: i = depth != 0 ? i + 1 : std::min(text.find_first_of(" \t\r\n,}", i), text.size());
        }
    } while (depth != 0);
    return i;
}

/// The text of a field's value in an object that has been parsed before, and has it. Numbers keep their digits so, and
/// nothing has to be written again.
std::string_view value_text(std::string_view object, std::string_view field)
{
    constexpr std::string_view blank = " \t\r\n";
    std::string_view found;
    std::size_t i = object.find('{') + 1;
    while ((i = object.find_first_not_of(" \t\r\n,", i)) != std::string_view::npos &&
           object[i] == '"') {
        const std::size_t end = end_of_string(object, i);
        const bool wanted = json::parse(object.substr(i, end - i)) == field;
        const std::size_t value = object.find_first_not_of(blank, object.find(':', end) + 1);
        i = end_of_value(object, value);
        if (wanted) found = object.substr(value, i - value); // the last one, as the parser has it
    }
    return found;
}

} // namespace

new_job parse_job(std::string_view text, const job_limits& limits)
{
    json j;
    try {
        j = json::parse(text);
    } catch (const json::parse_error& e) {
        bad("the body is no JSON: at byte " + std::to_string(e.byte));
    } catch (const json::out_of_range&) {
        bad("the body has a number that is too large");
    }
    if (!j.is_object()) bad("the body must be an object");
    if (!j.contains("target")) bad("\"target\" is missing");
    if (j.contains("body") && j.contains("body_base64"))
        bad("there are both \"body\" and \"body_base64\"");
    new_job result;
    result.max_attempts = limits.max_attempts;
    std::string type;
    for (const auto& [name, value] : j.items()) {
        if (name == "target") {
            set_target(result.what, text_of(value, name), limits.allow_private);
        } else if (name == "headers") {
            result.what.headers = headers_from(value);
        } else if (name == "body") {
            type = value.is_string() ? "text/plain; charset=utf-8" : "application/json";
            result.what.body =
                value.is_string() ? value.get<std::string>() : std::string(value_text(text, name));
        } else if (name == "body_base64") {
            type = "application/octet-stream";
            std::optional<std::string> bytes = from_base64(text_of(value, name));
            if (!bytes) bad("\"body_base64\" is no base64");
            result.what.body = std::move(*bytes);
        } else if (name == "delay") {
            result.delay = delay_from(value);
        } else if (name == "max_attempts") {
            result.max_attempts = attempts_from(value);
        } else if (name == "idempotency_key") {
            result.idempotency_key = text_of(value, name);
            if (result.idempotency_key.empty() || result.idempotency_key.size() > 256)
                bad("\"idempotency_key\" must have 1 to 256 bytes");
        } else {
            bad("there is no field \"" + name.substr(0, 64) + "\"");
        }
    }
    if (result.what.body.size() > limits.body_bytes)
        bad("the job's body has more than " + std::to_string(limits.body_bytes) + " bytes");
    bool typed = false;
    for (const auto& [name, value] : result.what.headers)
        typed = typed || http::equal_ignoring_case(name, "content-type");
    if (!typed && !type.empty()) result.what.headers.emplace_back("Content-Type", type);
    return result;
}

std::string time_text(timestamp t)
{
    const auto whole = std::chrono::floor<std::chrono::seconds>(t);
    const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 64> day{};
    std::strftime(day.data(), day.size(), "%FT%T", &parts);
    std::array<char, 80> all{};
    std::snprintf(all.data(), all.size(), "%s.%03dZ", day.data(),
                  static_cast<int>((t - whole).count()));
    return all.data();
}

json job_json(const job& j)
{
    json o;
    o["id"] = j.id;
    o["state"] = name_of(j.state);
    o["target"] = without_query(j.what.target);
    o["host"] = j.what.host;
    o["attempts"] = j.attempts;
    o["max_attempts"] = j.max_attempts;
    o["created"] = time_text(j.created);
    switch (j.state) {
    case job_state::ready: o["ready_since"] = time_text(j.due); break;
    case job_state::delayed: o["due"] = time_text(j.due); break;
    case job_state::in_flight: o["lease_ends"] = time_text(j.due); break;
    case job_state::done:
    case job_state::dead: o["ended"] = time_text(j.due); break;
    }
    if (j.last.status != 0) o["last_status"] = j.last.status;
    if (!j.last.error.empty()) o["last_error"] = j.last.error;
    return o;
}

json stats_json(const queue_stats& s)
{
    json o;
    o["ready"] = s.ready;
    o["delayed"] = s.delayed;
    o["in_flight"] = s.in_flight;
    o["done"] = s.done;
    o["dead"] = s.dead;
    o["oldest_ready_ms"] =
        s.oldest_ready ? std::max<std::int64_t>(0, (now() - *s.oldest_ready).count()) : 0;
    return o;
}

std::string dump(const json& j)
{
    return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace relay
