// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "dump_places.hpp"
#include "snapshot.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Which goroutines a dump shows.

namespace weft::inline v0_1::detail {

/// Asks each goroutine for all of some words. What many goroutines have in common is read once: places, reasons, and the
/// labels of the one before.
class dump_filter {
public:
    /// @throws std::invalid_argument  more than 64 words.
    explicit dump_filter(std::string_view words);

    [[nodiscard]] bool takes_all() const noexcept { return words_.empty(); }
    /// @param shown  the places that are shown of it.
    [[nodiscard]] bool takes(const snapshot& s, const std::vector<std::uint32_t>& shown,
                             const place_table& places);

private:
    using word_set = std::uint64_t; ///< bit n: word n

    [[nodiscard]] word_set words_in(std::string_view text) const;
    word_set of_place(std::uint32_t place, const place_table& places);
    word_set of_reason(wait_reason r);
    word_set of_labels(const label_ref& labels);

    std::vector<std::string> words_; ///< in lower case
    word_set wanted_ = 0;
    std::vector<std::optional<word_set>> by_place_;
    std::array<std::optional<word_set>, 64> by_reason_{};
    label_ref last_labels_;
    word_set in_last_labels_ = 0;
};

} // namespace weft::inline v0_1::detail
