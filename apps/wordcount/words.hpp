// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace wordcount {

/// How often each word occurs.
///
/// A word is a run of letters, digits, `_` and bytes above 127 (so UTF-8 stays whole) that starts
/// with no digit. The case of ASCII letters does not matter.
class word_table {
public:
    void count(std::string text);
    void merge(word_table&& other);

    [[nodiscard]] std::uint64_t words() const noexcept { return words_; }
    [[nodiscard]] std::size_t different() const noexcept { return counts_.size(); }

    /// The most frequent words, most frequent first, then by the alphabet.
    [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> top(std::size_t n) const;

private:
    struct hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept
        {
            return std::hash<std::string_view>{}(s);
        }
    };

    void add(std::string_view word);

    std::unordered_map<std::string, std::uint64_t, hash, std::equal_to<>> counts_;
    std::uint64_t words_ = 0;
};

/// Where the text after the last byte that belongs to no word begins; 0 if every byte does.
std::size_t end_of_last_separator(std::string_view text) noexcept;

} // namespace wordcount
