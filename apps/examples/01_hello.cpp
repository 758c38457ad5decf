// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Goroutines and channels: go starts a function beside its caller, a channel brings a value back.

// [snippet hello]
#include <weft/weft.hpp>

#include <iostream>
#include <string>

weft::task<> greet(weft::send_channel<std::string> out, std::string whom)
{
    co_await out.send("hello, " + whom);
}

weft::task<> hello()
{
    auto greetings = weft::make_channel<std::string>(); // unbuffered: send and receive meet
    weft::go(greet, greetings, "gopher");               // callable and arguments are moved over

    auto text = co_await greetings.receive(); // suspends this goroutine, blocks no thread
    std::cout << *text << '\n';
}

int main()
{
    weft::run(hello); // returns when hello does
}
// [snippet end]

// Output:
// hello, gopher
