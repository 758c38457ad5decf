// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Counts the words of a directory tree: a pipeline of goroutines and channels (see job.hpp).

#include "job.hpp"
#include "options.hpp"
#include "read.hpp"
#include "report.hpp"
#include "walk.hpp"
#include "words.hpp"

#include <weft/weft.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace wordcount {
namespace {

weft::task<> show_progress(job& j)
{
    const weft::ticker tick(std::chrono::milliseconds(200));
    while (co_await tick.channel().receive()) j.screen.show(progress(j));
}

weft::task<word_table> count_blocks(weft::receive_channel<std::string> blocks)
{
    word_table words;
    while (auto block = co_await blocks.receive()) words.count(std::move(*block));
    co_return words;
}

weft::task<> close_after(std::vector<weft::join_handle<void>> senders,
                         weft::send_channel<std::string> channel)
{
    for (auto& sender : senders) co_await sender.join();
    channel.close();
}

weft::task<word_table> count_tree(job& j, weft::context interruptible)
{
    const auto limited = j.chosen.timeout ? weft::with_timeout(interruptible, *j.chosen.timeout)
                                          : weft::with_cancel(interruptible);
    j.ctx = limited.ctx;
    const unsigned procs = j.chosen.procs ? j.chosen.procs : weft::default_procs();
    const unsigned readers = j.chosen.readers ? j.chosen.readers : 4 * procs;
    auto files = weft::make_channel<std::filesystem::path>(1024);
    auto blocks = weft::make_channel<std::string>(2 * readers);

    if (j.screen.live()) weft::go(show_progress, std::ref(j));

    weft::go(walk, std::ref(j), files);
    std::vector<weft::join_handle<void>> reading;
    for (unsigned i = 0; i < readers; ++i) {
        reading.push_back(weft::spawn(read_files, std::ref(j), files, blocks));
    }
    weft::go(close_after, std::move(reading), blocks);
    std::vector<weft::join_handle<word_table>> counting;
    for (unsigned i = 0; i < procs; ++i) counting.push_back(weft::spawn(count_blocks, blocks));

    word_table all;
    for (auto& counter : counting) all.merge(co_await counter.join());
    j.stopped_by = j.ctx.cause();
    co_return all;
}

int run(const options& chosen)
{
    std::error_code failure;
    const std::filesystem::directory_iterator look(chosen.root, failure);
    if (failure) {
        std::cerr << "wordcount: " << chosen.root.string() << ": " << failure.message() << '\n';
        return 1;
    }
    job j(chosen);
    const auto main = [&j](weft::context ctx) { return count_tree(j, ctx); };
    const word_table words = weft::run(main, {.procs = chosen.procs});
    j.screen.finish();
    report(std::cout, j, words);
    if (!std::cout.flush()) {
        std::cerr << "wordcount: the result could not be written\n";
        return 1;
    }
    if (const int signal = j.signal()) return 128 + signal;
    return j.stopped_by ? 124 : 0;
}

} // namespace
} // namespace wordcount

int main(int argc, char** argv)
{
    try {
        const auto chosen = wordcount::parse_options(argc, argv);
        if (chosen.help) {
            std::cout << wordcount::usage();
            return 0;
        }
        return wordcount::run(chosen);
    } catch (const wordcount::usage_error& e) {
        std::cerr << "wordcount: " << e.what() << "; see wordcount --help\n";
        return 2;
    } catch (const std::exception& e) {
        std::cerr << "wordcount: " << e.what() << '\n';
        return 1;
    }
}
