// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../snapshot.hpp"

#include <charconv>
#include <cmath>
#include <concepts>
#include <string>
#include <string_view>
#include <utility>

/// JSON, written piece by piece.

namespace weft::inline v0_1::debug {

/// The commas are its business, the order of the calls is the caller's.
class json_text {
public:
    json_text& begin(char bracket)
    {
        separate();
        text_ += bracket;
        first_ = true;
        return *this;
    }
    json_text& end(char bracket)
    {
        text_ += bracket;
        first_ = false;
        return *this;
    }
    json_text& key(std::string_view name)
    {
        separate();
        detail::append_json(text_, name);
        text_ += ':';
        first_ = true; // no comma before the value
        return *this;
    }
    json_text& value(std::string_view s)
    {
        separate();
        detail::append_json(text_, s);
        return *this;
    }
    json_text& value(const char* s) { return value(std::string_view(s)); }
    json_text& value(std::same_as<bool> auto b)
    {
        separate();
        text_ += b ? "true" : "false";
        return *this;
    }
    template <class Number>
        requires(std::integral<Number> && !std::same_as<Number, bool>) ||
                std::floating_point<Number>
    json_text& value(Number n)
    {
        separate();
        if constexpr (std::floating_point<Number>) {
            if (!std::isfinite(n)) { // JSON has no word for it
                text_ += "null";
                return *this;
            }
        }
        char digits[32];
        text_.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
        return *this;
    }
    template <class T>
    json_text& field(std::string_view name, const T& v)
    {
        return key(name).value(v);
    }
    [[nodiscard]] std::string take() { return std::move(text_) + '\n'; }

private:
    void separate()
    {
        if (!first_) text_ += ',';
        first_ = false;
    }

    std::string text_;
    bool first_ = true;
};

} // namespace weft::inline v0_1::debug
