// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "walk.hpp"

#include <weft/blocking.hpp>
#include <weft/defer.hpp>
#include <weft/select.hpp>

#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace wordcount {
namespace {

namespace fs = std::filesystem;

struct listing {
    std::vector<fs::path> files, directories;
    std::error_code failure;
};

listing list(const fs::path& directory)
{
    listing found;
    fs::directory_iterator entry(directory, found.failure);
    const fs::directory_iterator end;
    while (!found.failure && entry != end) {
        std::error_code gone; // between the listing and the look: whoever opens it will see
        if (entry->is_directory(gone) && !gone) {
            if (!entry->is_symlink(gone)) found.directories.push_back(entry->path());
        } else if (!entry->is_other(gone)) { // no pipes, sockets and devices: they may never end
            found.files.push_back(entry->path());
        }
        entry.increment(found.failure);
    }
    return found;
}

} // namespace

weft::task<> walk(job& j, weft::send_channel<fs::path> files)
{
    weft::defer no_more([&] { files.close(); });
    std::vector<fs::path> open{j.chosen.root};
    while (!open.empty()) {
        const fs::path directory = std::move(open.back());
        open.pop_back();
        auto call = [&directory] { return list(directory); };
        listing found = co_await weft::blocking(std::move(call));
        if (found.failure) {
            ++j.unreadable;
            j.screen.complain(directory.string() + ": " + found.failure.message());
        }
        for (fs::path& file : found.files) {
            auto s = co_await weft::select_biased{j.ctx.done(), files.send(std::move(file))};
            if (s.index() == 0) co_return;
        }
        for (fs::path& inner : found.directories) open.push_back(std::move(inner));
        if (j.ctx.err()) co_return;
    }
}

} // namespace wordcount
