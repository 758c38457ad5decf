// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A condition: waiting until something that a mutex guards has changed. Often a channel says it
// better; a condition fits when several things may change, or all who wait must look.

#include <weft/weft.hpp>

#include <deque>
#include <iostream>
#include <string>

class mailbox {
public:
    weft::task<> put(std::string letter)
    {
        const auto held = co_await mutex_.lock();
        letters_.push_back(std::move(letter));
        arrived_.signal(); // one of those who wait for a letter
    }
    weft::task<std::string> take()
    {
        auto held = co_await mutex_.lock();
        while (letters_.empty()) co_await arrived_.wait(held); // unlocked meanwhile
        std::string letter = std::move(letters_.front());
        letters_.pop_front();
        if (letters_.empty()) emptied_.broadcast(); // all of those who wait for that
        co_return letter;
    }
    weft::task<> until_empty()
    {
        auto held = co_await mutex_.lock();
        co_await emptied_.wait(held, [this] { return letters_.empty(); });
    }

private:
    weft::mutex mutex_;
    weft::cond arrived_{mutex_}, emptied_{mutex_};
    std::deque<std::string> letters_;
};

weft::task<> program()
{
    mailbox box;
    weft::wait_group readers;
    int read = 0;
    for (int i = 0; i < 3; ++i) {
        readers.go([&]() -> weft::task<> {
            const std::string letter = co_await box.take();
            ++read;
        });
    }
    co_await weft::this_goroutine::yield(); // they wait
    for (const char* text : {"one", "two", "three"}) co_await box.put(text);
    co_await box.until_empty();
    co_await readers.wait();
    std::cout << read << " letters read\n";
}

int main()
{
    weft::run(program, {.procs = 1});
}

// Output:
// 3 letters read
