// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// `profile`: samples with their stacks, for pprof.

namespace weft::inline v0_1::debug {

/// A place in a program.
struct profile_frame {
    std::string function;
    std::string file;
    std::uint32_t line = 0;    ///< 0: not known
    std::uint64_t address = 0; ///< 0: known by name alone, as the places of an await chain
};

/// What was counted at a place.
struct profile_sample {
    std::vector<profile_frame> stack; ///< innermost first
    std::vector<std::int64_t> values; ///< one for each of the profile's values
    std::vector<std::pair<std::string, std::string>> labels{};
};

/// A profile, and its form as a file that `go tool pprof`, pprof and speedscope read.
///
/// @par Thread safety  distinct objects: safe. shared objects: unsafe.
/// @par Source         pprof's profile.proto.
struct WEFT_EXPORT profile {
    /// What a sample's values are: "cpu" in "nanoseconds", "contentions" in "count".
    struct value_type {
        std::string name;
        std::string unit;
    };

    std::vector<value_type> values;
    std::vector<profile_sample>
        samples;              ///< those with equal stacks and labels are added up in the file
    value_type period_type{}; ///< with `period`: what is between two samples; empty: nothing is
    std::int64_t period = 0;
    std::int64_t begin_nanoseconds = 0; ///< since the epoch
    duration length{};

    /// The file's bytes: a protocol buffer, not compressed.
    [[nodiscard]] std::string encoded() const;
};

} // namespace weft::inline v0_1::debug
