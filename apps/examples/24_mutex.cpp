// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Locks. A goroutine that waits for one does not keep its thread, and one that holds one may wait
// for other things meanwhile.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <map>
#include <string>

using namespace std::chrono_literals;

/// A cache that is read often and written rarely.
class prices {
public:
    weft::task<int> of(std::string name)
    {
        const auto held = co_await mutex_.lock_shared(); // with other readers
        const auto found = table_.find(name);
        co_return found == table_.end() ? 0 : found->second;
    }
    weft::task<> set(std::string name, int price)
    {
        const auto held = co_await mutex_.lock(); // alone
        table_[name] = price;
    }

private:
    weft::rw_mutex mutex_;
    std::map<std::string, int> table_;
};

weft::task<> program()
{
    weft::mutex mutex;
    int counter = 0;
    weft::wait_group all;
    const auto count = [&]() -> weft::task<> {
        for (int i = 0; i < 1000; ++i) {
            const auto held = co_await mutex.lock(); // until the end of the scope
            ++counter;
        }
    };
    for (int i = 0; i < 8; ++i) all.go(count);
    co_await all.wait();
    std::cout << counter << '\n';

    prices p;
    co_await p.set("tea", 3);
    std::cout << co_await p.of("tea") << '\n';

    // A lock is something to wait for like any other: with a context, or as a case of a select.
    auto held = co_await mutex.lock();
    const auto s = co_await weft::select{mutex.lock(), weft::after(5ms)};
    std::cout << (s.index() == 1 ? "still locked\n" : "locked twice?\n");
    held.unlock();
    std::cout << (mutex.try_lock() ? "now it is free\n" : "not free?\n");
    mutex.unlock();
}

int main()
{
    weft::run(program);
}

// Output:
// 8000
// 3
// still locked
// now it is free
