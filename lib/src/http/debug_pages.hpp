// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http/debug_handler.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// What debug::handler() has from the start.

namespace weft::inline v0_1::debug {

inline constexpr std::string_view plain_text = "text/plain; charset=utf-8";

inline debug_page text_page(std::string text, std::string_view type = plain_text)
{
    return {std::move(text), std::string(type)};
}

// debug_profiles.cpp: what Go's net/http/pprof answers
task<debug_page> goroutine_page(http::request& req);
task<debug_page> profile_page(http::request& req);
task<debug_page> heap_page(http::request& req);
task<debug_page> block_page(http::request& req);
task<debug_page> mutex_page(http::request& req);
task<debug_page> trace_page(http::request& req);
task<debug_page> cmdline_page(http::request& req);

// debug_state.cpp: what the live page asks for
task<debug_page> state_page(http::request& req);
task<debug_page> goroutine_list_page(http::request& req);
task<debug_page> latency_page(http::request& req);

/// The live page, debug_page.html.
[[nodiscard]] std::string_view live_page() noexcept;

/// While it lives, something is measured that costs time: also where the program has it turned off. Several may overlap.
class measuring {
public:
    enum what : std::uint8_t { blocks, contention, latency };

    explicit measuring(what w);
    ~measuring();
    measuring(const measuring&) = delete;
    measuring& operator=(const measuring&) = delete;

private:
    const what what_;
    bool ours_ = false; ///< the program has it off
};

} // namespace weft::inline v0_1::debug
