// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Holds 64 MiB and prints the allocator's account, or why there is none.

#include <weft/debug/cpu_profile.hpp>
#include <weft/weft.hpp>

#include <cstddef>
#include <exception>
#include <iostream>
#include <memory>
#include <vector>

namespace {

using block = std::vector<char>;

[[gnu::noinline]] std::vector<std::unique_ptr<block>> hold_memory()
{
    constexpr std::size_t blocks = 64, size = std::size_t{1} << 20;
    std::vector<std::unique_ptr<block>> all;
    for (std::size_t i = 0; i < blocks; ++i) all.push_back(std::make_unique<block>(size, 'x'));
    return all;
}

weft::task<> program()
{
    const auto held = hold_memory();
    std::cout << weft::debug::heap_profile();
    co_return;
}

} // namespace

int main()
{
    try {
        weft::run(program);
    } catch (const std::exception& e) {
        std::cout << e.what() << '\n';
        return 1;
    }
}
