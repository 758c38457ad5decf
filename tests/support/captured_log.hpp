// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/log.hpp>

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft_test {

/// What weft logs while it lives.
class captured_log {
public:
    captured_log()
    {
        weft::set_log_sink([this](weft::log_level level, std::string_view message) {
            std::lock_guard lock(mutex_);
            lines_.emplace_back(level, message);
        });
    }
    ~captured_log() { weft::set_log_sink({}); }
    captured_log(const captured_log&) = delete;
    captured_log& operator=(const captured_log&) = delete;

    /// How many messages have that text in them.
    std::size_t with(const std::string& text)
    {
        return count([&](const line& l) { return l.second.find(text) != text.npos; });
    }
    std::size_t with(weft::log_level level, const std::string& text)
    {
        return count(
            [&](const line& l) { return l.first == level && l.second.find(text) != text.npos; });
    }

private:
    using line = std::pair<weft::log_level, std::string>;

    template <class Is>
    std::size_t count(Is is)
    {
        std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::count_if(lines_.begin(), lines_.end(), is));
    }

    std::mutex mutex_;
    std::vector<line> lines_; ///< guarded by mutex_
};

} // namespace weft_test
