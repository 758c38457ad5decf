// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "read.hpp"

#include "words.hpp"

#include <weft/blocking.hpp>
#include <weft/select.hpp>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

namespace wordcount {
namespace {

namespace fs = std::filesystem;

/// One file on its way through memory, a block at a time. Its calls block.
class block_reader {
public:
    explicit block_reader(fs::path path) : path_(std::move(path)) {}

    /// The next block; empty at the end. Throws std::system_error.
    std::string next()
    {
        if (ended_) return {};
        if (!file_) open();
        std::string block = std::move(carry_);
        carry_.clear();
        const std::size_t before = block.size();
        block.resize(before + block_size);
        const std::size_t got = std::fread(block.data() + before, 1, block_size, file_.get());
        if (got < block_size && std::ferror(file_.get())) fail();
        bytes_ += got;
        block.resize(before + got);
        ended_ = got < block_size;
        if (!ended_) {
            // The last word may go on in the next block. One as long as a block is cut all the
            // same.
            const std::size_t cut = end_of_last_separator(block);
            carry_.assign(block, cut);
            if (carry_.size() < block_size) block.resize(cut);
            else carry_.clear();
        }
        return block;
    }

    [[nodiscard]] bool ended() const noexcept { return ended_; }
    /// Bytes read since the last call.
    std::size_t take_bytes() noexcept { return std::exchange(bytes_, 0); }

private:
    static constexpr std::size_t block_size = 64 * 1024;

    void open()
    {
        errno = 0;
        file_.reset(std::fopen(path_.string().c_str(), "rb"));
        if (!file_) fail();
        std::setvbuf(file_.get(), nullptr, _IONBF, 0); // the block is the buffer
    }
    [[noreturn]] static void fail()
    {
        throw std::system_error(errno ? errno : EIO, std::generic_category());
    }

    struct closer {
        void operator()(std::FILE* f) const { std::fclose(f); }
    };

    const fs::path path_;
    std::unique_ptr<std::FILE, closer> file_;
    std::string carry_;
    std::size_t bytes_ = 0;
    bool ended_ = false;
};

/// False: told to stop.
weft::task<bool> read_file(job& j, fs::path path, const weft::send_channel<std::string>& blocks)
{
    block_reader in(path);
    while (!in.ended()) {
        auto read = [&in] { return in.next(); };
        std::string block = co_await weft::blocking(std::move(read));
        j.bytes += in.take_bytes();
        if (block.empty()) continue;
        auto s = co_await weft::select_biased{j.ctx.done(), blocks.send(std::move(block))};
        if (s.index() == 0) co_return false;
    }
    ++j.files;
    co_return true;
}

} // namespace

weft::task<> read_files(job& j, weft::receive_channel<fs::path> files,
                        weft::send_channel<std::string> blocks)
{
    for (;;) {
        auto s = co_await weft::select_biased{j.ctx.done(), files.receive()};
        if (s.index() == 0 || !s.get<1>()) co_return;
        const fs::path path = std::move(*s.get<1>());
        try {
            const bool go_on = co_await read_file(j, path, blocks);
            if (!go_on) co_return;
        } catch (const std::system_error& e) {
            ++j.unreadable;
            j.screen.complain(path.string() + ": " + e.code().message());
        }
    }
}

} // namespace wordcount
