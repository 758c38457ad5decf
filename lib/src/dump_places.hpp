// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "snapshot.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <source_location>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// The places that a dump names.

namespace weft::inline v0_1::detail {

inline std::size_t mixed(std::size_t h, std::size_t with) noexcept
{
    return (h ^ with) * 0x9E3779B97F4A7C15ULL + (h >> 29);
}

/// A place, numbered: those of equal text have one number, whichever copy of an inline function they are of.
class place_table {
public:
    struct entry {
        std::string function, file;
        std::uint32_t line = 0;
        bool internal = false;
    };

    std::uint32_t number(const std::source_location& at)
    {
        const raw_key key{at.file_name(), at.function_name(), at.line()};
        if (const auto found = numbers_.find(key); found != numbers_.end()) return found->second;
        entry e{readable_name(at.function_name()), at.file_name(), at.line(), is_internal(at)};
        const std::string text = e.function + '\n' + e.file + '\n' + std::to_string(e.line);
        const auto n =
            by_text_.try_emplace(text, static_cast<std::uint32_t>(entries_.size())).first->second;
        if (n == entries_.size()) entries_.push_back(std::move(e));
        numbers_.emplace(key, n);
        return n;
    }
    const entry& operator[](std::uint32_t n) const noexcept { return entries_[n]; }

private:
    struct raw_key {
        const char* file;
        const char* function;
        std::uint32_t line;
        bool operator==(const raw_key&) const noexcept = default;
    };
    struct raw_hash {
        std::size_t operator()(const raw_key& k) const noexcept
        {
            return mixed(mixed(reinterpret_cast<std::size_t>(k.function), k.line),
                         reinterpret_cast<std::size_t>(k.file));
        }
    };

    std::unordered_map<raw_key, std::uint32_t, raw_hash> numbers_;
    std::map<std::string, std::uint32_t> by_text_;
    std::vector<entry> entries_;
};

} // namespace weft::inline v0_1::detail
