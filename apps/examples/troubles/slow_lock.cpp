// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The fault: a lock is held while its goroutine waits for something else. The block profile says where
// goroutines wait, the mutex profile who keeps them waiting.

#include <weft/debug/contention.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <fstream>
#include <functional>
#include <string>

using namespace std::chrono_literals;

// [snippet slow_lock]
weft::task<> store(weft::mutex& guard, int& total, int amount)
{
    const auto held = co_await guard.lock();
    co_await weft::sleep(5ms); // the fault: a slow operation under the lock
    total += amount;
}

weft::task<> program(std::string directory)
{
    weft::debug::set_block_profile_rate(1us);
    weft::debug::set_mutex_profile_fraction(1);

    weft::mutex guard;
    int total = 0;
    weft::wait_group all;
    for (int i = 0; i < 20; ++i) all.go(store, std::ref(guard), std::ref(total), i);
    co_await all.wait();

    std::ofstream(directory + "/block.pb") << weft::debug::block_profile().encoded();
    std::ofstream(directory + "/mutex.pb") << weft::debug::mutex_profile().encoded();
}
// [snippet end]

int main(int argc, char** argv)
{
    const std::string directory = argc > 1 ? argv[1] : ".";
    weft::run([directory] { return program(directory); });
}

// Shows by `go tool pprof -top block.pb`:
// Type: delay
// Showing nodes accounting for 1684.85ms, 100% of 1684.85ms total
//       flat  flat%   sum%        cum   cum%
//  1532.01ms 90.93% 90.93%  1532.01ms 90.93%  store
//   152.84ms  9.07%   100%   152.84ms  9.07%  program
//          0     0%   100%  1684.85ms   100%  goroutine_body
//          0     0%   100%   152.84ms  9.07%  weft::detail::visit::operator
//          0     0%   100%   152.84ms  9.07%  weft::run:: mutable
//          0     0%   100%  1532.01ms 90.93%  weft::wait_group::run

// Shows by `go tool pprof -top mutex.pb`:
// Type: delay
// Showing nodes accounting for 1.53s, 100% of 1.53s total
//       flat  flat%   sum%        cum   cum%
//      1.53s   100%   100%      1.53s   100%  store
