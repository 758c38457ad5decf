// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "report.hpp"

#include <csignal>
#include <iomanip>
#include <ostream>
#include <sstream>

namespace wordcount {
namespace {

std::string amount(std::uint64_t n, const char* one, const char* many)
{
    return std::to_string(n) + ' ' + (n == 1 ? one : many);
}

std::string name_of(int signal)
{
    if (signal == SIGINT) return "SIGINT";
    if (signal == SIGTERM) return "SIGTERM";
    return "signal " + std::to_string(signal);
}

/// "123.4 MB", "56.7 MB/s"
std::string megabytes(double bytes, const char* unit)
{
    std::ostringstream text;
    text << std::fixed << std::setprecision(1) << bytes / 1e6 << ' ' << unit;
    return text.str();
}

} // namespace

std::string progress(const job& j)
{
    const auto bytes = static_cast<double>(j.bytes);
    return amount(j.files, "file", "files") + ", " + megabytes(bytes, "MB") + ", " +
           megabytes(bytes / j.seconds(), "MB/s");
}

void report(std::ostream& out, const job& j, const word_table& words)
{
    const double seconds = j.seconds();
    const std::uint64_t bytes = j.bytes;
    for (const auto& [word, count] : words.top(j.chosen.top)) {
        out << std::setw(12) << count << "  " << word << '\n';
    }
    out << '\n'
        << amount(words.words(), "word", "words") << ", " << words.different() << " different\n"
        << amount(j.files, "file", "files") << ", " << amount(bytes, "byte", "bytes") << " in "
        << std::fixed << std::setprecision(2) << seconds << " s, "
        << megabytes(static_cast<double>(bytes) / seconds, "MB/s") << '\n';
    if (j.unreadable) out << j.unreadable << " could not be read and were skipped\n";
    if (const int signal = j.signal()) {
        out << "partial result: stopped by " << name_of(signal) << '\n';
    } else if (j.stopped_by) {
        out << "partial result: stopped by the timeout of " << j.chosen.timeout->count() << " ms\n";
    }
}

} // namespace wordcount
