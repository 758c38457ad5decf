// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "words.hpp"

#include <algorithm>
#include <array>

namespace wordcount {
namespace {

/// Each byte as it counts: itself, a capital as a small letter, 0 between words.
constexpr auto folded = [] {
    std::array<char, 256> table{};
    for (int c = 'a'; c <= 'z'; ++c) table[c] = static_cast<char>(c);
    for (int c = 'A'; c <= 'Z'; ++c) table[c] = static_cast<char>(c - 'A' + 'a');
    for (int c = '0'; c <= '9'; ++c) table[c] = static_cast<char>(c);
    for (int c = 128; c <= 255; ++c) table[c] = static_cast<char>(c);
    table['_'] = '_';
    return table;
}();

} // namespace

void word_table::count(std::string text)
{
    for (char& c : text) c = folded[static_cast<unsigned char>(c)];
    const char* at = text.data();
    const char* const end = at + text.size();
    for (;;) {
        while (at != end && !*at) ++at;
        if (at == end) return;
        const char* const first = at;
        while (at != end && *at) ++at;
        if (*first < '0' || *first > '9') add({first, static_cast<std::size_t>(at - first)});
    }
}

void word_table::add(std::string_view word)
{
    ++words_;
    if (const auto known = counts_.find(word); known != counts_.end()) ++known->second;
    else counts_.emplace(word, 1);
}

void word_table::merge(word_table&& other)
{
    if (counts_.size() < other.counts_.size()) std::swap(*this, other);
    for (const auto& [word, count] : other.counts_) counts_[word] += count;
    words_ += other.words_;
    other = {};
}

std::vector<std::pair<std::string, std::uint64_t>> word_table::top(std::size_t n) const
{
    n = std::min(n, counts_.size());
    std::vector<std::pair<std::string, std::uint64_t>> best(n);
    std::partial_sort_copy(
        counts_.begin(), counts_.end(), best.begin(), best.end(), [](const auto& a, const auto& b) {
            return a.second != b.second ? a.second > b.second : a.first < b.first;
        });
    return best;
}

std::size_t end_of_last_separator(std::string_view text) noexcept
{
    std::size_t n = text.size();
    while (n != 0 && folded[static_cast<unsigned char>(text[n - 1])]) --n;
    return n;
}

} // namespace wordcount
