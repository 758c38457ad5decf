// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What code is where in this process, and what it is called.

namespace weft::inline v0_1::detail {

/// A part of a file that is mapped to be executed.
struct mapping {
    std::uint64_t begin = 0, end = 0, offset = 0;
    std::string file;
};

/// By address; empty where the system does not tell.
[[nodiscard]] std::vector<mapping> executable_mappings();

/// Names of functions by address, static ones too: from the symbol tables of the files, which are read when they are first
/// needed. Not thread safe.
class symbol_names {
public:
    symbol_names();
    /// As a reader knows it, "work(int)"; empty: nobody knows.
    [[nodiscard]] std::string name(std::uint64_t address);
    /// The file whose code it is; empty: none.
    [[nodiscard]] std::string_view file(std::uint64_t address) const;

private:
    struct symbol {
        std::uint64_t begin, end; ///< in the file's own addresses
        std::string name;
    };
    struct object {
        mapping where;
        bool loaded = false;
        std::uint64_t bias = 0; ///< from the file's addresses to the process's
        std::vector<symbol> symbols{};
    };
    [[nodiscard]] const object* find(std::uint64_t address) const noexcept;
    static void load(object& o);

    std::vector<object> objects_;
};

/// `mangled` as a reader knows it; a coroutine's resume function by the coroutine's name.
[[nodiscard]] std::string readable_symbol(const char* mangled);

} // namespace weft::inline v0_1::detail
