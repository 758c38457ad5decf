// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "dump_filter.hpp"

#include <algorithm>
#include <stdexcept>

namespace weft::inline v0_1::detail {

namespace {

constexpr std::size_t most_words = 64;

char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

dump_filter::dump_filter(std::string_view words)
{
    for (std::size_t at = 0; at < words.size();) {
        const std::size_t end = std::min(words.find(' ', at), words.size());
        if (end > at) {
            std::string& w = words_.emplace_back(words.substr(at, end - at));
            std::transform(w.begin(), w.end(), w.begin(), lower);
        }
        at = end + 1;
    }
    if (words_.size() > most_words) throw std::invalid_argument("filter: more than 64 words");
    for (std::size_t i = 0; i < words_.size(); ++i) wanted_ |= word_set{1} << i;
}

dump_filter::word_set dump_filter::words_in(std::string_view text) const
{
    word_set found = 0;
    const auto equal = [](char of_text, char of_word) { return lower(of_text) == of_word; };
    for (std::size_t i = 0; i < words_.size(); ++i) {
        const std::string& w = words_[i];
        if (std::search(text.begin(), text.end(), w.begin(), w.end(), equal) != text.end())
            found |= word_set{1} << i;
    }
    return found;
}

dump_filter::word_set dump_filter::of_place(std::uint32_t place, const place_table& places)
{
    if (place >= by_place_.size()) by_place_.resize(place + 1);
    auto& known = by_place_[place];
    if (!known) {
        const auto& e = places[place];
        known = words_in(e.function) | words_in(e.file + ':' + std::to_string(e.line));
    }
    return *known;
}

dump_filter::word_set dump_filter::of_reason(wait_reason r)
{
    auto& known = by_reason_[static_cast<std::size_t>(r)];
    if (!known) known = words_in(wait_reason_text(r)) | words_in(state_text(r));
    return *known;
}

dump_filter::word_set dump_filter::of_labels(const label_ref& labels)
{
    if (!labels) return 0;
    if (labels.get() != last_labels_.get()) {
        last_labels_ = labels;
        in_last_labels_ = 0;
        for (const auto& [key, value] : labels.list())
            in_last_labels_ |= words_in(key + '=' + value);
    }
    return in_last_labels_;
}

bool dump_filter::takes(const snapshot& s, const std::vector<std::uint32_t>& shown,
                        const place_table& places)
{
    word_set found = of_reason(s.reason) | of_labels(s.labels);
    for (const std::uint32_t p : shown) found |= of_place(p, places);
    if ((found & wanted_) == wanted_) return true;
    found |= words_in({s.name, s.name_length});
    const std::string id = "id=" + std::to_string(s.id);
    for (std::size_t i = 0; i < words_.size(); ++i) {
        if (words_[i] == id) found |= word_set{1} << i;
    }
    return (found & wanted_) == wanted_;
}

} // namespace weft::inline v0_1::detail
