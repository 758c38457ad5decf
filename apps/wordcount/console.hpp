// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <mutex>
#include <string_view>

namespace wordcount {

/// stderr, shared by the line that shows the progress and by complaints.
///
/// @par Thread safety  safe.
class console {
public:
    console();
    console(const console&) = delete;
    console& operator=(const console&) = delete;

    /// Whether somebody looks on, so that a progress line makes sense.
    [[nodiscard]] bool live() const noexcept { return live_; }

    /// Replaces the progress line, until `finish`.
    void show(std::string_view progress);

    /// Prints a line of its own; the progress line comes back with the next `show`.
    void complain(std::string_view what);

    /// Removes the progress line for good.
    void finish();

private:
    void erase();

    const bool live_;
    std::mutex mutex_;
    bool shown_ = false;    ///< guarded by mutex_
    bool finished_ = false; ///< guarded by mutex_
};

} // namespace wordcount
