// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/headers.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace weft::inline v0_1::http {

namespace {

constexpr char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// RFC 9110 5.6.2: tchar.
constexpr std::array<bool, 256> token_characters = [] {
    std::array<bool, 256> is{};
    for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        is[static_cast<unsigned char>(c)] = true;
    return is;
}();

/// RFC 9110 5.5: visible characters, space, tab, and what is beyond ASCII.
constexpr bool may_stand_in_value(char c) noexcept
{
    const auto u = static_cast<unsigned char>(c);
    return (u >= 0x20 && u != 0x7f) || u == '\t';
}

std::string_view trimmed(std::string_view s) noexcept
{
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
    while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
    return s;
}

void check(std::string_view name, std::string_view value)
{
    if (!is_token(name))
        throw std::invalid_argument("http: invalid header name \"" + std::string(name) + "\"");
    if (!std::all_of(value.begin(), value.end(), may_stand_in_value))
        throw std::invalid_argument("http: control character in the value of header " +
                                    std::string(name));
}

} // namespace

bool is_token(std::string_view s) noexcept
{
    return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
        return token_characters[static_cast<unsigned char>(c)];
    });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept
{
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](char x, char y) { return lower(x) == lower(y); });
}

const headers::entry* headers::find(std::string_view name) const noexcept
{
    for (const entry& e : entries_) {
        if (e.name_size == name.size() && equal_ignoring_case(field(e).name, name)) return &e;
    }
    return nullptr;
}

headers::entry headers::append(std::string_view name, std::string_view value)
{
    // The views may be of this very text.
    std::string joined;
    joined.reserve(name.size() + value.size());
    joined.append(name).append(value);
    const entry e{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()),
                  static_cast<std::uint32_t>(value.size())};
    text_.append(joined);
    return e;
}

void headers::add(std::string_view name, std::string_view value)
{
    value = trimmed(value);
    check(name, value);
    entries_.push_back(append(name, value));
}

void headers::set(std::string_view name, std::string_view value)
{
    value = trimmed(value);
    check(name, value);
    const entry e = append(name, value);
    const std::string_view kept = field(e).name;
    const auto same = [&](const entry& other) {
        return equal_ignoring_case(field(other).name, kept);
    };
    const auto first = std::find_if(entries_.begin(), entries_.end(), same);
    if (first == entries_.end()) {
        entries_.push_back(e);
        return;
    }
    *first = e;
    entries_.erase(std::remove_if(first + 1, entries_.end(), same), entries_.end());
}

std::size_t headers::remove(std::string_view name) noexcept
{
    return std::erase_if(entries_,
                         [&](const entry& e) { return equal_ignoring_case(field(e).name, name); });
}

void headers::clear() noexcept
{
    text_.clear();
    entries_.clear();
}

std::optional<std::string_view> headers::get(std::string_view name) const noexcept
{
    const entry* e = find(name);
    return e ? std::optional(field(*e).value) : std::nullopt;
}

std::string_view headers::value_or(std::string_view name, std::string_view otherwise) const noexcept
{
    const entry* e = find(name);
    return e ? field(*e).value : otherwise;
}

bool headers::contains(std::string_view name) const noexcept
{
    return find(name) != nullptr;
}

std::size_t headers::count(std::string_view name) const noexcept
{
    return static_cast<std::size_t>(
        std::count_if(entries_.begin(), entries_.end(),
                      [&](const entry& e) { return equal_ignoring_case(field(e).name, name); }));
}

bool headers::has_token(std::string_view name, std::string_view token) const noexcept
{
    for (const header_field f : *this) {
        if (!equal_ignoring_case(f.name, name)) continue;
        for (std::string_view rest = f.value; !rest.empty();) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            if (equal_ignoring_case(trimmed(rest.substr(0, comma)), token)) return true;
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return false;
}

void headers::append_name(std::string_view piece, bool first)
{
    if (first) entries_.push_back({static_cast<std::uint32_t>(text_.size()), 0, 0});
    text_.append(piece);
    entries_.back().name_size += static_cast<std::uint32_t>(piece.size());
}

void headers::append_value(std::string_view piece)
{
    text_.append(piece);
    entries_.back().value_size += static_cast<std::uint32_t>(piece.size());
}

void headers::finish_value() noexcept
{
    entry& e = entries_.back();
    while (e.value_size > 0 && (text_.back() == ' ' || text_.back() == '\t')) {
        text_.pop_back();
        --e.value_size;
    }
}

} // namespace weft::inline v0_1::http
