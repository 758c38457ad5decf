// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "console.hpp"

#include <cstdio>
#include <string>

#if defined(_WIN32)
#    include <io.h>
#else
#    include <unistd.h>
#endif

namespace wordcount {
namespace {

bool stderr_is_terminal()
{
#if defined(_WIN32)
    return ::_isatty(2) != 0;
#else
    return ::isatty(2) != 0;
#endif
}

void write(std::string_view text)
{
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}

} // namespace

console::console() : live_(stderr_is_terminal()) {}

void console::show(std::string_view progress)
{
    std::lock_guard lock(mutex_);
    if (!live_ || finished_) return;
    std::string line("\r");
    write(line.append(progress).append("\x1b[K"));
    shown_ = true;
}

void console::complain(std::string_view what)
{
    std::lock_guard lock(mutex_);
    erase();
    write("wordcount: " + std::string(what) + '\n');
}

void console::finish()
{
    std::lock_guard lock(mutex_);
    erase();
    finished_ = true;
}

void console::erase()
{
    if (shown_) write("\r\x1b[K");
    shown_ = false;
}

} // namespace wordcount
