// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The fault: the answers go into a channel that has room for one, and nobody reads them. The program
// as a whole goes on, so there is no deadlock report: a dump in groups and the watchdog show it.

#include <weft/debug/dump.hpp>
#include <weft/debug/watchdog.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <csignal>

using namespace std::chrono_literals;

// [snippet hangs_in_part]
weft::task<> answer(int question, weft::send_channel<int> answers)
{
    co_await answers.send(question * 2); // the fault: there is room for one
}

weft::task<> program()
{
    weft::debug::dump_on_signal(SIGQUIT, weft::debug::after_dump::go_on,
                                {.form = weft::debug::dump_form::groups});
    const weft::debug::watchdog dog({.blocked_limit = 50ms});

    auto answers = weft::make_channel<int>(1);
    for (int i = 0; i < 4; ++i) weft::go(answer, i, answers);
    co_await weft::sleep(300ms); // the rest of the program goes on
    std::raise(SIGQUIT);         // as `kill -QUIT` does, or Ctrl-\ in the terminal
    co_await weft::sleep(300ms);
}
// [snippet end]

int main()
{
    weft::run(program, {.procs = 1});
}

// Shows:
// watchdog: 3 goroutines have waited for more than 50 ms [chan send] at hangs_in_part.cpp:19: 3 4 5
// SIGQUIT: quit
//
// goroutine profile: total 4
// 3 @ chan send
// #    answer(int, weft::send_channel<int>)    hangs_in_part.cpp:19
// #    created by program()    hangs_in_part.cpp:29
//
// 1 @ sleep
// #    program()    hangs_in_part.cpp:32
// #    created by main()    hangs_in_part.cpp:38
