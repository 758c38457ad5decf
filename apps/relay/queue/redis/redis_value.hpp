// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "queue.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// `redis_value`: what Redis answered.

struct redisReply;

namespace relay {

/// An answer, owned. Redis' status texts ("OK") are strings.
struct redis_value {
    struct error {
        std::string text; ///< "ERR ...", "NOSCRIPT ...", ...
    };
    using array = std::vector<redis_value>;

    std::variant<std::monostate, std::int64_t, std::string, error, array> data;

    /// A copy of one of hiredis'.
    [[nodiscard]] static redis_value of(const redisReply& r);

    [[nodiscard]] bool is_nil() const noexcept
    {
        return std::holds_alternative<std::monostate>(data);
    }
    /// Null: it is none.
    [[nodiscard]] const std::string* error_text() const noexcept
    {
        const auto* e = std::get_if<error>(&data);
        return e ? &e->text : nullptr;
    }

    // What it is expected to be.
    /// @throws queue_unavailable  it is something else.
    [[nodiscard]] std::string& string() { return as<std::string>(); }
    [[nodiscard]] array& elements() { return as<array>(); }
    [[nodiscard]] redis_value& at(std::size_t i)
    {
        array& a = elements();
        if (i >= a.size()) unexpected();
        return a[i];
    }
    /// Also one that is written out, as in the fields of a hash.
    [[nodiscard]] std::int64_t number() const;

    [[noreturn]] static void unexpected()
    {
        throw queue_unavailable("redis: an answer that makes no sense");
    }

private:
    template <class T>
    T& as()
    {
        T* v = std::get_if<T>(&data);
        if (!v) unexpected();
        return *v;
    }
};

/// Of what INFO answers, "name:value" a line, the value; empty: there is none of that name.
[[nodiscard]] std::string_view info_value(std::string_view info, std::string_view name);

} // namespace relay
