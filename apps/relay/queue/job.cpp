// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "job.hpp"

#include <array>
#include <cstddef>
#include <stdexcept>

namespace relay {

namespace {

constexpr std::array<std::string_view, 5> state_names{"ready", "delayed", "in_flight", "done",
                                                      "dead"};

} // namespace

std::string_view name_of(job_state s) noexcept
{
    return state_names[static_cast<std::size_t>(s)];
}

job_state state_of(std::string_view name)
{
    for (std::size_t i = 0; i < state_names.size(); ++i) {
        if (state_names[i] == name) return static_cast<job_state>(i);
    }
    throw std::invalid_argument("'" + std::string(name) +
                                "' is no state: ready, delayed, in_flight, done or dead");
}

} // namespace relay
