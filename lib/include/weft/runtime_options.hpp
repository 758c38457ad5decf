// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <exception>
#include <functional>
#include <string_view>
#include <utility>

/// How a runtime is set up.

namespace weft::inline v0_1 {

/// A goroutine whose exception nobody caught, as a panic handler sees it.
struct panic_info {
    std::exception_ptr exception;
    std::string_view report; ///< goroutine, spawn site and await chain, ready to print
};

/// What happens when an exception escapes a goroutine. It is never swallowed.
class WEFT_EXPORT panic_policy {
public:
    enum class kind { terminate, log, handler };

    /// Report it, dump all goroutines, std::terminate (default).
    static const panic_policy terminate;
    /// Report it; the other goroutines go on.
    static const panic_policy log;

    panic_policy() noexcept = default;
    panic_policy(kind k) noexcept : kind_(k) {}
    /// Calls `h` on the thread that ran the goroutine. An exception out of `h` terminates.
    panic_policy(std::function<void(const panic_info&)> h)
        : kind_(kind::handler), handler_(std::move(h))
    {
    }

    [[nodiscard]] kind what() const noexcept { return kind_; }
    [[nodiscard]] const std::function<void(const panic_info&)>& handler() const noexcept
    {
        return handler_;
    }

private:
    kind kind_ = kind::terminate;
    std::function<void(const panic_info&)> handler_;
};

inline const panic_policy panic_policy::terminate{kind::terminate};
inline const panic_policy panic_policy::log{kind::log};

struct runtime_options {
    /// Workers, that is goroutines running at the same time; 0 = default_procs().
    unsigned procs = 0;
    panic_policy on_panic{}; ///< what an escaped exception does
    /// run() only: report "all goroutines are asleep - deadlock!" and exit with 2.
    bool detect_deadlock = true;
};

/// The processors this process may use: CPU affinity and the cgroup (v1 or v2) quota rounded up, at
/// least 1.
WEFT_EXPORT unsigned default_procs();

} // namespace weft::inline v0_1
