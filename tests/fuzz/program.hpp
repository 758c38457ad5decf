// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

/// Programs of goroutines and channels, read from bytes: whatever the bytes, they are a program.
namespace weft_fuzz {

enum class action : std::uint8_t {
    send,
    receive,
    try_send,
    try_receive,
    close,
    yield,
    sleep,
    select_receive_receive,
    select_send_receive,
    select_send_send,
    select_receive_timeout,
    receive_until, ///< under a context with a timeout
    send_until,
    last = send_until
};

struct step {
    action what;
    std::uint8_t a, b; ///< channels
    std::uint8_t n;    ///< milliseconds
};

struct program {
    std::vector<std::size_t> capacities; ///< of the channels; 1 to 4 of them
    std::vector<std::vector<step>> goroutines;

    [[nodiscard]] std::string text() const;
};

program read_program(std::span<const std::uint8_t> bytes);

/// Runs it in a bubble and checks it against what Go's rules say of any run:
///  - each value that was sent is received once, or lies in its channel at the end;
///  - each receiver sees the values of one sender in their order;
///  - a goroutine that is stuck at the end could not go on: nobody is at the other end of any of its cases,
///    the buffer is empty (or full), and the channel is open.
/// @throws std::runtime_error  it breaks one of them.
void run_program(const program& p, std::uint64_t seed);

} // namespace weft_fuzz
