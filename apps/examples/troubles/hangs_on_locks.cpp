// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The fault: two goroutines take the same two locks, each in its own order. The report names the
// circle.

#include <weft/weft.hpp>

#include <functional>

// [snippet hangs_on_locks]
struct account {
    weft::mutex lock;
    int balance = 100;
};

weft::task<> transfer(account& from, account& to, int amount)
{
    const auto first = co_await from.lock.lock();
    co_await weft::this_goroutine::yield();      // somebody else comes in
    const auto second = co_await to.lock.lock(); // the fault: the order depends on who pays
    from.balance -= amount;
    to.balance += amount;
}
// [snippet end]

weft::task<> program()
{
    account a;
    account b;
    auto one = weft::spawn(transfer, std::ref(a), std::ref(b), 10);
    auto two = weft::spawn(transfer, std::ref(b), std::ref(a), 20);
    co_await one.join();
    co_await two.join();
}

int main()
{
    weft::run(program, {.procs = 1});
}

// Exit status: 2

// Shows:
// fatal error: all goroutines are asleep - deadlock!
//
// goroutine 1 "main" [join]:
// program()
//     hangs_on_locks.cpp:33
// created by main()
//     hangs_on_locks.cpp:39
//
// goroutine 2 [sync.Mutex.Lock]:
// transfer(account&, account&, int)
//     hangs_on_locks.cpp:21
// created by goroutine 1 at program()
//     hangs_on_locks.cpp:31
//
// goroutine 3 [sync.Mutex.Lock]:
// transfer(account&, account&, int)
//     hangs_on_locks.cpp:21
// created by goroutine 1 at program()
//     hangs_on_locks.cpp:32
//
// lock cycle:
// goroutine 2 waits at hangs_on_locks.cpp:21 for a lock that goroutine 3 took at hangs_on_locks.cpp:19
// goroutine 3 waits at hangs_on_locks.cpp:21 for a lock that goroutine 2 took at hangs_on_locks.cpp:19
