// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

/// `program`: a process of the test's.

namespace weft_test {

/// A running program; what it prints, by either stream, comes here. Killed when this goes.
class program {
public:
    /// @param before  called in the child before it becomes the program: for limits.
    program(const std::string& file, std::vector<std::string> arguments,
            void (*before)() = nullptr);
    program(const program&) = delete;
    program& operator=(const program&) = delete;
    ~program();

    /// Reads on until that has been printed; the test fails if it is not, for ten seconds.
    void read_until(const std::string& text);
    /// The port behind "listening on http://127.0.0.1:".
    [[nodiscard]] std::uint16_t port();
    void signal(int number) const;
    /// The exit status; 128 and the signal that ended it.
    int wait();
    /// So far, without waiting for more.
    [[nodiscard]] const std::string& printed();
    [[nodiscard]] pid_t id() const noexcept { return pid_; }

private:
    bool read_some();

    pid_t pid_ = -1;
    int out_ = -1;
    std::string printed_;
};

/// Runs it to its end.
struct finished {
    int status = 0;
    std::string printed;
};
[[nodiscard]] finished run_program(const std::string& file, std::vector<std::string> arguments);

} // namespace weft_test
