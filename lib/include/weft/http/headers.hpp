// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// `headers`: the header fields of a message.

namespace weft::inline v0_1::http {

namespace detail {
class message_parser;
}

/// One line of a header: the views refer to the `headers` it is of.
struct header_field {
    std::string_view name;
    std::string_view value;
};

/// Name and value pairs in the order in which they were sent. Names are compared without regard to case; a name may stand
/// there several times.
///
/// @par Thread safety  distinct objects: safe. shared objects: unsafe, but for observers.
/// @par Lifetime       adding a field ends the life of the views that were given out.
/// @par Source         RFC 9110 section 5.
class WEFT_EXPORT headers {
    struct entry {
        std::uint32_t at; ///< of the name in `text_`; the value follows it
        std::uint32_t name_size;
        std::uint32_t value_size;
    };

public:
    class iterator {
    public:
        using value_type = header_field;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;

        iterator() noexcept = default;
        header_field operator*() const noexcept { return of_->field(*at_); }
        iterator& operator++() noexcept
        {
            ++at_;
            return *this;
        }
        iterator operator++(int) noexcept
        {
            iterator before = *this;
            ++at_;
            return before;
        }
        friend bool operator==(const iterator& a, const iterator& b) noexcept
        {
            return a.at_ == b.at_;
        }

    private:
        friend class headers;
        iterator(const headers* of, const entry* at) noexcept : of_(of), at_(at) {}

        const headers* of_ = nullptr;
        const entry* at_ = nullptr;
    };

    /// Adds a line, also if the name is there already.
    /// @throws std::invalid_argument  the name is no token, or the value contains a control character: nobody can smuggle a
    ///                                line of his own into a response.
    void add(std::string_view name, std::string_view value);
    /// Replaces all lines of that name by one. @throws std::invalid_argument  as `add`.
    void set(std::string_view name, std::string_view value);
    /// Returns how many lines went.
    std::size_t remove(std::string_view name) noexcept;
    void clear() noexcept;

    /// The first line's value.
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
    [[nodiscard]] std::string_view value_or(std::string_view name,
                                            std::string_view otherwise) const noexcept;
    [[nodiscard]] bool contains(std::string_view name) const noexcept;
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
    /// Whether one of the comma-separated members of the field is this token: `has_token("Connection", "close")`.
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const noexcept;

    /// Lines.
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] iterator begin() const noexcept { return {this, entries_.data()}; }
    [[nodiscard]] iterator end() const noexcept
    {
        return {this, entries_.data() + entries_.size()};
    }

private:
    friend class detail::message_parser;

    [[nodiscard]] header_field field(const entry& e) const noexcept
    {
        const std::string_view text(text_);
        return {text.substr(e.at, e.name_size), text.substr(e.at + e.name_size, e.value_size)};
    }
    [[nodiscard]] const entry* find(std::string_view name) const noexcept;
    entry append(std::string_view name, std::string_view value);
    /// For a parser, which brings names and values in pieces and has checked them.
    void append_name(std::string_view piece, bool first);
    void append_value(std::string_view piece);
    /// Takes the blanks off the last value's end.
    void finish_value() noexcept;

    std::string text_; ///< names and values, also those of lines that went
    std::vector<entry> entries_;
};

/// Whether `s` is a token: what names, methods and many values are made of (RFC 9110 5.6.2).
[[nodiscard]] WEFT_EXPORT bool is_token(std::string_view s) noexcept;
/// Compares without regard to the case of ASCII letters.
[[nodiscard]] WEFT_EXPORT bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

} // namespace weft::inline v0_1::http
