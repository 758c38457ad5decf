// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <system_error>

/// Ends the waits on a connection together with a context.

namespace weft::inline v0_1::http::detail {

/// Shuts a descriptor's connection down (shutdown(2), both ways) when the context that it follows ends: whatever waits there
/// then sees an end of file. It lets go of the descriptor before that is closed, and its number is somebody else's; the
/// function that cuts may run at any time, on any thread.
///
/// @par Thread safety  unsafe: one goroutine at a time.
class cutter {
public:
    explicit cutter(int descriptor) : target_(std::make_shared<target>(descriptor)) {}
    cutter(const cutter&) = delete;
    cutter& operator=(const cutter&) = delete;
    ~cutter() { let_go(); }

    /// In place of the one before. False: the connection was cut for that one.
    [[nodiscard]] bool follow(const context& ctx);
    /// The descriptor is no longer touched. False: it was cut.
    bool let_go() noexcept;
    /// Of the context that was followed last: set before the connection is cut.
    [[nodiscard]] std::error_code err() const { return ctx_ ? ctx_.err() : std::error_code(); }

private:
    struct target {
        explicit target(int d) noexcept : descriptor(d) {}
        void cut(unsigned for_turn) noexcept;

        std::mutex mutex;
        // Under mutex, which is held while the descriptor is used.
        int descriptor;    ///< -1: none any more
        unsigned turn = 0; ///< counts the contexts; a late function of an earlier one does nothing
        bool was_cut = false;
    };

    void stop() noexcept;

    const std::shared_ptr<target> target_;
    context ctx_;
    std::optional<after_func_stop> hook_;
};

} // namespace weft::inline v0_1::http::detail
